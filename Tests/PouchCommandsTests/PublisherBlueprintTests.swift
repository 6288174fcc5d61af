import PouchCommands
import PouchConfiguration
import PouchKit
import PouchTestSupport
import Testing

@Suite("The configuration of a publisher, checked by everybody who understands a piece of it")
struct PublisherBlueprintTests {
    private static let url = "https://sqs.eu-west-1.amazonaws.com/111111111111/pouch-events"
    private static let key = "arn:aws:kms:eu-west-1:222222222222:key/11112222-3333-4444-5555-666677778888"

    private static func host(
        _ publish: String, deliver: String = "with: s3-secure-inbox", inbox: String = inbox, rest: String = ""
    ) -> String {
        """
        publish: \(publish)
        agent: { name: publisher-01, state: ./state }
        identities: { publisher: { role: "arn:aws:iam::111111111111:role/publisher", from: { environment: true } } }
        partners:
          acme:
            deliver:
              \(deliver)
              repository: { bucket: orga-repository, region: eu-west-1, prefix: acme/, key: "\(key)", as: generator }
              \(inbox)
        \(rest)
        """
    }

    private static let inbox =
        #"inbox: { bucket: acme-inbox, region: eu-west-1, owner: "222222222222", prefix: from-orga/, key: "\#(key)", as: publisher }"#

    /// Without the sections that a writer of folders and routes would add.
    private func messages(_ text: String) throws -> String {
        let folder = try TemporaryFolder("publisher")
        try folder.write(text + "\n", to: "agent.yaml")
        return Blueprint.load(path: folder.path("agent.yaml"), environment: [:]).problems
            .map { $0.description.replacing(folder.path + "/", with: "") }.joined(separator: "\n")
    }

    @Test("is sound without the identity that stores, without folders and without routes")
    func sound() throws {
        #expect(try messages(Self.host(#"{ queue: "\#(Self.url)", as: publisher }"#)) == "")
        #expect(
            try messages(Self.host(#"{ queue: "https://127.0.0.1:4566/111111111111/q", region: eu-west-1, as: publisher }"#)) == "")
    }

    @Test("says what is wrong with the queue, its region and its identity")
    func queue() throws {
        #expect(
            try messages(Self.host("{ queue: pouch-events, as: publisher }"))
                == "agent.yaml:1:19: queue: expected a queue such as https://sqs.eu-west-1.amazonaws.com/111111111111/pouch-events, "
                + "found 'pouch-events'")
        #expect(
            try messages(Self.host(#"{ queue: "https://127.0.0.1:4566/111111111111/q", as: publisher }"#)) == """
                agent.yaml:1:19: queue: '127.0.0.1:4566' does not tell the region
                hint: add region: eu-west-1, or whichever it is
                """)
        #expect(
            try messages(Self.host(#"{ queue: "\#(Self.url)", as: nobody }"#)) == """
                agent.yaml:1:88: there is no identity 'nobody'
                hint: identities: defines publisher
                """)
    }

    @Test("refuses a queue at an address of its own where AWS's fips or dual-stack hosts are wanted")
    func variants() throws {
        let fips = "aws: { fips: true }"
        #expect(try messages(Self.host(#"{ queue: "\#(Self.url)", as: publisher }"#, rest: fips)) == "")
        let own = try messages(
            Self.host(#"{ queue: "https://q.vpce.example/111111111111/q", region: eu-west-1, as: publisher }"#, rest: fips))
        #expect(own.contains("fips is a choice among AWS's own hosts, and sqs has an endpoint of its own"), "\(own)")
        #expect(own.hasPrefix("agent.yaml:1:19: "), "\(own)")
    }

    @Test("says where a partner cannot be published for")
    func partners() throws {
        let publish = #"{ queue: "\#(Self.url)", as: publisher }"#
        #expect(try messages(Self.host(publish, inbox: "publish: elsewhere")).contains("'inbox' is missing"))
        let replacing = try messages(Self.host(publish, inbox: "when-taken: replace\n      " + Self.inbox))
        #expect(replacing.hasPrefix("agent.yaml:9:19: "), "\(replacing)")
        #expect(replacing.contains("an older file could win"))
        let unknown = try messages(Self.host(publish, inbox: Self.inbox.replacing("as: publisher", with: "as: nobody")))
        #expect(unknown.contains("there is no identity 'nobody'"))
        let mine = try messages(
            Self.host(
                publish, inbox: Self.inbox.replacing("generator", with: "publisher"),
                rest: "folders: [{ watch: ./drop, then: keep }]\nroutes: [{ name: all, to: acme }]"
            ).replacing("as: generator", with: "as: publisher"))
        #expect(mine.contains("'acme' is published by this agent and by the publisher of this file"), "\(mine)")
        #expect(mine.contains("hint: set publish: elsewhere"))
    }

    @Test("receipts belong to a partner that somebody else publishes for")
    func receipts() throws {
        let rest = "folders: [{ watch: ./drop, then: keep }]\nroutes: [{ name: all, to: acme }]"
        func agent(_ more: String) throws -> String {
            let text = Self.host("x", inbox: Self.inbox + "\n      " + more, rest: rest).replacing("publish: x\n", with: "")
            return try messages(text.replacing("as: generator", with: "as: publisher"))
        }
        #expect(try agent("publish: elsewhere\n      receipts: { as: publisher }") == "")
        #expect(try agent("receipts: { as: publisher }").contains("there are no receipts where this agent publishes"))
        #expect(try agent("publish: elsewhere\n      receipts: { as: nobody }").contains("there is no identity 'nobody'"))
    }
}

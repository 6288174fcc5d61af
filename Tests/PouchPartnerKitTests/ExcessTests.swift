import FoundationEssentials
import PouchAWS
import PouchKit
import PouchPartnerKit
import PouchSandbox
import S3SecureInbox
import Testing

/// A right too many, and the proof that it spoils.
struct Excess: Sendable, CustomTestStringConvertible {
    let testDescription: String
    let scenario: @Sendable (inout SandboxScenario) throws -> Void
    /// In the finding's text.
    let words: String
    /// Of the finding: something less than a proof of the contrary where only KMS stands between.
    var proof = Finding.Proof.excessive

    static let all: [Excess] = [
        Excess(
            testDescription: "the generator has s3:GetObject, and not s3:GetObjectVersion",
            scenario: {
                $0.dropNeverRead()
                try $0.give("generator", "s3:GetObject")
            }, words: "generator can read what it stored"),
        Excess(
            testDescription: "the generator has s3:GetObjectVersion, and not s3:GetObject",
            scenario: {
                $0.dropNeverRead()
                try $0.give("generator", "s3:GetObjectVersion")
            }, words: "generator can read what it stored"),
        Excess(
            testDescription: "the generator may put objects anywhere in the repository",
            scenario: { try $0.give("generator", "s3:PutObject", on: "arn:aws:s3:::orga-repository/*") },
            words: "generator can store outside acme/"),
        Excess(
            testDescription: "the publisher may put objects anywhere in the repository",
            scenario: { try $0.give("publisher", "s3:PutObject", on: "arn:aws:s3:::orga-repository/*") },
            words: "publisher can write into the repository"),
        Excess(
            testDescription: "the partner's bucket policy names the generator, too, and its guards leave KMS as the only obstacle",
            scenario: {
                try $0.give("generator", "s3:PutObject", on: "arn:aws:s3:::acme-inbox/*")
                try $0.allowInInbox("s3:PutObject", to: "arn:aws:iam::111111111111:role/generator")
            }, words: "generator cannot put anything into the inbox is not known: S3 let it", proof: .unproven),
        Excess(
            testDescription: "the generator may decrypt through S3 alone, and upload in parts",
            scenario: {
                try $0.giveGeneratorDecrypt(through: "s3.eu-west-1.amazonaws.com")
                try $0.give("generator", "s3:PutObject", "s3:AbortMultipartUpload", on: "arn:aws:s3:::orga-repository/acme/*")
            }, words: "generator can make S3 decrypt"),
        Excess(
            testDescription: "the publisher may read versions in the inbox, and not objects without one",
            scenario: {
                try $0.give("publisher", "s3:GetObjectVersion", on: "arn:aws:s3:::acme-inbox/*")
                try $0.give("publisher", "kms:Decrypt", on: "*")
                try $0.allowInInbox("s3:GetObjectVersion", to: "arn:aws:iam::111111111111:role/publisher")
                try $0.allowByKey("kms:Decrypt", to: "arn:aws:iam::111111111111:role/publisher")
            }, words: "publisher can read what lies in the inbox"),
    ]
}

@Suite("rights too many")
struct ExcessTests {
    @Test("are seen by doctor, whichever other lock holds", arguments: Excess.all)
    func areSeen(_ excess: Excess) async throws {
        let house = try KitHouse(KitHouse.kit()) { try excess.scenario(&$0) }
        let findings = try await house.destination().check()
        let found = try #require(findings.finding(in: "refusals", saying: excess.words), "\(findings.story)")
        #expect(found.proof == excess.proof)
    }

    @Test(
        "a generator that may decrypt and makes no request with which S3 decrypts opens nothing, and doctor says which lock holds")
    func decryptsNothing() async throws {
        let house = try KitHouse(KitHouse.kit()) { try $0.giveGeneratorDecrypt(through: "s3.eu-west-1.amazonaws.com") }
        let findings = try await house.destination().check()
        let found = try #require(findings.finding(in: "refusals", saying: "cannot make S3 decrypt"), "\(findings.story)")
        #expect(
            found.text.contains(
                "S3 refuses it parts of uploads; an upload without content is left open at s3://orga-repository/acme/.pouch-probe/")
        )
    }

    @Test("where another host publishes, doctor tries every identity that this one has")
    func looksAtNeighbours() async throws {
        let house = try KitHouse(KitHouse.kit())
        let separate = try await house.storing(neighbours: []).check()
        let alone = try #require(separate.finding(in: "attestation", saying: "no identity that could open"), "\(separate.story)")
        #expect(alone.severity == .note && alone.proof == nil)
        let together = try await house.storing(neighbours: ["publisher"]).check()
        let found = try #require(together.finding(in: "refusals", saying: "publisher, which this host holds too, can open"))
        #expect(found.proof == .excessive && found.severity == .failure)
        #expect(
            together.finding(in: "attestation", saying: "this host holds no identity that could open what it stores is not shown")
                != nil)
    }

    @Test("a generator that reads receipts may read nothing else")
    func readsReceipts() async throws {
        let kit = try KitHouse.kit { $0.readsReceipts = true }
        let house = try KitHouse(kit)
        let findings = try await house.storing(neighbours: [], reader: "generator").check()
        #expect(findings.firstFailure == nil, "\(findings.story)")
        // What is missing the sandbox refuses without a reason; what may not be read it names, which the matrix holds.
        let word = try #require(findings.first { $0.step == "receipts" }, "\(findings.story)")
        #expect(word.severity != .failure)
        #expect(findings.finding(in: "refusals", saying: "generator cannot read what it stored")?.proof == .refused)
    }
}

extension SandboxScenario {
    mutating func allowInInbox(_ action: String, to role: String) throws {
        let old = accounts[1].buckets[0].policy?.document.statements ?? []
        accounts[1].buckets[0].policy = PolicySource(PolicyDocument(statements: old + [try Self.grant(action, to: role)]))
    }

    mutating func allowByKey(_ action: String, to role: String) throws {
        let old = accounts[1].keys[0].policy.document.statements
        accounts[1].keys[0].policy = PolicySource(PolicyDocument(statements: old + [try Self.grant(action, to: role)]))
    }

    private static func grant(_ action: String, to role: String) throws -> PolicyStatement {
        let json = #"{ "Effect": "Allow", "Principal": { "AWS": "\#(role)" }, "Action": "\#(action)", "Resource": "*" }"#
        return try JSONDecoder().decode(PolicyStatement.self, from: Data(json.utf8))
    }
}

extension KitHouse {
    /// As the edge is where another host publishes.
    func storing(neighbours: [String], reader: String? = nil) throws -> S3SecureInbox {
        var settings = try Self.settings()
        settings.publish = .elsewhere
        settings.inbox = nil
        settings.receipts = reader.map { S3SecureInboxSettings.Receipts(identity: $0) }
        let (plan, problems) = settings.checked(knowing: try Self.roles())
        guard let plan else { throw problems[0] }
        let link = link()
        func party(_ name: String) throws -> S3SecureInbox.Party { try Self.party(name, credentials(name, link)) }
        return S3SecureInbox(
            plan: plan, generator: try party("generator"), publisher: nil, receiptReader: try reader.map(party),
            neighbours: try neighbours.map(party), link: link)
    }
}

import FoundationEssentials
import PouchAWS
import PouchKit
import PouchPartnerKit
import PouchSandbox
import PouchTestSupport
import Testing

@Suite("a partner's kit")
struct KitTests {
    private static let queue = EventQueue(arn: "arn:aws:sqs:eu-west-1:111111111111:pouch-published")

    /// Every choice that there is, each in some kit.
    private static func kits() throws -> [PartnerKit] {
        var elsewhere = try KitHouse.kit()
        elsewhere.queue = queue
        elsewhere.newUsers = ["pouch-edge", "pouch-publisher"]
        return [
            try KitHouse.kit(), elsewhere, try KitHouse.kit { $0.storesInParts = true },
            try KitHouse.kit { $0.readsReceipts = true },
            try KitHouse.kit {
                $0.joinsSegments = true
                $0.asksInbox = false
                $0.handsOverOwnership = true
                $0.usesBucketKey = true
                $0.replaces = true
            },
            try twoRegions(),
        ]
    }

    private static func twoRegions() throws -> PartnerKit {
        PartnerKit(
            partner: try PartnerName("acme"),
            generator: try RoleARN("arn:aws:iam::111111111111:role/pouch/generator"),
            publisher: try RoleARN("arn:aws:iam::111111111111:role/pouch/publisher"),
            generatorTrust: .rolesAnywhere(
                .init(trustAnchor: "arn:aws:rolesanywhere:eu-west-1:111111111111:trust-anchor/a", commonName: "edge-01")),
            publisherTrust: .webIdentity(.init(provider: "id.example", subject: "edge", audience: "sts.amazonaws.com")),
            repository: PatternFacts.Place(
                bucket: try BucketName("orga-repository"), region: try Region("eu-west-1"), owner: try AccountID("111111111111"),
                prefix: "acme/", key: try KeyARN(KitHouse.key)),
            inbox: PatternFacts.Place(
                bucket: try BucketName("acme-inbox"), region: try Region("us-east-1"), owner: try AccountID("222222222222"),
                prefix: "", key: try KeyARN("arn:aws:kms:us-east-1:222222222222:key/99992222-3333-4444-5555-666677778888")))
    }

    @Test("uses every statement that there is, each with a sentence why")
    func usesEveryStatement() throws {
        let statements = try Self.kits().flatMap(\.documents).flatMap(\.policy.statements)
        #expect(Set(statements.map(\.name)) == Set(StatementName.allCases))
        #expect(statements.allSatisfy { $0.reason.count > 20 })
        for document in try Self.kits().flatMap(\.documents) {
            let names = document.policy.statements.map(\.name)
            #expect(Set(names).count == names.count, "\(document.path)")
        }
    }

    @Test("is JSON that the sandbox takes, on many lines and on one")
    func isJSON() throws {
        for kit in try Self.kits() {
            #expect(Set(kit.files.map(\.path)).count == kit.files.count)
            for document in kit.documents {
                let json = document.policy.json
                let parsed = try JSONDecoder().decode(PolicyDocument.self, from: Data(json.pretty().utf8))
                #expect(try JSONDecoder().decode(PolicyDocument.self, from: Data(json.line.utf8)) == parsed)
                #expect(parsed.statements.map(\.sid) == document.policy.statements.map(\.name.rawValue))
            }
        }
    }

    @Test("grants the generator no Decrypt and nobody a wildcard, but the owner of a key")
    func isLeastPrivilege() throws {
        let kit = try KitHouse.kit()
        #expect(!kit.facts.generatorPolicy.statements.contains { $0.effect == .allow && $0.actions.contains("kms:Decrypt") })
        for document in kit.documents {
            for statement in document.policy.statements where statement.effect == .allow {
                #expect(statement.name == .ownerAdministersThroughIAM || !statement.actions.contains { $0.contains("*") })
            }
        }
        let opened = kit.facts.publisherPolicy.statements.first { $0.actions == ["kms:Decrypt"] }
        #expect(opened?.conditions.last?.values == ["arn:aws:s3:::orga-repository/acme/*"], "the repository's context alone")
    }

    @Test("lets the publisher join segments without letting it read")
    func segmentsDoNotRead() throws {
        let kit = try KitHouse.kit {
            $0.joinsSegments = true
            $0.asksInbox = false
        }
        #expect(kit.facts.publisherPolicy[.reopenJoinedParts] != nil)
        #expect(kit.facts.publisherPolicy[.askWhoseAnObjectIs] == nil)
        #expect(kit.facts.inboxBucketPolicy[.publisherAsksWhoseAnObjectIs] == nil)
        #expect(try KitHouse.kit().facts.publisherPolicy[.reopenJoinedParts] == nil, "only where segments are wanted")
    }

    @Test("has two key policies where the buckets are in two regions, each about its own side")
    func separatesKeys() throws {
        let kit = try Self.twoRegions()
        let documents = Dictionary(uniqueKeysWithValues: kit.documents.map { ($0.path, $0.policy) })
        #expect(documents["org-b/key-policy.json"] == nil)
        #expect(documents["org-b/repository-key-policy.json"]?[.publisherSealsIntoInbox] == nil)
        #expect(documents["org-b/inbox-key-policy.json"]?[.generatorSealsIntoRepository] == nil)
        #expect(kit.rehearsal == nil, "nobody in the sandbox has its certificate")
        let inbox = documents["org-b/inbox-key-policy.json"]?[.publisherSealsIntoInbox]?.conditions
        #expect(inbox?.first?.values == ["s3.us-east-1.amazonaws.com"])
        #expect(inbox?.last?.values == ["arn:aws:s3:::acme-inbox/*"])
    }

    @Test("takes a prefix for what it is, and not for a pattern")
    func escapesWildcards() throws {
        let place = PatternFacts.Place(
            bucket: try BucketName("orga-repository"), region: try Region("eu-west-1"), owner: try AccountID("111111111111"),
            prefix: "a*b?$c/", key: try KeyARN(KitHouse.key))
        let facts = PatternFacts(generator: "g", publisher: "p", repository: place, inbox: place)
        #expect(facts.generatorPolicy[.storeSealed]?.resources == ["arn:aws:s3:::orga-repository/a${*}b${?}${$}c/*"])
        #expect(facts.generatorPolicy.json.line.contains(#""arn:aws:s3:::orga-repository/a${*}b${?}${$}c/*""#))
    }

    @Test("guards what lies below its prefix, and leaves the rest of the partner's bucket alone")
    func guardsOwnPrefix() throws {
        for statement in try KitHouse.kit().facts.inboxBucketPolicy.statements where statement.name != .denyInsecureTransport {
            #expect(statement.resources == ["arn:aws:s3:::acme-inbox/from-orga/*"], "\(statement.name)")
        }
    }

    @Test("lets uploads take a week on both sides, and nothing but probes and what was published expire")
    func lifecycle() throws {
        let files = Dictionary(uniqueKeysWithValues: try KitHouse.kit().files.map { ($0.path, $0.text) })
        for (path, prefix, objects, days) in [
            ("org-a/repository-lifecycle.json", "acme/", "acme/", 14),
            ("org-b/inbox-lifecycle.json", "from-orga/", "from-orga/.pouch-probe/", 1),
        ] {
            let rules = try JSONDecoder().decode(Lifecycle.self, from: Data(try #require(files[path]).utf8)).rules
            #expect(rules.map(\.id) == ["pouch-acme", "pouch-acme-uploads"])
            #expect(rules.map { $0.filter["Prefix"] } == [objects, prefix])
            #expect(rules.map(\.expiration) == [["Days": days], nil])
            #expect(rules.map(\.abort) == [nil, ["DaysAfterInitiation": 7]])
        }
    }

    /// As AWS spells it.
    private struct Lifecycle: Decodable {
        enum CodingKeys: String, CodingKey { case rules = "Rules" }

        struct Rule: Decodable {
            enum CodingKeys: String, CodingKey {
                case id = "ID"
                case filter = "Filter"
                case expiration = "Expiration"
                case abort = "AbortIncompleteMultipartUpload"
            }

            let id: String
            let filter: [String: String]
            let expiration: [String: Int]?
            let abort: [String: Int]?
        }

        let rules: [Rule]
    }

    @Test("has commands that AWS takes: paths of roles, no location for the first region, a queue with dead letters")
    func commands() throws {
        var kit = try Self.twoRegions()
        kit.queue = Self.queue
        let files = Dictionary(uniqueKeysWithValues: kit.files.map { ($0.path, $0.text) })
        let page = try #require(files["org-a/README.md"])
        #expect(page.contains("aws iam create-role --role-name generator --path /pouch/ --assume-role-policy-document"))
        #expect(page.contains("--create-bucket-configuration LocationConstraint=eu-west-1"))
        #expect(page.contains("--queue-name pouch-published-dead"))
        let attributes = try JSONDecoder().decode(
            [String: String].self, from: Data(try #require(files["org-a/queue-attributes.json"]).utf8))
        #expect(
            attributes["RedrivePolicy"]
                == #"{ "deadLetterTargetArn": "arn:aws:sqs:eu-west-1:111111111111:pouch-published-dead", "maxReceiveCount": 50 }"#)
        let policy = try JSONDecoder().decode(PolicyDocument.self, from: Data(try #require(attributes["Policy"]).utf8))
        #expect(policy.statements.map(\.sid) == ["RepositoryMayNotify"])
        #expect(try #require(files["org-a/main.tf"]).contains("maxReceiveCount = 50"))
        let plain = try #require(files["org-b/LETTER.md"])
        #expect(plain.contains("Each file also lies with us for\n14 days"))
        let first = PartnerKit(
            partner: kit.partner, generator: kit.generator, publisher: kit.publisher, generatorTrust: kit.generatorTrust,
            publisherTrust: kit.publisherTrust, repository: kit.facts.inbox, inbox: kit.facts.inbox)
        let american = Dictionary(uniqueKeysWithValues: first.files.map { ($0.path, $0.text) })["org-a/README.md"]
        #expect(american?.contains("LocationConstraint") == false, "us-east-1 is not told")
    }

    @Test("says wherever it is read what asking and joining together are")
    func namesThePrice() throws {
        let kit = try KitHouse.kit { $0.joinsSegments = true }
        let files = Dictionary(uniqueKeysWithValues: kit.files.map { ($0.path, $0.text) })
        #expect(files["org-a/README.md"]?.contains("The publisher can read the inbox") == true)
        let letter = try #require(files["org-b/LETTER.md"])
        #expect(letter.contains("read them") && !letter.contains("read what lies in the inbox"))
        #expect(!letter.contains("which it has not"))
    }

    @Test("escapes what JSON does not take as it is")
    func escapesJSON() {
        #expect(JSONText.text("a\"b\\c\u{1}d/ü").line == #""a\"b\\c\u0001d/ü""#)
        #expect(JSONText.list([]).pretty() == "[]")
        #expect(JSONText.members(["a": .list([.number(1), .flag(true)])]).pretty() == "{\n  \"a\": [\n    1,\n    true\n  ]\n}")
    }

    @Test("tells the partner all that it must send back, and names every file of its folder")
    func letterIsComplete() throws {
        let kit = try KitHouse.kit()
        let files = Dictionary(uniqueKeysWithValues: kit.files.map { ($0.path, $0.text) })
        let letter = try #require(files["org-b/LETTER.md"])
        for file in files.keys where file.hasPrefix("org-b/") && file.hasSuffix(".json") {
            #expect(letter.contains(file.dropFirst("org-b/".count)), "\(file)")
        }
        for statement in kit.facts.inboxBucketPolicy.statements + kit.facts.keyPolicy(of: kit.facts.inbox.key).statements {
            #expect(letter.contains(statement.reason))
        }
        for wanted in ["acme-inbox", "eu-west-1", "222222222222", KitHouse.key, "BucketOwnerEnforced"] {
            #expect(letter.contains(wanted))
        }
        #expect(letter.split(separator: "\n", omittingEmptySubsequences: false).count < 70, "one page")
    }

    @Test("refuses what is no queue that S3 can send to")
    func refusesQueues() {
        #expect(Self.queue?.name == "pouch-published")
        for text in ["pouch-published", "arn:aws:sns:eu-west-1:111111111111:topic", "arn:aws:sqs:eu-west-1:111111111111:a.fifo"] {
            #expect(EventQueue(arn: text) == nil, "\(text)")
        }
    }
}

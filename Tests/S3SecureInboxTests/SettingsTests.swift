import FoundationEssentials
import PouchAWS
import PouchKit
import S3SecureInbox
import Testing

extension Settings {
    static func sample() throws -> S3SecureInboxSettings {
        try JSONDecoder().decode(S3SecureInboxSettings.self, from: Data(text.utf8))
    }
}

@Suite("The settings of an S3 secure inbox")
struct SettingsTests {
    @Test("what stands in agent.yaml becomes a plan; the repository's owner is the account of the role that stores")
    func plan() throws {
        let (plan, problems) = try Settings.sample().checked(knowing: Settings.identities)
        #expect(problems.isEmpty)
        #expect(plan?.repository.place.owner?.description == "111111111111")
        #expect(plan?.inbox?.place.owner?.description == "222222222222")
        #expect(plan?.whenTaken == .suffix)
    }

    @Test("an endpoint of all buckets is used where a bucket has none of its own")
    func endpoints() throws {
        var settings = try Settings.sample()
        settings.inbox?.endpoint = "https://inbox.example"
        let plan = settings.checked(knowing: Settings.identities, endpoint: try EndpointURL("https://127.0.0.1:4566")).plan
        #expect(plan?.repository.place.endpoint?.description == "https://127.0.0.1:4566")
        #expect(plan?.inbox?.place.endpoint?.description == "https://inbox.example")
    }

    @Test("each mistake is reported at its key")
    func mistakes() throws {
        let cases: [(String, (inout S3SecureInboxSettings) -> Void, String)] = [
            ("repository.bucket", { $0.repository.bucket = "No" }, "a bucket"),
            ("repository.region", { $0.repository.region = "EU" }, "a region"),
            ("repository.key", { $0.repository.key = "alias/acme" }, "an alias is looked up"),
            ("repository.key", { $0.repository.region = "us-east-1" }, "the key is in eu-west-1"),
            ("repository.as", { $0.repository.identity = "nobody" }, "there is no identity 'nobody'"),
            ("repository.prefix", { $0.repository.prefix = "/acme/" }, "does not begin with '/'"),
            ("repository.prefix", { $0.repository.prefix = "a/../b/" }, "'.' or '..'"),
            ("repository.prefix", { $0.repository.prefix = "acme" }, "ends with '/'"),
            ("repository.owner", { $0.repository.owner = "12" }, "12 digits"),
            ("repository.segments-above", { $0.repository.segmentsAbove = ByteCount(bytes: 1) }, "5 MiB to 5 GiB"),
            ("repository.segments-above", { $0.repository.segmentsAbove = ByteCount(bytes: (5 << 30) + 1) }, "5 MiB to 5 GiB"),
            ("repository.segments-above", { $0.repository.upload = .single }, "makes no segments"),
            ("repository.endpoint", { $0.repository.endpoint = "s3" }, "an endpoint"),
            ("repository", { $0.repository.identity = "plain" }, "'owner' is missing"),
            ("inbox", { $0.inbox = nil }, "'inbox' is missing"),
            ("inbox.owner", { $0.inbox?.owner = "22222222222" }, "12 digits"),
            ("inbox.key", { $0.inbox?.key = "11112222-3333-4444-5555-666677778888" }, "a bare key id"),
            ("inbox.acl", { $0.inbox?.acl = "private" }, "bucket-owner-full-control"),
            ("inbox.storage-class", { $0.inbox?.storageClass = "COLD" }, "not a storage class"),
            ("inbox.as", { $0.inbox?.identity = "Publisher" }, "lower-case letter"),
        ]
        for (path, change, words) in cases {
            var settings = try Settings.sample()
            change(&settings)
            let (plan, problems) = settings.checked(knowing: Settings.identities)
            #expect(plan == nil, "\(path)")
            #expect(
                problems.contains { $0.keyPath.joined(separator: ".") == path && $0.text.contains(words) }, "\(path): \(problems)")
        }
    }

    @Test("what takes more rights than usual is said at its key, and nothing else is")
    func advice() throws {
        func advice(_ change: (inout S3SecureInboxSettings) -> Void) throws -> [String] {
            var settings = try Settings.sample()
            change(&settings)
            let plan = try #require(settings.checked(knowing: Settings.identities).plan)
            return plan.advice.map { "\($0.keyPath.joined(separator: ".")): \($0.text)" }
        }
        #expect(try advice { _ in }.isEmpty)
        let segments = try advice { $0.repository.segmentsAbove = ByteCount(bytes: 64 << 20) }
        #expect(segments.count == 1)
        #expect(segments.first?.hasPrefix("repository.segments-above: ") == true)
        #expect(segments.first?.contains("kms:Decrypt in the context of the inbox") == true)
        let parts = try advice {
            $0.repository.upload = .multipart
            $0.repository.segmentsAbove = nil
        }
        #expect(parts.count == 1)
        #expect(parts.first?.hasPrefix("repository.upload: ") == true)
        #expect(parts.first?.contains("the generator needs kms:Decrypt") == true)
    }

    @Test("all mistakes are reported at once")
    func allAtOnce() throws {
        var settings = try Settings.sample()
        settings.repository.key = "alias/x"
        settings.repository.bucket = "X"
        settings.inbox?.owner = "1"
        settings.inbox?.prefix = "/"
        #expect(settings.problems(knowing: Settings.identities).count == 4)
    }

    @Test("a publisher elsewhere needs no inbox here")
    func elsewhere() throws {
        var settings = try Settings.sample()
        settings.publish = .elsewhere
        settings.inbox = nil
        let plan = settings.checked(knowing: Settings.identities).plan
        #expect(plan != nil)
        #expect(plan?.inbox == nil)
    }

    @Test("another bucket, prefix, key or endpoint is another target")
    func fingerprint() throws {
        let sample = try Settings.sample()
        let changes: [(inout S3SecureInboxSettings) -> Void] = [
            { _ in }, { $0.repository.bucket = "other" }, { $0.repository.prefix = "b/" }, { $0.inbox?.bucket = "other" },
            { $0.inbox?.prefix = "" }, { $0.inbox?.key = Answers.repositoryKey }, { $0.inbox?.endpoint = "https://x" },
            { $0.publish = .elsewhere },
        ]
        let targets = changes.compactMap { change in
            var settings = sample
            change(&settings)
            return settings.checked(knowing: Settings.identities).plan?.target
        }
        #expect(Set(targets).count == changes.count)
    }
}

import PouchAWS

/// The settings of buckets, each as the `aws s3api put-bucket-…` command takes it.
extension PartnerKit {
    /// Below the prefix of each side; `check` and `doctor` put their probes there.
    static let probeFolder = ".pouch-probe/"

    var ruleName: String { "pouch-\(partner)" }

    var bucketSettings: [(path: String, settings: JSONText)] {
        var settings = [
            (path: "org-a/repository-lifecycle.json", settings: repositoryLifecycle),
            (path: "org-b/inbox-ownership.json", settings: inboxOwnership),
            (path: "org-b/inbox-encryption.json", settings: inboxEncryption),
            (path: "org-b/inbox-lifecycle.json", settings: inboxLifecycle),
        ]
        if let queue {
            settings.append((path: "org-a/repository-notification.json", settings: facts.notification(to: queue, called: ruleName)))
        }
        return settings
    }

    /// Pouch never deletes what it stored: this does, once everything had time to be published.
    private var repositoryLifecycle: JSONText {
        Self.lifecycle([
            Self.rule(
                ruleName, prefix: facts.repository.prefix,
                [
                    .init(name: "Expiration", value: .members(["Days": .number(keepDays)])),
                    .init(name: "NoncurrentVersionExpiration", value: .members(["NoncurrentDays": .number(1)])),
                    Self.abortion(after: Self.longestUpload),
                ])
        ])
    }

    /// Probes go; and where segments are joined, uploads that a stop left open.
    private var inboxLifecycle: JSONText {
        var rules = [
            Self.rule(
                ruleName, prefix: facts.inbox.prefix + Self.probeFolder,
                [.init(name: "Expiration", value: .members(["Days": .number(1)])), Self.abortion(after: 1)])
        ]
        if facts.choices.joinsSegments {
            rules.append(
                Self.rule(ruleName + "-uploads", prefix: facts.inbox.prefix, [Self.abortion(after: Self.longestUpload)]))
        }
        return Self.lifecycle(rules)
    }

    /// Days: a large file on a thin line takes its time, and a held one waits for somebody to come back to work.
    static let longestUpload = 7

    private static func lifecycle(_ rules: [JSONText]) -> JSONText { .members(["Rules": .list(rules)]) }

    private static func rule(_ name: String, prefix: String, _ actions: [JSONText.Member]) -> JSONText {
        .object(
            [
                .init(name: "ID", value: .text(name)), .init(name: "Status", value: .text("Enabled")),
                .init(name: "Filter", value: .members(["Prefix": .text(prefix)])),
            ] + actions)
    }

    private static func abortion(after days: Int) -> JSONText.Member {
        .init(name: "AbortIncompleteMultipartUpload", value: .members(["DaysAfterInitiation": .number(days)]))
    }

    private var inboxOwnership: JSONText {
        .members(["Rules": .list([.members(["ObjectOwnership": .text("BucketOwnerEnforced")])])])
    }

    private var inboxEncryption: JSONText {
        .members([
            "Rules": .list([
                .members([
                    "ApplyServerSideEncryptionByDefault": .members([
                        "SSEAlgorithm": .text("aws:kms"), "KMSMasterKeyID": .text(facts.inbox.key.description),
                    ]),
                    "BucketKeyEnabled": .flag(facts.choices.usesBucketKey),
                ])
            ])
        ])
    }
}

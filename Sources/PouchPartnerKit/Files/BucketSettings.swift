import PouchAWS

/// The settings of buckets, each as the `aws s3api put-bucket-…` command takes it.
extension PartnerKit {
    /// Below the prefix of each side; `check` and `doctor` put their probes there.
    static let probeFolder = ".pouch-probe/"

    var ruleName: String { "pouch-\(partner)" }
    var uploadsRuleName: String { ruleName + "-uploads" }

    /// An upload of the largest files takes days; one that is older was left by a crash.
    static let uploadDays = 7

    var bucketSettings: [(path: String, settings: JSONText)] {
        var settings = [
            (path: "org-a/repository-lifecycle.json", settings: repositoryLifecycle),
            (path: "org-b/inbox-ownership.json", settings: inboxOwnership),
            (path: "org-b/inbox-encryption.json", settings: inboxEncryption),
            (path: "org-b/inbox-lifecycle.json", settings: inboxLifecycle),
        ]
        if let queue {
            settings.append((path: "org-a/repository-notification.json", settings: facts.notification(to: queue, called: ruleName)))
            settings.append((path: "org-a/queue-attributes.json", settings: facts.attributes(of: queue)))
        }
        return settings
    }

    /// Pouch never deletes what it stored: this does, once everything had time to be published.
    private var repositoryLifecycle: JSONText {
        lifecycle(
            of: facts.repository.prefix, objectsBelow: facts.repository.prefix,
            [
                .init(name: "Expiration", value: .members(["Days": .number(keepDays)])),
                .init(name: "NoncurrentVersionExpiration", value: .members(["NoncurrentDays": .number(1)])),
            ])
    }

    private var inboxLifecycle: JSONText {
        lifecycle(
            of: facts.inbox.prefix, objectsBelow: facts.inbox.prefix + Self.probeFolder,
            [.init(name: "Expiration", value: .members(["Days": .number(1)]))])
    }

    /// One rule for objects, one for uploads that nobody ended.
    private func lifecycle(of prefix: String, objectsBelow objects: String, _ expiry: [JSONText.Member]) -> JSONText {
        let abort = JSONText.Member(
            name: "AbortIncompleteMultipartUpload", value: .members(["DaysAfterInitiation": .number(Self.uploadDays)]))
        return .members([
            "Rules": .list([Self.rule(ruleName, objects, expiry), Self.rule(uploadsRuleName, prefix, [abort])])
        ])
    }

    private static func rule(_ name: String, _ prefix: String, _ actions: [JSONText.Member]) -> JSONText {
        .object(
            [
                .init(name: "ID", value: .text(name)), .init(name: "Status", value: .text("Enabled")),
                .init(name: "Filter", value: .members(["Prefix": .text(prefix)])),
            ] + actions)
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

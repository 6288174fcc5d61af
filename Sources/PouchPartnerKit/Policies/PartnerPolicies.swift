package import PouchAWS

/// What organisation B grants, and what it refuses whatever organisation A's policies say.
extension PatternFacts {
    private static let encryption = "s3:x-amz-server-side-encryption"
    private static let encryptionKey = "s3:x-amz-server-side-encryption-aws-kms-key-id"

    package var inboxBucketPolicy: Policy {
        let publisher = Policy.Principal.identities([publisher])
        let objects = [inbox.objects]
        var statements: [Policy.Statement] = [
            insecureTransportDenied(for: inbox),
            .init(
                .publisherDelivers, because: "the publisher of organisation A may put objects under its prefix", to: publisher,
                ["s3:PutObject"], on: objects),
        ]
        if choices.asksInbox {
            statements.append(
                .init(
                    .publisherAsksWhoseAnObjectIs,
                    because: choices.readsInbox
                        ? "it may ask whether an object is its own; with PublisherReopensJoinedParts it can read what lies here"
                        : "it may ask whether an object is its own; to read one it would need kms:Decrypt here, which it has not",
                    to: publisher, ["s3:GetObject"], on: objects))
        }
        if choices.handsOverOwnership {
            statements.append(
                .init(
                    .publisherHandsOverOwnership, because: "the one ACL that hands the object over to the bucket's owner",
                    to: publisher, ["s3:PutObjectAcl"], on: objects,
                    when: [.init("StringEquals", "s3:x-amz-acl", "bucket-owner-full-control")]))
        }
        if choices.joinsSegments {
            statements.append(
                .init(
                    .publisherJoinsSegments, because: "large files arrive in parts, which it may list and abort",
                    to: publisher, ["s3:AbortMultipartUpload", "s3:ListMultipartUploadParts"], on: objects))
        }
        statements += [
            .init(
                .refuseOtherKeys, because: "nobody puts an object here under another key than this one, or under an unnamed one",
                effect: .deny,
                to: .everybody, ["s3:PutObject"], on: objects,
                when: [
                    .init("StringEquals", Self.encryption, "aws:kms"),
                    .init("ArnNotEquals", Self.encryptionKey, inbox.key.description),
                ]),
            .init(
                .refuseOtherEncryption, because: "nobody asks for less than encryption under the key", effect: .deny,
                to: .everybody,
                ["s3:PutObject"], on: objects,
                when: [
                    .init("StringNotEquals", Self.encryption, "aws:kms"), .init("Null", Self.encryption, "false"),
                ]),
        ]
        if !choices.replaces {
            statements.append(
                .init(
                    .newKeysOnly, because: "organisation A can add objects, and never write over one", effect: .deny, to: publisher,
                    ["s3:PutObject"], on: objects,
                    when: [.init("Null", "s3:if-none-match", "true"), .init("Bool", "s3:ObjectCreationOperation", "true")]))
        }
        return Policy(statements)
    }

    /// Of one key. Where the repository is in another region, its key is another one, and has a policy of its own.
    package func keyPolicy(of key: KeyARN) -> Policy {
        let sealer = Policy.Principal.identities([generator])
        let copier = Policy.Principal.identities([publisher])
        let repositoryUse = KeyUse(place: repository, callers: account(of: generator)).conditions
        let inboxUse = KeyUse(place: inbox, withBucketKey: choices.usesBucketKey, callers: account(of: publisher)).conditions
        var statements: [Policy.Statement] = [
            .init(
                .ownerAdministersThroughIAM, because: "your own account stays in charge: its IAM policies decide who reads",
                to: .identities(["arn:\(key.region.partition.rawValue):iam::\(key.account):root"]), ["kms:*"], on: ["*"])
        ]
        if key == repository.key {
            statements.append(
                .init(
                    .generatorSealsIntoRepository,
                    because: "the generator seals what it stores at organisation A; it cannot open it",
                    to: sealer, ["kms:GenerateDataKey"], on: ["*"], when: repositoryUse))
            if choices.storesInParts {
                statements.append(
                    .init(
                        .generatorReopensParts, because: "uploads in parts need it; the generator has no right to read objects",
                        to: sealer, ["kms:Decrypt"], on: ["*"], when: repositoryUse))
            }
            statements.append(
                .init(
                    .publisherOpensRepository, because: "a copy opens its source, which lies at organisation A", to: copier,
                    ["kms:Decrypt"], on: ["*"], when: repositoryUse))
        }
        if key == inbox.key {
            statements.append(
                .init(
                    .publisherSealsIntoInbox, because: "the copy in your inbox gets a data key of its own", to: copier,
                    ["kms:GenerateDataKey"], on: ["*"], when: inboxUse))
            if choices.joinsSegments {
                statements.append(
                    .init(
                        .publisherReopensJoinedParts, because: "joining large files in your inbox needs it", to: copier,
                        ["kms:Decrypt"], on: ["*"], when: inboxUse))
            }
        }
        let describing = key == repository.key ? (generator == publisher ? [generator] : [generator, publisher]) : [publisher]
        statements.append(
            .init(
                .preflightMayDescribe, because: "lets organisation A see whether the key is enabled, before a file waits for it",
                to: .identities(describing), ["kms:DescribeKey"], on: ["*"]))
        return Policy(statements)
    }

    /// The keys, each once.
    package var keys: [KeyARN] { inbox.key == repository.key ? [inbox.key] : [repository.key, inbox.key] }

    private func account(of principal: String) -> AccountID? {
        let fields = principal.split(separator: ":", omittingEmptySubsequences: false)
        return fields.count > 4 ? try? AccountID(String(fields[4])) : nil
    }
}

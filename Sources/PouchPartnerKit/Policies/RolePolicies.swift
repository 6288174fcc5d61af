import PouchAWS

/// What the two roles of organisation A may do, and nothing else.
extension PatternFacts {
    private static let encryption = "s3:x-amz-server-side-encryption"
    private static let encryptionKey = "s3:x-amz-server-side-encryption-aws-kms-key-id"

    /// Seals and stores; never opens.
    package var generatorPolicy: Policy {
        let key = [repository.key.description]
        let objects = [repository.objects]
        var statements: [Policy.Statement] = []
        if choices.storesInParts {
            statements += [
                .init(
                    .storeInParts, because: "stores the files; the later requests of an upload in parts name no key",
                    ["s3:PutObject", "s3:ListMultipartUploadParts", "s3:AbortMultipartUpload"], on: objects),
                .init(
                    .refuseOtherKeysInRepository, because: "no object begins under another key than the partner's", effect: .deny,
                    ["s3:PutObject"], on: objects,
                    when: [
                        .init("Bool", "s3:ObjectCreationOperation", "true"), .init("Null", Self.encryptionKey, "false"),
                        .init("ArnNotEquals", Self.encryptionKey, key),
                    ]),
                .init(
                    .reopenOwnParts, because: "an upload in parts makes S3 open the data key again; reading needs s3:GetObject too",
                    ["kms:Decrypt"], on: key, when: KeyUse(place: repository).conditions),
            ]
        } else {
            statements.append(
                .init(
                    .storeSealed, because: "stores the files, and only when they are sealed under the partner's key",
                    ["s3:PutObject"],
                    on: objects,
                    when: [.init("StringEquals", Self.encryption, "aws:kms"), .init("ArnEquals", Self.encryptionKey, key)]))
        }
        if choices.readsReceipts {
            statements.append(
                .init(
                    .readReceipts, because: "takes in what the publisher says of each delivery, which holds nothing of the file",
                    ["s3:GetObject"], on: [repository.receipts]))
        }
        return Policy(
            statements + [
                .init(
                    .sealForPartner, because: "gives each object a data key of its own; opening one again needs kms:Decrypt",
                    ["kms:GenerateDataKey"], on: key, when: KeyUse(place: repository).conditions),
                mayDescribe([repository.key]),
                .init(
                    // The same for all partners: one that reads no receipts must not refuse the others' to a role that they share.
                    .neverRead, because: "holds whatever other policies this role gets: who seals must not read, but receipts",
                    effect: .deny,
                    ["s3:GetObject", "s3:GetObjectVersion", "s3:GetObjectAttributes", "s3:GetObjectVersionAttributes"],
                    on: ["arn:\(repository.region.partition.rawValue):s3:::*/.pouch-receipts/*"], exceptingThese: true),
            ])
    }

    /// Copies from the repository into the inbox, within S3.
    package var publisherPolicy: Policy {
        let ofPartner = [Policy.Condition("StringEquals", "s3:ResourceAccount", inbox.owner.description)]
        let inboxKey = [inbox.key.description]
        var statements: [Policy.Statement] = [
            .init(
                .readRepository, because: "a copy reads its source, by its version", ["s3:GetObject", "s3:GetObjectVersion"],
                on: [repository.objects]),
            .init(
                .openRepositoryObjects, because: "S3 opens the source of a copy in the publisher's name", ["kms:Decrypt"],
                on: [repository.key.description], when: KeyUse(place: repository).conditions),
            .init(
                .deliverIntoInbox, because: "writes into the partner's inbox, and only while the bucket is the partner's",
                ["s3:PutObject"], on: [inbox.objects], when: ofPartner),
            .init(
                .sealInboxObjects, because: "gives the copy a data key of its own, under the partner's key",
                ["kms:GenerateDataKey"], on: inboxKey,
                when: KeyUse(place: inbox, withBucketKey: choices.usesBucketKey).conditions),
        ]
        if choices.asksInbox {
            statements.append(
                .init(
                    .askWhoseAnObjectIs,
                    because: choices.readsInbox
                        ? "settles a lost answer by asking; together with ReopenJoinedParts it is a right to read"
                        : "settles a lost answer by asking; reading would need kms:Decrypt in the inbox as well",
                    ["s3:GetObject"], on: [inbox.objects], when: ofPartner))
        }
        if choices.handsOverOwnership {
            statements.append(
                .init(
                    .handOverOwnership, because: "copies are sent with the ACL bucket-owner-full-control", ["s3:PutObjectAcl"],
                    on: [inbox.objects], when: ofPartner))
        }
        if choices.joinsSegments {
            statements += [
                .init(
                    .joinSegments,
                    because: "large files are joined in the inbox; an upload that was left open is found and aborted",
                    ["s3:AbortMultipartUpload", "s3:ListMultipartUploadParts"], on: [inbox.objects], when: ofPartner),
                .init(
                    .reopenJoinedParts, because: "joining makes S3 open the new object's data key again", ["kms:Decrypt"],
                    on: inboxKey, when: KeyUse(place: inbox, withBucketKey: choices.usesBucketKey).conditions),
            ]
        }
        return Policy(statements + [mayDescribe(inbox.key == repository.key ? [inbox.key] : [repository.key, inbox.key])])
    }

    private func mayDescribe(_ keys: [KeyARN]) -> Policy.Statement {
        .init(
            .preflightMayDescribe, because: "lets doctor see whether the key is enabled and of the right kind", ["kms:DescribeKey"],
            on: keys.map(\.description))
    }

    /// Of the repository bucket: the same for all partners, whose prefixes lie in it.
    package var repositoryBucketPolicy: Policy { Policy([insecureTransportDenied(for: repository)]) }

    func insecureTransportDenied(for place: Place) -> Policy.Statement {
        .init(
            .denyInsecureTransport, because: "nothing about this bucket goes over a line that others can read", effect: .deny,
            to: .everybody,
            ["s3:*"], on: [place.bucketARN, place.bucketARN + "/*"], when: [.init("Bool", "aws:SecureTransport", "false")])
    }
}

import PouchAWS

/// The conditions under which a role may use a partner's key: through S3, and for the objects of one place only.
///
/// The contexts differ on the two sides, which is the pattern's best lever: who may open what lies in the repository cannot open what
/// lies in the inbox.
struct KeyUse {
    let place: PatternFacts.Place
    /// With a Bucket Key on, KMS is asked about the bucket instead of the object.
    var withBucketKey = false
    /// Of the key's policy only: whose identities may call.
    var callers: AccountID?

    var conditions: [Policy.Condition] {
        // S3 calls itself so in every partition.
        var conditions = [Policy.Condition("StringEquals", "kms:ViaService", "s3.\(place.region).amazonaws.com")]
        if let callers { conditions.append(.init("StringEquals", "kms:CallerAccount", callers.description)) }
        let contexts = [place.objects] + (withBucketKey ? [place.bucketARN] : [])
        return conditions + [.init("StringLike", "kms:EncryptionContext:aws:s3:arn", contexts)]
    }
}

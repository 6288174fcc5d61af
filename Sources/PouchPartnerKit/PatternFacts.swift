package import PouchAWS

/// What the policies of one partner are made from: two places, two principals, and what was chosen.
package struct PatternFacts: Hashable, Sendable {
    /// A prefix of a bucket, under a key.
    package struct Place: Hashable, Sendable {
        package let bucket: BucketName
        package let region: Region
        package let owner: AccountID
        /// Empty, or ending in `/`.
        package let prefix: String
        package let key: KeyARN

        package init(bucket: BucketName, region: Region, owner: AccountID, prefix: String, key: KeyARN) {
            self.bucket = bucket
            self.region = region
            self.owner = owner
            self.prefix = prefix
            self.key = key
        }

        package var bucketARN: String { bucket.arn(in: region.partition) }

        /// Everything below the prefix.
        var objects: String { bucket.objectARN("\(Policy.literally(prefix))*", in: region.partition) }

        /// Where publishers leave word of what they did.
        var receipts: String { bucket.objectARN("\(Policy.literally(prefix)).pouch-receipts/*", in: region.partition) }
    }

    /// What the pattern leaves open.
    package struct Choices: Hashable, Sendable {
        /// The generator uploads large files in parts, for which it needs `kms:Decrypt`: through S3, and without a right to read.
        package var storesInParts = false
        /// The publisher makes one inbox object of segments, for which it needs `kms:Decrypt` in the inbox.
        package var joinsSegments = false
        /// The publisher may ask whose an object in the inbox is. Together with `joinsSegments` that is a right to read.
        package var asksInbox = true
        /// Copies carry `bucket-owner-full-control`.
        package var handsOverOwnership = false
        /// Objects in the inbox may be written over.
        package var replaces = false
        /// The generator reads what other publishers say of its deliveries, and nothing else.
        package var readsReceipts = false
        /// The inbox uses a Bucket Key: KMS is then asked about the bucket.
        package var usesBucketKey = false

        package init() {}

        /// Whether the publisher can read what lies in the inbox.
        package var readsInbox: Bool { joinsSegments && asksInbox }
    }

    /// ARNs of the roles, or of users where there are none.
    package let generator: String
    package let publisher: String
    package let repository: Place
    package let inbox: Place
    package var choices: Choices

    package init(generator: String, publisher: String, repository: Place, inbox: Place, choices: Choices = Choices()) {
        self.generator = generator
        self.publisher = publisher
        self.repository = repository
        self.inbox = inbox
        self.choices = choices
    }
}

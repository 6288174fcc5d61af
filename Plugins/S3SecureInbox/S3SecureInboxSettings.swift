package import PouchKit

/// What stands under `deliver: { with: s3-secure-inbox, … }`, as it stands there. `checked` makes a plan of it.
package struct S3SecureInboxSettings: Decodable, Hashable, Sendable {
    package enum Publisher: String, Decodable, CaseIterable, Sendable {
        /// This agent, under the inbox's identity.
        case here
        /// Somebody else, from what we leave in the repository.
        case elsewhere
    }

    package enum Upload: String, Decodable, CaseIterable, Sendable {
        /// One request for one object, and segments above `segments-above`: the generator needs not decrypt.
        case sealed
        /// One request for one object; what is larger is held.
        case single
        /// Above `segments-above` one object in many requests, for which the generator must be allowed to decrypt.
        case multipart
    }

    package struct Repository: Decodable, Hashable, Sendable {
        package var bucket: String
        package var region: String
        package var owner: String?
        package var prefix: String?
        package var key: String
        package var identity: String
        package var upload: Upload?
        package var segmentsAbove: ByteCount?
        package var endpoint: String?

        enum CodingKeys: String, CodingKey {
            case bucket, region, owner, prefix, key, upload, endpoint
            case identity = "as"
            case segmentsAbove = "segments-above"
        }
    }

    package struct Inbox: Decodable, Hashable, Sendable {
        package var bucket: String
        package var region: String
        package var owner: String
        package var prefix: String?
        package var key: String
        package var identity: String
        package var acl: String?
        package var storageClass: String?
        package var endpoint: String?

        enum CodingKeys: String, CodingKey {
            case bucket, region, owner, prefix, key, acl, endpoint
            case identity = "as"
            case storageClass = "storage-class"
        }
    }

    package var whenTaken: WhenTaken?
    package var publish: Publisher?
    package var repository: Repository
    /// Left out where somebody else publishes.
    package var inbox: Inbox?
    /// Where somebody else publishes: who takes the publisher's receipts in; left out: nobody.
    package var receipts: Receipts?

    package struct Receipts: Decodable, Hashable, Sendable {
        package var identity: String

        package init(identity: String) { self.identity = identity }

        enum CodingKeys: String, CodingKey {
            case identity = "as"
        }
    }

    enum CodingKeys: String, CodingKey {
        case publish, repository, inbox, receipts
        case whenTaken = "when-taken"
    }
}

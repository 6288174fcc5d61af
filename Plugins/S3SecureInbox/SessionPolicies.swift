import PouchAWS
import PouchPartnerKit

// What the sessions for one partner are narrowed to: that partner's places and keys. What may be done there the roles' own policies say;
// a session can do what both allow.

extension InboxPlan {
    /// For whoever stores.
    package var storePolicy: String {
        SessionPolicy(places: [(repository.place, repository.prefix)], keys: [repository.key]).json
    }

    /// For whoever publishes; `nil` where that is somebody else.
    package var publishPolicy: String? {
        inbox.map { inbox in
            SessionPolicy(
                places: [(repository.place, repository.prefix), (inbox.place, inbox.prefix)], keys: [repository.key, inbox.key]
            ).json
        }
    }

    /// For whoever takes receipts in. The repository encrypts them as it does by itself, under a key that is not known here: what may
    /// be decrypted is left to the role, and where it lies is not.
    package var receiptPolicy: String {
        SessionPolicy(places: [(repository.place, DeliveryReceiptObject.folder(below: repository.prefix))], keys: nil).json
    }
}

private struct SessionPolicy {
    let places: [(place: BucketPlace, prefix: String)]
    /// `nil`: whichever opens what lies there.
    let keys: [KeyARN]?

    /// Without white space: STS takes at most 2,048 characters.
    var json: String {
        let objects = places.map { $0.place.name.objectARN(Policy.literally($0.prefix) + "*", in: $0.place.region.partition) }
        let buckets = places.map { $0.place.name.arn(in: $0.place.region.partition) }
        let statements = [
            statement("s3:*", objects + buckets),
            keys.map { statement("kms:*", $0.map(\.description)) } ?? statement("kms:Decrypt", ["*"]),
        ]
        return #"{"Version":"2012-10-17","Statement":[\#(statements.joined(separator: ","))]}"#
    }

    /// Buckets, prefixes and keys hold nothing that JSON would escape but quotes and backslashes, which a prefix may.
    private func statement(_ action: String, _ resources: [String]) -> String {
        var seen: Set<String> = []
        let list = resources.filter { seen.insert($0).inserted }.map {
            "\"" + $0.replacing("\\", with: "\\\\").replacing("\"", with: "\\\"") + "\""
        }
        return #"{"Effect":"Allow","Action":"\#(action)","Resource":[\#(list.joined(separator: ","))]}"#
    }
}

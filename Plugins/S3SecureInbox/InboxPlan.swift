package import PouchAWS
package import PouchKit

/// The settings once they were checked: two buckets, two keys, two identities.
package struct InboxPlan: Hashable, Sendable {
    package struct Repository: Hashable, Sendable {
        package let place: BucketPlace
        /// Empty, or ending in `/`.
        package let prefix: String
        package let key: KeyARN
        package let identity: IdentityName
    }

    package struct Inbox: Hashable, Sendable {
        package let place: BucketPlace
        package let prefix: String
        package let key: KeyARN
        package let identity: IdentityName
        package let acl: String?
        package let storageClass: String?
    }

    package let repository: Repository
    /// `nil`: another publisher finishes.
    package let inbox: Inbox?
    package let whenTaken: WhenTaken

    /// Where a delivery goes, and under which keys: a checkpoint made for another one is of no use.
    package var target: TargetFingerprint {
        let first = "s3://\(repository.place.name)/\(repository.prefix) \(repository.key) \(Self.reach(repository.place))"
        let second = inbox.map { " -> s3://\($0.place.name)/\($0.prefix) \($0.key) \(Self.reach($0.place))" }
        return TargetFingerprint(first + (second ?? " -> elsewhere"))
    }

    private static func reach(_ place: BucketPlace) -> String { place.endpoint?.description ?? place.region.description }
}

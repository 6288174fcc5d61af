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
        package let upload: UploadPlan
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
    /// Who takes receipts of other publishers in; `nil`: nobody.
    package let receiptReader: IdentityName?

    package init(repository: Repository, inbox: Inbox?, whenTaken: WhenTaken, receiptReader: IdentityName? = nil) {
        self.repository = repository
        self.inbox = inbox
        self.whenTaken = whenTaken
        self.receiptReader = receiptReader
    }

    /// Where a delivery goes, and under which keys: a checkpoint made for another one is of no use.
    package var target: TargetFingerprint {
        let first = "s3://\(repository.place.name)/\(repository.prefix) \(repository.key) \(Self.reach(repository.place))"
        let second = inbox.map { " -> s3://\($0.place.name)/\($0.prefix) \($0.key) \(Self.reach($0.place))" }
        return TargetFingerprint(first + (second ?? " -> elsewhere"))
    }

    /// What is allowed, and takes more rights than the pattern needs for the usual file.
    package var advice: [SettingsProblem] {
        let upload = repository.upload
        switch upload.method {
        case .single: return []
        case .sealed:
            guard upload.joinsSmallerFiles else { return [] }
            return [
                SettingsProblem(
                    at: ["repository", "segments-above"],
                    "files above \(ByteCount(bytes: upload.threshold)) take more rights: to put segments together the publisher needs "
                        + "kms:Decrypt in the context of the inbox",
                    hint: "left out, this concerns only files above 5 GiB; docs/segments.md has the statements")
            ]
        case .multipart:
            return [
                SettingsProblem(
                    at: ["repository", "upload"],
                    "above \(ByteCount(bytes: upload.threshold)) the generator needs kms:Decrypt in the context of the repository",
                    hint: "sealed, the default, stores files of any size without")
            ]
        }
    }

    private static func reach(_ place: BucketPlace) -> String { place.endpoint?.description ?? place.region.description }
}

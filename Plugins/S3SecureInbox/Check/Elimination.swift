import PouchAWS
import PouchKit
import PouchPartnerKit

/// A refusal across accounts gives no reason. The copy is tried again with one thing left out at a time: what lets it pass was it.
struct Elimination: Sendable {
    struct Cause: Sendable {
        let text: String
        let hint: String
        let fixes: [Finding.Fix]
    }

    let probe: PublishProbe
    let request: CopyObject

    /// What passes leaves an empty object, and the first that does ends the search: the words say where.
    var trace: String { "it left an empty object at s3://\(request.bucket.name)/\(request.key)" }

    func cause() async -> Cause? {
        if request.attributes.acl != nil, await passes({ $0.attributes.acl = nil }) != nil {
            return Cause(
                text: "without the ACL it passes",
                hint: "remove acl: where the bucket's owner owns everything, or allow s3:PutObjectAcl",
                fixes: probe.remedies.handingOver)
        }
        if let answer = await passes({ $0.attributes.encryption = .byBucket }) {
            let found = answer.encryption.keyARN.map(VisibleText.escaped) ?? "no key"
            return Cause(
                text: "when no key is named it passes, and the inbox encrypts under \(found)",
                hint: "the bucket refuses \(probe.target.key): ask the partner which key it takes, and name it in inbox.key",
                fixes: [])
        }
        if request.bucket.owner != nil, await passes({ $0.bucket = Self.anybodys($0.bucket) }) != nil {
            return Cause(
                text: "\(request.bucket.name) does not belong to account \(request.bucket.owner?.description ?? "")",
                hint: "ask the partner for the account id before anything else: somebody else may have made a bucket of that name",
                fixes: [])
        }
        if request.source.owner != nil, await passes({ $0.source.owner = nil }) != nil {
            return Cause(
                text: "\(request.source.bucket) does not belong to account \(request.source.owner?.description ?? "")",
                hint: "put the right account into repository.owner", fixes: [])
        }
        if request.source.versionID != nil, await passes({ $0.source.versionID = nil }) != nil {
            return Cause(
                text: "without the version it passes", hint: "the publisher has s3:GetObject and lacks s3:GetObjectVersion",
                fixes: probe.remedies.ofRole(.readRepository, .publisher))
        }
        return nil
    }

    private func passes(_ change: (inout CopyObject) -> Void) async -> CopyObject.Answer? {
        var changed = request
        change(&changed)
        return try? await probe.s3.copyObject(changed)
    }

    private static func anybodys(_ place: BucketPlace) -> BucketPlace {
        BucketPlace(name: place.name, region: place.region, owner: nil, endpoint: place.endpoint)
    }
}

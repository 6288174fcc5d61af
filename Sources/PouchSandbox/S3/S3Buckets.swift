import PouchKit

extension S3Service {
    func headBucket(_ call: S3Call) throws(Refusal) -> Reply {
        try require("s3:ListBucket", on: nil, of: call.bucket, by: call)
        return Reply(200, headers: [("x-amz-bucket-region", call.bucket.region), ("x-amz-access-point-alias", "false")])
    }

    func getBucketLocation(_ call: S3Call) throws(Refusal) -> Reply {
        try require("s3:GetBucketLocation", on: nil, of: call.bucket, by: call)
        // The first region has no name here.
        let region = call.bucket.region == "us-east-1" ? "" : call.bucket.region
        return .xml(XMLText("LocationConstraint", namespace: XMLText.s3, text: region))
    }

    func getBucketVersioning(_ call: S3Call) throws(Refusal) -> Reply {
        try require("s3:GetBucketVersioning", on: nil, of: call.bucket, by: call)
        return .xml(
            XMLText("VersioningConfiguration", namespace: XMLText.s3) { document in
                if call.bucket.settings.versioning != .never {
                    document.add("Status", call.bucket.settings.versioning.rawValue)
                }
            })
    }

    /// The buckets of the caller's account. It is about no bucket, so that it comes without an `S3Call`.
    func listBuckets(_ request: IncomingRequest, caller: Caller) throws(Refusal) -> Reply {
        var context = PolicyContext.of(request)
        caller.describe(in: &context)
        let verdict = PolicyQuestion(caller: caller, action: "s3:ListAllMyBuckets", resource: "arn:aws:s3:::*", context: context)
            .verdict(under: ResourcePolicy(document: nil, account: caller.account, kind: .optional))
        guard verdict.isAllowed else {
            throw .accessDenied(
                "User: \(caller.arn) is not authorized to perform: s3:ListAllMyBuckets because no identity-based policy allows "
                    + "the s3:ListAllMyBuckets action")
        }
        return .xml(
            XMLText("ListAllMyBucketsResult", namespace: XMLText.s3) { document in
                document.add("Buckets") { list in
                    for bucket in buckets.values.sorted(by: { $0.name < $1.name }) where bucket.account == caller.account {
                        list.add("Bucket") { entry in
                            entry.add("Name", bucket.name)
                            entry.add("CreationDate", WireTime.iso8601(Timestamp(seconds: 1_767_225_600)))
                            entry.add("BucketRegion", bucket.region)
                        }
                    }
                }
                document.add("Owner") { $0.add("ID", caller.account) }
            })
    }
}

import PouchHTTP
import PouchKit

/// The calls to S3 that we make, each under one identity.
package struct S3: Sendable {
    package let client: AWSClient

    package init(credentials: any CredentialSource, link: AWSLink) {
        client = AWSClient(signer: .s3(), credentials: credentials, link: link)
    }

    /// A call about an object or, without a key, about the bucket itself.
    func call(_ operation: String, method: String, in bucket: BucketPlace, key: String? = nil) -> AWSCall {
        var call = AWSCall(operation, method: method, region: bucket.region, bucket: bucket.name) {
            [bucket, variant = client.link.variant] region in
            S3Endpoint(region: region, custom: bucket.endpoint, variant: variant).address(of: bucket.name, key: key)
        }
        if let owner = bucket.owner { call.headers.append(("x-amz-expected-bucket-owner", owner.description)) }
        return call
    }
}

/// A bucket, where it is and whose it must be.
package struct BucketPlace: Hashable, Sendable {
    package let name: BucketName
    package let region: Region
    /// Sent along with every call: a bucket of that name that somebody else made is refused.
    package let owner: AccountID?
    package let endpoint: EndpointURL?

    package init(name: BucketName, region: Region, owner: AccountID?, endpoint: EndpointURL? = nil) {
        self.name = name
        self.region = region
        self.owner = owner
        self.endpoint = endpoint
    }
}

/// What a new object is given.
package struct ObjectAttributes: Sendable {
    /// How the object is to be encrypted.
    package enum Encryption: Hashable, Sendable {
        /// SSE-KMS under the key, by its full name: without one S3 takes the caller's own key. Where there is no key, the object is no
        /// partner's: the bucket encrypts it as it encrypts by itself.
        case underKey
        // What a partner's bucket should refuse: only `doctor` asks for it, to see that it does.
        case underUnnamedKey, byServiceKey
        /// Nothing is said: the bucket's default.
        case byBucket
    }

    package var key: KeyARN?
    package var encryption = Encryption.underKey
    /// `false` overrides a bucket that has Bucket Keys on: with one, KMS is asked about the bucket, not about the object.
    package var usesBucketKey: Bool?
    /// Names without `x-amz-meta-`, in lower case; values in printable ASCII.
    package var metadata: [(name: String, value: String)]
    package var contentType: String?
    package var storageClass: String?
    package var acl: String?
    /// The object must not exist yet.
    package var isCreateOnly = false

    package init(
        key: KeyARN?,
        usesBucketKey: Bool? = nil,
        metadata: [(name: String, value: String)] = [],
        contentType: String? = nil
    ) {
        self.key = key
        self.usesBucketKey = usesBucketKey
        self.metadata = metadata
        self.contentType = contentType
    }

    var headers: [(name: String, value: String)] {
        let sse = "x-amz-server-side-encryption"
        var headers: [(name: String, value: String)] =
            switch encryption {
            case .underKey: key.map { [(sse, "aws:kms"), (sse + "-aws-kms-key-id", $0.description)] } ?? []
            case .underUnnamedKey: [(sse, "aws:kms")]
            case .byServiceKey: [(sse, "AES256")]
            case .byBucket: []
            }
        if let usesBucketKey {
            headers.append((sse + "-bucket-key-enabled", usesBucketKey ? "true" : "false"))
        }
        if let contentType { headers.append(("content-type", contentType)) }
        if let storageClass { headers.append(("x-amz-storage-class", storageClass)) }
        if let acl { headers.append(("x-amz-acl", acl)) }
        if isCreateOnly { headers.append(("if-none-match", "*")) }
        for (name, value) in metadata { headers.append(("x-amz-meta-" + name, value)) }
        return headers
    }
}

/// How an object is encrypted, by the answer.
package struct EncryptionReport: Hashable, Sendable {
    /// `aws:kms`; `nil` when the answer does not say.
    package let algorithm: String?
    package let keyARN: String?
    package let usesBucketKey: Bool

    init(_ answer: AWSAnswer) {
        algorithm = answer.headers["x-amz-server-side-encryption"]
        keyARN = answer.headers["x-amz-server-side-encryption-aws-kms-key-id"]
        usesBucketKey = answer.headers["x-amz-server-side-encryption-bucket-key-enabled"] == "true"
    }
}

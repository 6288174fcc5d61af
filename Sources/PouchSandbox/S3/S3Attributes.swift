import FoundationEssentials
import PouchKit

/// What the headers of a creating request say about the object to be.
extension S3Service {
    private static let systemHeaderNames = [
        "content-type", "cache-control", "content-disposition", "content-encoding", "content-language", "expires",
        "x-amz-website-redirect-location",
    ]

    /// Without encryption, which needs the bucket.
    ///
    /// - Throws: `Refusal` for metadata over 2 KB, malformed tags, an unknown storage class, and what the sandbox has not
    ///   (locks, customer keys): it must not be accepted and forgotten.
    static func attributes(of headers: RequestHeaders) throws(Refusal) -> ObjectAttributes {
        var attributes = ObjectAttributes()
        for (name, value) in headers.fields {
            if name.hasPrefix("x-amz-server-side-encryption-customer-") || name.hasPrefix("x-amz-object-lock-") {
                throw .notImplemented(name)
            }
            if name.hasPrefix("x-amz-meta-") {
                attributes.metadata[String(name.dropFirst("x-amz-meta-".count)), default: ""] +=
                    (attributes.metadata[String(name.dropFirst("x-amz-meta-".count))] == nil ? "" : ",") + value
            }
        }
        for name in systemHeaderNames { attributes.systemHeaders[name] = headers[name] }
        if let encoding = attributes.systemHeaders["content-encoding"] {
            // The framing of the upload is no property of the object.
            let rest = encoding.split(separator: ",").map { String($0.drop { $0 == " " }) }.filter { $0 != "aws-chunked" }
            attributes.systemHeaders["content-encoding"] = rest.isEmpty ? nil : rest.joined(separator: ",")
        }
        if attributes.systemHeaders["content-type"] == nil {
            attributes.systemHeaders["content-type"] = "binary/octet-stream"
        }
        let size = attributes.metadata.reduce(0) { $0 + $1.key.utf8.count + $1.value.utf8.count }
        guard size <= 2_048 else {
            throw Refusal(
                "MetadataTooLarge", 400, "Your metadata headers exceed the maximum allowed metadata size",
                details: [("Size", "\(size)"), ("MaxSizeAllowed", "2048")])
        }
        attributes.tags = try tags(of: headers["x-amz-tagging"] ?? "")
        if let storageClass = headers["x-amz-storage-class"] {
            guard storageClasses.contains(storageClass) else {
                throw Refusal("InvalidStorageClass", 400, "The storage class you specified is not valid")
            }
            attributes.storageClass = storageClass
        }
        return attributes
    }

    private static let storageClasses = [
        "STANDARD", "STANDARD_IA", "ONEZONE_IA", "INTELLIGENT_TIERING", "GLACIER", "GLACIER_IR", "DEEP_ARCHIVE",
        "REDUCED_REDUNDANCY",
    ]

    private static func tags(of text: String) throws(Refusal) -> [String: String] {
        let items = QueryParameters(text, plusIsSpace: true).items
        let invalid = Refusal("InvalidTag", 400, "The tag provided was not a valid tag.")
        var tags: [String: String] = [:]
        for (name, value) in items {
            guard !name.isEmpty, name.count <= 128, value.count <= 256, tags.updateValue(value, forKey: name) == nil else {
                throw invalid
            }
        }
        guard tags.count <= 10 else { throw Refusal("BadRequest", 400, "Object tags cannot be greater than 10") }
        return tags
    }

    /// - Throws: `Refusal` `AccessControlListNotSupported` where the bucket's owner owns everything anyway.
    static func acl(of headers: RequestHeaders, in bucket: SandboxBucket) throws(Refusal) -> String? {
        let unsupported = Refusal("AccessControlListNotSupported", 400, "The bucket does not allow ACLs")
        let grants = headers.beginning(with: "x-amz-grant-")
        guard grants.isEmpty else {
            if bucket.settings.ownership == .enforced { throw unsupported }
            throw .notImplemented(grants[0].name)
        }
        guard let acl = headers["x-amz-acl"] else { return nil }
        let known = [
            "private", "public-read", "public-read-write", "authenticated-read", "aws-exec-read", "bucket-owner-read",
            "bucket-owner-full-control",
        ]
        guard known.contains(acl) else { throw .invalidArgument("", name: "x-amz-acl", value: acl) }
        guard bucket.settings.ownership != .enforced || acl == "bucket-owner-full-control" else { throw unsupported }
        return acl
    }

    /// Whose the new object is (object ownership).
    static func owner(in bucket: SandboxBucket, acl: String?, writer: Caller) -> String {
        switch bucket.settings.ownership {
        case .enforced: bucket.account
        case .preferred: acl == "bucket-owner-full-control" ? bucket.account : writer.account
        case .writer: writer.account
        }
    }

    /// What the headers ask for, or the bucket's default.
    ///
    /// - Throws: `Refusal` for headers that contradict each other, a key that is not there or is another region's, and
    ///   SSE-KMS without TLS.
    func encryption(of call: S3Call) throws(Refusal) -> ObjectEncryption {
        let prefix = "x-amz-server-side-encryption"
        let headers = call.headers
        let keyID = headers[prefix + "-aws-kms-key-id"]
        let bucketKey = headers[prefix + "-bucket-key-enabled"].map { $0.lowercased() == "true" }
        let context = try Self.encryptionContext(headers[prefix + "-context"])
        guard let algorithm = headers[prefix] else {
            guard keyID == nil, headers[prefix + "-context"] == nil else {
                throw .invalidArgument(
                    "Server Side Encryption with AWS KMS managed key requires HTTP header x-amz-server-side-encryption : aws:kms",
                    name: prefix)
            }
            return try defaultEncryption(of: call, bucketKey: bucketKey)
        }
        switch algorithm {
        case "AES256":
            guard keyID == nil, context.isEmpty else {
                throw .invalidArgument(
                    "Server Side Encryption with AWS KMS managed key requires HTTP header x-amz-server-side-encryption : aws:kms",
                    name: prefix, value: algorithm)
            }
            return .aes256
        case "aws:kms":
            guard call.request.isSecure else { throw Self.insecure }
            return .kms(
                key: try keyID.map { id throws(Refusal) in try name(id, call: call) }
                    ?? KeyRing.managedByS3(account: call.caller.account, region: call.bucket.region).arn,
                bucketKey: bucketKey ?? call.bucket.settings.encryption.bucketKey ?? false, context: context)
        case "aws:kms:dsse", "aws:fsx": throw .notImplemented(prefix)
        default:
            throw .invalidArgument(
                "The encryption method specified is not supported", name: prefix, value: algorithm)
        }
    }

    private func defaultEncryption(of call: S3Call, bucketKey: Bool?) throws(Refusal) -> ObjectEncryption {
        let settings = call.bucket.settings.encryption
        guard let id = settings.key else { return .aes256 }
        guard call.request.isSecure else { throw Self.insecure }
        return .kms(key: try key(id, call: call).arn, bucketKey: bucketKey ?? settings.bucketKey ?? false, context: [:])
    }

    /// A full name is taken as it is: whether there is such a key KMS says, after the policies about S3 had their say.
    private func name(_ reference: String, call: S3Call) throws(Refusal) -> String {
        reference.hasPrefix("arn:") && reference.contains(":key/") ? reference : try key(reference, call: call).arn
    }

    /// A bare id or an alias means a key of the *caller's* account: the classic way to encrypt under the wrong one.
    private func key(_ reference: String, call: S3Call) throws(Refusal) -> SandboxKey {
        do {
            return try keys.resolve(reference, region: call.bucket.region, account: call.caller.account)
        } catch {
            throw Self.refusal(for: error, caller: call.caller)
        }
    }

    private static func encryptionContext(_ text: String?) throws(Refusal) -> [String: String] {
        guard let text else { return [:] }
        guard let bytes = Base64.bytes(of: text), let context = try? JSONDecoder().decode([String: String].self, from: Data(bytes))
        else {
            throw .invalidArgument(
                "The header 'x-amz-server-side-encryption-context' shall be Base64-encoded UTF-8 string holding JSON "
                    + "which represents a string-string map",
                name: "x-amz-server-side-encryption-context")
        }
        return context
    }

    static func encryptionHeaders(_ encryption: ObjectEncryption) -> [(name: String, value: String)] {
        let prefix = "x-amz-server-side-encryption"
        return switch encryption {
        case .none: []
        case .aes256: [(prefix, "AES256")]
        case .kms(let key, let bucketKey, _):
            [(prefix, "aws:kms"), (prefix + "-aws-kms-key-id", key)]
                + (bucketKey ? [(prefix + "-bucket-key-enabled", "true")] : [])
        }
    }

    /// Requests that do not create objects must not carry these headers.
    static func refuseEncryptionHeaders(_ call: S3Call) throws(Refusal) {
        for (name, value) in call.headers.beginning(with: "x-amz-server-side-encryption")
        where !name.hasPrefix("x-amz-server-side-encryption-customer-") {
            throw .invalidArgument("\(name) header is not supported for this operation.", name: name, value: value)
        }
    }
}

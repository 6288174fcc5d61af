import PouchKit

/// One page of a listing: what is to be shown of the keys in order, with prefixes rolled up at a delimiter.
package struct ListingPage: Sendable {
    package private(set) var keys: [ObjectKey] = []
    package private(set) var prefixes: [[UInt8]] = []
    /// Where the next page begins: after this key, or after everything below this prefix.
    package private(set) var next: [UInt8]?

    package var count: Int { keys.count + prefixes.count }

    /// - Parameter isShown: Whether anything of the key belongs into this kind of listing.
    package init(
        _ candidates: some Sequence<ObjectKey>, prefix: [UInt8], delimiter: [UInt8], limit: Int, after: [UInt8]?,
        isShown: (ObjectKey) -> Bool
    ) {
        var last: [UInt8]?
        for key in candidates where isShown(key) {
            let group = Self.group(of: key.bytes, prefix: prefix, delimiter: delimiter)
            // The page before ended with this group: all of it was shown.
            if let group, after == group { continue }
            if let group, prefixes.last == group { continue }
            guard count < limit else {
                next = last
                return
            }
            if let group {
                prefixes.append(group)
                last = group
            } else {
                keys.append(key)
                last = key.bytes
            }
        }
    }

    private static func group(of key: [UInt8], prefix: [UInt8], delimiter: [UInt8]) -> [UInt8]? {
        guard !delimiter.isEmpty else { return nil }
        let rest = key[prefix.count...]
        guard let start = rest.indices.first(where: { rest[$0...].starts(with: delimiter) }) else { return nil }
        return Array(key[..<(start + delimiter.count)])
    }
}

extension S3Service {
    func listObjects(_ call: S3Call) throws(Refusal) -> Reply {
        let query = call.query
        let prefix = Array((query["prefix"] ?? "").utf8)
        let delimiter = Array((query["delimiter"] ?? "").utf8)
        try requireListing("s3:ListBucket", call)
        let limit = try Self.limit(query["max-keys"])
        let after =
            try query["continuation-token"].map { text throws(Refusal) in
                guard let bytes = Base64.bytes(of: text) else {
                    throw .invalidArgument("The continuation token provided is incorrect", name: "continuation-token")
                }
                return bytes
            } ?? query["start-after"].map { Array($0.utf8) }
        let bucket = call.bucket.name
        let (page, objects) = try store.read { index throws(Refusal) in
            let page = ListingPage(
                index.keys(in: bucket, prefix: prefix, after: after), prefix: prefix, delimiter: delimiter, limit: limit,
                after: after, isShown: { index.current(bucket, $0)?.isDeleteMarker == false })
            return (page, page.keys.compactMap { index.current(bucket, $0) })
        }
        let isEncoded = query["encoding-type"] == "url"
        func shown(_ bytes: some Sequence<UInt8>) -> String { Self.shown(Array(bytes), encoded: isEncoded) }
        return .xml(
            XMLText("ListBucketResult", namespace: XMLText.s3) { document in
                document.add("Name", bucket)
                document.add("Prefix", shown(prefix))
                if !delimiter.isEmpty { document.add("Delimiter", shown(delimiter)) }
                document.add("MaxKeys", limit)
                if isEncoded { document.add("EncodingType", "url") }
                document.add("KeyCount", page.count)
                document.add("IsTruncated", page.next != nil)
                document.add("ContinuationToken", query["continuation-token"])
                document.add("NextContinuationToken", page.next.map { Base64.text(of: $0) })
                document.add("StartAfter", query["start-after"])
                for object in objects {
                    document.add("Contents") { entry in
                        entry.add("Key", shown(object.key.bytes))
                        Self.describe(object, in: &entry)
                        if query["fetch-owner"] == "true" { entry.add("Owner") { $0.add("ID", object.owner) } }
                    }
                }
                for prefix in page.prefixes { document.add("CommonPrefixes") { $0.add("Prefix", shown(prefix)) } }
            })
    }

    func listObjectVersions(_ call: S3Call) throws(Refusal) -> Reply {
        let query = call.query
        let prefix = Array((query["prefix"] ?? "").utf8)
        let delimiter = Array((query["delimiter"] ?? "").utf8)
        try requireListing("s3:ListBucketVersions", call)
        let limit = try Self.limit(query["max-keys"])
        let bucket = call.bucket.name
        // Pages end between keys, not between the versions of one: simpler, and a client cannot tell.
        let after = query["key-marker"].map { Array($0.utf8) }
        let (page, versions) = try store.read { index throws(Refusal) in
            let page = ListingPage(
                index.keys(in: bucket, prefix: prefix, after: after), prefix: prefix, delimiter: delimiter, limit: limit,
                after: after, isShown: { _ in true })
            return (page, page.keys.map { index.versions(bucket, $0) })
        }
        let isEncoded = query["encoding-type"] == "url"
        func shown(_ bytes: [UInt8]) -> String { Self.shown(bytes, encoded: isEncoded) }
        return .xml(
            XMLText("ListVersionsResult", namespace: XMLText.s3) { document in
                document.add("Name", bucket)
                document.add("Prefix", shown(prefix))
                document.add("KeyMarker", shown(after ?? []))
                document.add("VersionIdMarker", query["version-id-marker"] ?? "")
                document.add("MaxKeys", limit)
                if !delimiter.isEmpty { document.add("Delimiter", shown(delimiter)) }
                if isEncoded { document.add("EncodingType", "url") }
                document.add("IsTruncated", page.next != nil)
                document.add("NextKeyMarker", page.next.map(shown))
                for (version, isLatest) in versions.flatMap({ list in list.enumerated().map { ($1, $0 == 0) } }) {
                    document.add(version.isDeleteMarker ? "DeleteMarker" : "Version") { entry in
                        entry.add("Key", shown(version.key.bytes))
                        entry.add("VersionId", version.version)
                        entry.add("IsLatest", isLatest)
                        if version.isDeleteMarker {
                            entry.add("LastModified", WireTime.iso8601(version.modified))
                        } else {
                            Self.describe(version, in: &entry)
                        }
                        entry.add("Owner") { $0.add("ID", version.owner) }
                    }
                }
                for prefix in page.prefixes { document.add("CommonPrefixes") { $0.add("Prefix", shown(prefix)) } }
            })
    }

    func requireListing(_ action: String, _ call: S3Call) throws(Refusal) {
        try require(action, on: nil, of: call.bucket, by: call) { context in
            context.set("s3:prefix", call.query["prefix"])
            context.set("s3:delimiter", call.query["delimiter"])
            context.set("s3:max-keys", call.query["max-keys"])
        }
    }

    static func limit(_ text: String?, name: String = "max-keys") throws(Refusal) -> Int {
        guard let text else { return 1_000 }
        guard let number = Int(text), number >= 0 else {
            throw .invalidArgument("Provided \(name) not an integer or within integer range", name: name, value: text)
        }
        return min(number, 1_000)
    }

    static func shown(_ bytes: [UInt8], encoded: Bool) -> String {
        encoded ? PercentEncoding.encoded(bytes, keepingSlash: true) : String(decoding: bytes, as: UTF8.self)
    }

    private static func describe(_ object: StoredObject, in entry: inout XMLText) {
        entry.add("LastModified", WireTime.iso8601(object.modified))
        entry.add("ETag", ETag.quoted(object.etag))
        if let checksum = object.checksum {
            entry.add("ChecksumAlgorithm", checksum.algorithm.rawValue)
            entry.add("ChecksumType", checksum.kind.rawValue)
        }
        entry.add("Size", object.size)
        entry.add("StorageClass", object.attributes.storageClass)
    }
}

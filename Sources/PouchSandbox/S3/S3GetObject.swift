import PouchKit

extension S3Service {
    /// GET and HEAD. Both need `s3:GetObject` (`s3:GetObjectVersion` for a named version); GET, and HEAD that asks for
    /// checksums, need `kms:Decrypt`; a plain HEAD needs no key.
    func getObject(_ call: S3Call, sendsBody: Bool) throws(Refusal) -> Reply {
        try Self.check(call.key)
        try Self.refuseEncryptionHeaders(call)
        let version = call.query["versionId"]
        let wantsChecksum = call.headers["x-amz-checksum-mode"]?.uppercased() == "ENABLED"
        let object = try existing(call.key, version: version, in: call.bucket, by: call)
        try requireReading(version == nil ? "s3:GetObject" : "s3:GetObjectVersion", of: object, in: call.bucket, by: call)
        if object.attributes.encryption.keyARN != nil, !call.request.isSecure { throw Self.insecure }
        if sendsBody || wantsChecksum {
            try requireKey("kms:Decrypt", for: object.attributes.encryption, of: call.key, in: call.bucket, by: call)
        }
        call.notes.note { $0.version = object.version }
        try ReadCondition(call.headers).check(object)

        var headers: [(name: String, value: String)] = [
            ("accept-ranges", "bytes"), ("etag", ETag.quoted(object.etag)),
            ("last-modified", WireTime.http(object.modified)),
        ]
        headers += describe(object, call: call)
        let range = try Self.range(call.headers["range"], size: object.size)
        // A checksum of the whole says nothing about a piece of it.
        if wantsChecksum, range == nil { headers += Self.checksumHeaders(object) }
        let bytes = range ?? 0...max(object.size - 1, 0)
        if range != nil { headers.append(("content-range", "bytes \(bytes.lowerBound)-\(bytes.upperBound)/\(object.size)")) }
        let length = object.size == 0 ? 0 : bytes.upperBound - bytes.lowerBound + 1
        return Reply(
            range == nil ? 200 : 206, headers: headers,
            body: sendsBody && length > 0 ? .object(object.body, bytes) : .none, announcedLength: length)
    }

    private func describe(_ object: StoredObject, call: S3Call) -> [(name: String, value: String)] {
        let attributes = object.attributes
        var headers = Self.encryptionHeaders(attributes.encryption) + Self.versionHeaders(object, in: call.bucket)
        for (name, value) in attributes.systemHeaders.sorted(by: { $0.key < $1.key }) {
            headers.append((name, call.query["response-" + name] ?? value))
        }
        for (name, value) in attributes.metadata.sorted(by: { $0.key < $1.key }) {
            // What is not US-ASCII comes back as RFC 2047 has it.
            let isPlain = value.utf8.allSatisfy { (0x20..<0x7F).contains($0) }
            headers.append(("x-amz-meta-" + name, isPlain ? value : "=?UTF-8?B?\(Base64.text(of: Array(value.utf8)))?="))
        }
        if !attributes.tags.isEmpty { headers.append(("x-amz-tagging-count", "\(attributes.tags.count)")) }
        if attributes.storageClass != "STANDARD" { headers.append(("x-amz-storage-class", attributes.storageClass)) }
        return headers
    }

    /// - Returns: nothing for a header that is not one range of bytes: it is ignored then, as HTTP has it.
    /// - Throws: `Refusal` `InvalidRange`.
    static func range(_ text: String?, size: Int64) throws(Refusal) -> ClosedRange<Int64>? {
        guard let text, text.hasPrefix("bytes="), !text.contains(",") else { return nil }
        let halves = text.dropFirst("bytes=".count).split(separator: "-", maxSplits: 1, omittingEmptySubsequences: false)
        guard halves.count == 2 else { return nil }
        let invalid = Refusal(
            "InvalidRange", 416, "The requested range is not satisfiable",
            details: [("RangeRequested", text), ("ActualObjectSize", "\(size)")])
        if halves[0].isEmpty {
            guard let count = Int64(halves[1]) else { return nil }
            guard count > 0, size > 0 else { throw invalid }
            return max(size - count, 0)...(size - 1)
        }
        guard let first = Int64(halves[0]), halves[1].isEmpty || Int64(halves[1]) != nil else { return nil }
        let last = Int64(halves[1]) ?? .max
        guard last >= first else { return nil }
        guard first < size else { throw invalid }
        return first...min(last, size - 1)
    }
}

import PouchFiles
import PouchKit

/// Beginning, filling, listing and giving up a multipart upload. Its end is in `S3CompleteMultipartUpload.swift`.
extension S3Service {
    /// Needs what PutObject needs.
    func createMultipartUpload(_ call: S3Call) throws(Refusal) -> Reply {
        try Self.check(call.key)
        let draft = try creation(of: call)
        let chosen = try Self.algorithm(call.headers["x-amz-checksum-algorithm"])
        let algorithm = chosen ?? .crc64nvme
        let kind = try Self.checksumKind(call.headers["x-amz-checksum-type"], of: algorithm, isChosen: chosen != nil)
        try requireCreation(draft, condition: WriteCondition(RequestHeaders([])), call: call, isCreating: false)
        let upload = StoredUpload(
            id: SandboxSecrets.randomHex(32), bucket: call.bucket.name, key: call.key, begun: call.now, owner: draft.owner,
            initiator: call.caller.arn, attributes: draft.attributes, checksum: kind, algorithm: algorithm,
            isAlgorithmChosen: chosen != nil)
        try store.change { _ throws(Refusal) in (changes: [.begin(upload)], answer: ()) }
        let document = XMLText("InitiateMultipartUploadResult", namespace: XMLText.s3) { result in
            result.add("Bucket", call.bucket.name)
            result.add("Key", call.key.text)
            result.add("UploadId", upload.id)
        }
        var headers = Self.encryptionHeaders(draft.attributes.encryption)
        if chosen != nil {
            headers += [("x-amz-checksum-algorithm", algorithm.rawValue), ("x-amz-checksum-type", kind.rawValue)]
        }
        return .xml(document, headers: headers)
    }

    /// CRC64NVME speaks for whole objects only, SHA-1 and SHA-256 only for lists of parts, the other two for both.
    private static func checksumKind(
        _ text: String?, of algorithm: ChecksumAlgorithm, isChosen: Bool
    ) throws(Refusal) -> ObjectChecksum.Kind {
        let unsupported = Refusal.invalidRequest(
            "The \(text ?? "") checksum type cannot be used with the \(algorithm.rawValue.lowercased()) checksum algorithm.")
        guard let text else { return algorithm == .crc64nvme ? .fullObject : .composite }
        guard isChosen else {
            throw .invalidRequest("The x-amz-checksum-type header can only be used with the x-amz-checksum-algorithm header.")
        }
        guard let kind = ObjectChecksum.Kind(rawValue: text) else {
            throw .invalidRequest("Value for x-amz-checksum-type header is invalid.")
        }
        switch (algorithm, kind) {
        case (.crc64nvme, .composite), (.sha1, .fullObject), (.sha256, .fullObject): throw unsupported
        default: return kind
        }
    }

    /// The upload that a call names, if it is one of this bucket and key.
    func upload(of call: S3Call) throws(Refusal) -> StoredUpload {
        guard let id = call.query["uploadId"], let upload = store.upload(id), upload.bucket == call.bucket.name,
            upload.key == call.key
        else { throw .noSuchUpload }
        return upload
    }

    private func partNumber(of call: S3Call) throws(Refusal) -> Int {
        guard let text = call.query["partNumber"], let number = Int(text), (1...10_000).contains(number) else {
            throw .invalidArgument(
                "Part number must be an integer between 1 and 10000, inclusive", name: "partNumber",
                value: call.query["partNumber"])
        }
        return number
    }

    private func requireFilling(_ upload: StoredUpload, call: S3Call) throws(Refusal) {
        try require("s3:PutObject", on: call.key, of: call.bucket, by: call) { $0.set("s3:ObjectCreationOperation", false) }
        // Parts are sealed under the data key of the upload, which has to be opened first.
        try requireKey("kms:Decrypt", for: upload.attributes.encryption, of: call.key, in: call.bucket, by: call)
    }

    func uploadPart(_ call: S3Call, body: IncomingBody) async throws -> Reply {
        try Self.refuseEncryptionHeaders(call)
        let number = try partNumber(of: call)
        let expectation = try PayloadExpectation(call.headers, mode: call.mode)
        let upload = try upload(of: call)
        try requireFilling(upload, call: call)
        let algorithm = expectation.checksum?.algorithm ?? upload.algorithm
        // Without an algorithm of the upload's own, parts may come with any, or with none.
        guard !upload.isAlgorithmChosen || algorithm == upload.algorithm else {
            throw Refusal.invalidRequest(
                "Checksum Type mismatch occurred, expected checksum Type: \(upload.algorithm.rawValue.lowercased()), "
                    + "actual checksum Type: \(algorithm.rawValue.lowercased())")
        }
        let isSealed = upload.attributes.encryption.keyARN != nil
        let intake = BodyIntake(
            expectation, place: .store(store.bodies), needsMD5: !isSealed, algorithm: algorithm, chain: chain(of: call))
        let received = try await intake.receive(body)
        let part = StoredUpload.Part(
            number: number, body: received.body, etag: isSealed ? ETag.opaque() : received.md5 ?? ETag.opaque(),
            modified: call.now, checksum: algorithm == upload.algorithm ? received.checksum.value : nil)
        try await add(part, to: upload)
        var headers = [(name: "etag", value: ETag.quoted(part.etag))] + Self.encryptionHeaders(upload.attributes.encryption)
        if upload.isAlgorithmChosen || expectation.checksum != nil { headers.append((algorithm.header, received.checksum.value)) }
        return Reply(200, headers: headers)
    }

    /// Needs what reading the source needs (see `source(of:)`), and what filling the upload needs.
    func uploadPartCopy(_ call: S3Call) async throws -> Reply {
        try Self.refuseEncryptionHeaders(call)
        let number = try partNumber(of: call)
        let upload = try upload(of: call)
        let (source, sourceBucket, named) = try source(of: call)
        try requireFilling(upload, call: call)
        try requireKey(
            "kms:GenerateDataKey", for: upload.attributes.encryption, of: call.key, in: call.bucket, by: call)
        let range = try Self.copyRange(call.headers["x-amz-copy-source-range"], size: source.size)
        let part = try await store.lend(source.body) {
            let body =
                range.map { $0 == 0...(source.size - 1) } ?? true
                ? source.body : try await store.cut(source.body, to: range ?? 0...0)
            guard body.size <= PayloadExpectation.largest else {
                throw Refusal.invalidRequest(
                    "The specified copy source is larger than the maximum allowable size for a copy "
                        + "source: \(PayloadExpectation.largest)")
            }
            let checksum = try await store.checksum(of: body, by: upload.algorithm)
            let part = StoredUpload.Part(
                number: number, body: body, etag: ETag.opaque(), modified: call.now, checksum: Base64.text(of: checksum))
            try await add(part, to: upload)
            return part
        }
        let document = XMLText("CopyPartResult", namespace: XMLText.s3) { result in
            result.add("LastModified", WireTime.iso8601(part.modified))
            result.add("ETag", ETag.quoted(part.etag))
            if upload.isAlgorithmChosen { result.add(upload.algorithm.element, part.checksum) }
        }
        var headers = Self.encryptionHeaders(upload.attributes.encryption)
        if sourceBucket.settings.versioning != .never {
            headers.append(("x-amz-copy-source-version-id", named.version ?? source.version))
        }
        return .xml(document, headers: headers)
    }

    /// `bytes=first-last`, both inside the source: a copied part is never cut short in silence.
    static func copyRange(_ text: String?, size: Int64) throws(Refusal) -> ClosedRange<Int64>? {
        guard let text else { return nil }
        let bounds = text.hasPrefix("bytes=") ? text.dropFirst("bytes=".count).split(separator: "-").map { Int64($0) } : []
        guard bounds.count == 2, let first = bounds[0], let last = bounds[1], first <= last else {
            throw .invalidArgument(
                "The x-amz-copy-source-range value must be of the form bytes=first-last where first and last are the zero-based "
                    + "offsets of the first and last bytes to copy", name: "x-amz-copy-source-range", value: text)
        }
        guard size > 5 << 20 else {
            throw .invalidRequest("The specified copy source is smaller than the minimum size for a byte-range copy.")
        }
        guard last < size else {
            throw .invalidArgument(
                "Range specified is not valid for source object of size: \(size)", name: "x-amz-copy-source-range", value: text)
        }
        return first...last
    }

    private func add(_ part: StoredUpload.Part, to upload: StoredUpload) async throws(Refusal) {
        try await onBlockingThread { () throws(Refusal) in
            do throws(Refusal) {
                try store.change { index throws(Refusal) in
                    guard index.uploads[upload.id] != nil else { throw .noSuchUpload }
                    return (changes: [.part(upload: upload.id, part)], answer: ())
                }
            } catch {
                store.forgetIfUnused(part.body)
                throw error
            }
        }
    }

    func abortMultipartUpload(_ call: S3Call) throws(Refusal) -> Reply {
        let upload = try upload(of: call)
        try require("s3:AbortMultipartUpload", on: call.key, of: call.bucket, by: call)
        try store.change { index throws(Refusal) in
            guard index.uploads[upload.id] != nil else { throw .noSuchUpload }
            return (changes: [.end(upload: upload.id)], answer: ())
        }
        return Reply(204)
    }

    func listParts(_ call: S3Call) throws(Refusal) -> Reply {
        let upload = try upload(of: call)
        try require("s3:ListMultipartUploadParts", on: call.key, of: call.bucket, by: call)
        try requireKey("kms:Decrypt", for: upload.attributes.encryption, of: call.key, in: call.bucket, by: call)
        let marker = try Self.limit(call.query["part-number-marker"] ?? "0", name: "part-number-marker")
        let limit = try Self.limit(call.query["max-parts"], name: "max-parts")
        let rest = upload.parts.values.filter { $0.number > marker }.sorted { $0.number < $1.number }
        let page = rest.prefix(limit)
        return .xml(
            XMLText("ListPartsResult", namespace: XMLText.s3) { document in
                document.add("Bucket", call.bucket.name)
                document.add("Key", call.key.text)
                document.add("UploadId", upload.id)
                document.add("Initiator") { $0.add("ID", upload.initiator) }
                document.add("Owner") { $0.add("ID", upload.owner) }
                document.add("StorageClass", upload.attributes.storageClass)
                document.add("PartNumberMarker", marker)
                if page.count < rest.count { document.add("NextPartNumberMarker", page.last?.number ?? marker) }
                document.add("MaxParts", limit)
                document.add("IsTruncated", page.count < rest.count)
                if upload.isAlgorithmChosen {
                    document.add("ChecksumAlgorithm", upload.algorithm.rawValue)
                    document.add("ChecksumType", upload.checksum.rawValue)
                }
                for part in page {
                    document.add("Part") { entry in
                        entry.add("PartNumber", part.number)
                        entry.add("LastModified", WireTime.iso8601(part.modified))
                        entry.add("ETag", ETag.quoted(part.etag))
                        entry.add("Size", part.body.size)
                        if upload.isAlgorithmChosen { entry.add(upload.algorithm.element, part.checksum) }
                    }
                }
            })
    }

    func listMultipartUploads(_ call: S3Call) throws(Refusal) -> Reply {
        try requireListing("s3:ListBucketMultipartUploads", call)
        let query = call.query
        let prefix = Array((query["prefix"] ?? "").utf8)
        let limit = try Self.limit(query["max-uploads"], name: "max-uploads")
        let after = query["key-marker"].map { (ObjectKey($0), query["upload-id-marker"] ?? "\u{10FFFF}") }
        let rest = store.uploads(in: call.bucket.name).filter { $0.key.hasPrefix(prefix) }
            .sorted { ($0.key, $0.id) < ($1.key, $1.id) }
            .filter { upload in after.map { (upload.key, upload.id) > $0 } ?? true }
        let page = rest.prefix(limit)
        return .xml(
            XMLText("ListMultipartUploadsResult", namespace: XMLText.s3) { document in
                document.add("Bucket", call.bucket.name)
                document.add("KeyMarker", query["key-marker"] ?? "")
                document.add("UploadIdMarker", query["upload-id-marker"] ?? "")
                document.add("Prefix", query["prefix"])
                document.add("MaxUploads", limit)
                document.add("IsTruncated", page.count < rest.count)
                if page.count < rest.count {
                    document.add("NextKeyMarker", page.last?.key.text)
                    document.add("NextUploadIdMarker", page.last?.id)
                }
                for upload in page {
                    document.add("Upload") { entry in
                        entry.add("Key", upload.key.text)
                        entry.add("UploadId", upload.id)
                        entry.add("Initiator") { $0.add("ID", upload.initiator) }
                        entry.add("Owner") { $0.add("ID", upload.owner) }
                        entry.add("StorageClass", upload.attributes.storageClass)
                        entry.add("Initiated", WireTime.iso8601(upload.begun))
                        if upload.isAlgorithmChosen {
                            entry.add("ChecksumAlgorithm", upload.algorithm.rawValue)
                            entry.add("ChecksumType", upload.checksum.rawValue)
                        }
                    }
                }
            })
    }
}

import PouchCrypto
import PouchKit

/// One line of the list that ends an upload.
private struct CompletedPart: Sendable {
    let number: Int
    let etag: String
    let checksums: [ChecksumAlgorithm: String]
}

extension S3Service {
    private static let smallestPart: Int64 = 5 << 20

    /// Needs `s3:PutObject` and, under SSE-KMS, `kms:Decrypt`.
    func completeMultipartUpload(_ call: S3Call, body: IncomingBody) async throws -> Reply {
        let upload = try upload(of: call)
        let condition = try WriteCondition(call.headers)
        try require("s3:PutObject", on: call.key, of: call.bucket, by: call) { $0.set("s3:ObjectCreationOperation", true) }
        if condition.needsReading { try require("s3:GetObject", on: call.key, of: call.bucket, by: call) }
        try requireKey("kms:Decrypt", for: upload.attributes.encryption, of: call.key, in: call.bucket, by: call)

        let parts = try Self.parts(in: try await list(call, body), of: upload)
        let whole = StoredBody(extents: parts.flatMap(\.body.extents))
        if let promised = call.headers["x-amz-mp-object-size"] {
            guard Int64(promised) == whole.size else {
                throw Refusal.invalidRequest(
                    "The provided 'x-amz-mp-object-size' header value \(promised) does not match what "
                        + "was computed: \(whole.size)")
            }
        }
        let checksum = try await checksum(of: whole, parts: parts, upload: upload)
        try Self.check(checksum, against: call.headers, upload: upload)
        let draft = Creation(attributes: upload.attributes, owner: upload.owner)
        let object = try await settle(
            draft, body: whole, etag: Self.etag(of: parts, upload: upload), checksum: checksum, condition: condition, call: call,
            ending: upload.id)
        let document = XMLText("CompleteMultipartUploadResult", namespace: XMLText.s3) { result in
            result.add(
                "Location",
                "https://\(call.request.host)/\(call.bucket.name)/\(PercentEncoding.encoded(call.key.bytes, keepingSlash: true))")
            result.add("Bucket", call.bucket.name)
            result.add("Key", call.key.text)
            result.add("ETag", ETag.quoted(object.etag))
            result.add(checksum.algorithm.element, checksum.value)
            result.add("ChecksumType", checksum.kind.rawValue)
        }
        return .xml(
            document, headers: Self.encryptionHeaders(upload.attributes.encryption) + Self.versionHeaders(object, in: call.bucket))
    }

    private func list(_ call: S3Call, _ body: IncomingBody) async throws -> [CompletedPart] {
        let bytes = try await document(call, body, limit: 4 << 20)
        let malformed = Refusal(
            "MalformedXML", 400, "The XML you provided was not well-formed or did not validate against our published schema")
        guard let root = XMLElement(bytes), root.name == "CompleteMultipartUpload", !root.children.isEmpty else { throw malformed }
        var parts: [CompletedPart] = []
        for element in root.children where element.name == "Part" {
            guard let number = element["PartNumber"].flatMap({ Int($0) }), let etag = element["ETag"] else { throw malformed }
            var checksums: [ChecksumAlgorithm: String] = [:]
            for algorithm in ChecksumAlgorithm.allCases { checksums[algorithm] = element[algorithm.element] }
            parts.append(CompletedPart(number: number, etag: etag.filter { $0 != "\"" }, checksums: checksums))
        }
        guard !parts.isEmpty, parts.count <= 10_000 else { throw malformed }
        return parts
    }

    private static func parts(in list: [CompletedPart], of upload: StoredUpload) throws(Refusal) -> [StoredUpload.Part] {
        for (one, next) in zip(list, list.dropFirst()) where one.number >= next.number {
            throw Refusal(
                "InvalidPartOrder", 400,
                "The list of parts was not in ascending order. The parts list must be specified in order by part number.")
        }
        var parts: [StoredUpload.Part] = []
        for listed in list {
            let invalid = Refusal(
                "InvalidPart", 400,
                "One or more of the specified parts could not be found. The part may not have been uploaded, or the specified "
                    + "entity tag may not match the part's entity tag.",
                details: [("UploadId", upload.id), ("PartNumber", "\(listed.number)"), ("ETag", listed.etag)])
            guard let part = upload.parts[listed.number], part.etag == listed.etag else { throw invalid }
            try check(listed, part: part, upload: upload, invalid: invalid)
            parts.append(part)
        }
        for part in parts.dropLast() where part.body.size < smallestPart {
            throw Refusal(
                "EntityTooSmall", 400, "Your proposed upload is smaller than the minimum allowed size",
                details: [
                    ("ProposedSize", "\(part.body.size)"), ("MinSizeAllowed", "\(smallestPart)"),
                    ("PartNumber", "\(part.number)"), ("ETag", part.etag),
                ])
        }
        return parts
    }

    private static func check(
        _ listed: CompletedPart, part: StoredUpload.Part, upload: StoredUpload, invalid: Refusal
    ) throws(Refusal) {
        guard upload.isAlgorithmChosen else { return }
        if let given = listed.checksums[upload.algorithm] {
            guard given == part.checksum else { throw invalid }
        } else if upload.checksum == .composite {
            throw .invalidRequest(
                "The upload was created using a \(upload.algorithm.rawValue.lowercased()) checksum. The complete request must "
                    + "include the checksum for each part. It was missing for part \(listed.number) in the request.")
        }
    }

    private func checksum(
        of whole: StoredBody, parts: [StoredUpload.Part], upload: StoredUpload
    ) async throws -> ObjectChecksum {
        guard upload.checksum == .composite else {
            let value = Base64.text(of: try await store.checksum(of: whole, by: upload.algorithm))
            return ObjectChecksum(algorithm: upload.algorithm, kind: .fullObject, value: value)
        }
        // Gaps in the numbers are an internal error at AWS, and only here.
        guard parts.map(\.number) == Array(1...parts.count) else {
            throw Refusal.internalError("We encountered an internal error. Please try again.")
        }
        let list = parts.flatMap { part in part.checksum.flatMap { Base64.bytes(of: $0) } ?? [] }
        let value = ChecksumHasher.base64(of: list, by: upload.algorithm) + "-\(parts.count)"
        return ObjectChecksum(algorithm: upload.algorithm, kind: .composite, value: value)
    }

    private static func check(_ checksum: ObjectChecksum, against headers: RequestHeaders, upload: StoredUpload) throws(Refusal) {
        if let kind = headers["x-amz-checksum-type"], kind != checksum.kind.rawValue {
            throw .invalidRequest(
                "The upload was created using the \(checksum.kind.rawValue) checksum mode. The complete request "
                    + "must use the same checksum mode.")
        }
        for algorithm in ChecksumAlgorithm.allCases {
            guard let given = headers[algorithm.header] else { continue }
            guard algorithm == checksum.algorithm else {
                throw .invalidRequest(
                    "Checksum Type mismatch occurred, expected checksum Type: "
                        + "\(checksum.algorithm.rawValue.lowercased()), actual checksum Type: \(algorithm.rawValue.lowercased())")
            }
            let matches = given == checksum.value || given == checksum.value.split(separator: "-").first.map(String.init)
            guard matches else {
                throw Refusal(
                    "BadDigest", 400, "The \(algorithm.rawValue) you specified did not match the calculated checksum.")
            }
        }
    }

    private static func etag(of parts: [StoredUpload.Part], upload: StoredUpload) -> String {
        let digests = parts.flatMap { Hexadecimal.bytes(of: $0.etag) ?? [] }
        let digest =
            upload.attributes.encryption.keyARN == nil
            ? Hexadecimal.text(of: MessageDigest.digest(of: digests, by: .md5)) : ETag.opaque()
        return "\(digest)-\(parts.count)"
    }
}

import PouchKit

/// What a request promised about its body, to be held against the bytes.
package struct PayloadExpectation: Sendable {
    package let mode: PayloadMode
    /// Bytes of the payload itself, without the framing of chunks.
    package let length: Int64
    package let contentMD5: [UInt8]?
    /// The client's own checksum: its value from a header, or from a trailer that will come.
    package let checksum: Checksum?

    package enum Checksum: Sendable {
        case header(ChecksumAlgorithm, [UInt8])
        case trailer(ChecksumAlgorithm)

        package var algorithm: ChecksumAlgorithm {
            switch self {
            case .header(let algorithm, _), .trailer(let algorithm): algorithm
            }
        }
    }

    /// 5 GiB: the largest body of a PUT or of a part.
    package static let largest: Int64 = 5 << 30

    /// - Throws: `Refusal` for a length that is missing or too large, a digest that is not one, two checksums at once.
    package init(_ headers: RequestHeaders, mode: PayloadMode) throws(Refusal) {
        self.mode = mode
        length = try Self.length(headers, mode: mode)
        guard length <= Self.largest else {
            throw Refusal(
                "EntityTooLarge", 400, "Your proposed upload exceeds the maximum allowed size",
                details: [("ProposedSize", "\(length)"), ("MaxSizeAllowed", "\(Self.largest)")])
        }
        contentMD5 = try headers["content-md5"].map { text throws(Refusal) in
            guard let bytes = Base64.bytes(of: text), bytes.count == 16 else {
                throw Refusal(
                    "InvalidDigest", 400, "The Content-MD5 you specified was invalid.", details: [("Content-MD5", text)])
            }
            return bytes
        }
        checksum = try Self.checksum(headers, mode: mode)
    }

    private static func length(_ headers: RequestHeaders, mode: PayloadMode) throws(Refusal) -> Int64 {
        let missing = Refusal("MissingContentLength", 411, "You must provide the Content-Length HTTP header.")
        if case .chunked = mode {
            guard let text = headers["x-amz-decoded-content-length"], let length = Int64(text), length >= 0 else { throw missing }
            return length
        }
        guard let text = headers["content-length"] else {
            // A body of unknown length is refused; no body at all is a length of 0.
            guard headers["transfer-encoding"] == nil else { throw missing }
            return 0
        }
        guard let length = Int64(text), length >= 0 else { throw missing }
        return length
    }

    private static func checksum(_ headers: RequestHeaders, mode: PayloadMode) throws(Refusal) -> Checksum? {
        let given = headers.beginning(with: "x-amz-checksum-").filter {
            !["x-amz-checksum-algorithm", "x-amz-checksum-type", "x-amz-checksum-mode"].contains($0.name)
        }
        let announced = headers["x-amz-trailer"].map { $0.split(separator: ",").map { $0.filter { $0 != " " }.lowercased() } } ?? []
        guard given.count + announced.count <= 1 else {
            throw .invalidRequest("Expecting a single x-amz-checksum- header. Multiple checksum Types are not allowed.")
        }
        let asked = headers["x-amz-sdk-checksum-algorithm"]
        if let (name, value) = given.first {
            guard let algorithm = ChecksumAlgorithm(header: name) else { throw .notImplemented(name) }
            guard let bytes = Base64.bytes(of: value), bytes.count == algorithm.byteCount else {
                throw .invalidRequest("Value for \(name) header is invalid.")
            }
            guard asked.map({ $0.uppercased() == algorithm.rawValue }) ?? true else {
                throw .invalidRequest("Value for x-amz-sdk-checksum-algorithm header is invalid.")
            }
            return .header(algorithm, bytes)
        }
        if let name = announced.first {
            guard case .chunked(_, hasTrailer: true) = mode else {
                throw .invalidRequest("The value specified in the x-amz-trailer header is not supported")
            }
            guard let algorithm = ChecksumAlgorithm(header: name) else {
                throw .invalidRequest("The value specified in the x-amz-trailer header is not supported")
            }
            return .trailer(algorithm)
        }
        guard asked == nil else {
            throw .invalidRequest(
                "x-amz-sdk-checksum-algorithm specified, but no corresponding x-amz-checksum-* or "
                    + "x-amz-trailer headers were found.")
        }
        return nil
    }
}

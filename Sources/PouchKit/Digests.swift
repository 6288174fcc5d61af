/// A SHA-256 digest: 32 bytes, written as hexadecimal.
public struct SHA256Digest: Hashable, Sendable, Codable, CustomStringConvertible {
    public let bytes: [UInt8]

    /// `nil` unless there are exactly 32 bytes.
    public init?(bytes: [UInt8]) {
        guard bytes.count == 32 else { return nil }
        self.bytes = bytes
    }

    /// `nil` unless the text is 64 hexadecimal digits.
    public init?(hexadecimal text: some StringProtocol) {
        guard let bytes = Hexadecimal.bytes(of: text) else { return nil }
        self.init(bytes: bytes)
    }

    public var description: String { Hexadecimal.text(of: bytes) }

    public init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        let text = try container.decode(String.self)
        guard let digest = SHA256Digest(hexadecimal: text) else {
            throw DecodingError.dataCorruptedError(
                in: container, debugDescription: "expected 64 hexadecimal digits, found '\(text)'")
        }
        self = digest
    }

    public func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(description)
    }
}

/// A CRC-64/NVME checksum, the one that S3 keeps for a whole object whatever its parts were.
public struct CRC64NVME: Hashable, Sendable, Codable, CustomStringConvertible {
    public let value: UInt64

    public init(_ value: UInt64) { self.value = value }

    /// Base64 of the eight bytes in network order: the form of `x-amz-checksum-crc64nvme`.
    public var base64: String { Base64.text(of: Hexadecimal.bigEndianBytes(of: value)) }

    public init?(base64 text: String) {
        guard let bytes = Base64.bytes(of: text), bytes.count == 8 else { return nil }
        value = bytes.reduce(0) { $0 << 8 | UInt64($1) }
    }

    public var description: String { base64 }

    public init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        let text = try container.decode(String.self)
        guard let checksum = CRC64NVME(base64: text) else {
            throw DecodingError.dataCorruptedError(
                in: container, debugDescription: "expected base64 of eight bytes, found '\(text)'")
        }
        self = checksum
    }

    public func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(base64)
    }
}

/// What was computed in one reading of a file.
public struct FileDigests: Hashable, Sendable, Codable {
    public let sha256: SHA256Digest
    public let crc64nvme: CRC64NVME

    public init(sha256: SHA256Digest, crc64nvme: CRC64NVME) {
        self.sha256 = sha256
        self.crc64nvme = crc64nvme
    }
}

/// What was computed in one reading of a part of a file.
public struct PartDigests: Hashable, Sendable {
    public enum Kind: Hashable, Sendable {
        case checksum
        /// Costs as much again: for those who must sign what they send.
        case checksumAndSHA256
    }

    public let crc64nvme: CRC64NVME
    /// `nil` unless it was asked for.
    public let sha256: SHA256Digest?

    public init(crc64nvme: CRC64NVME, sha256: SHA256Digest? = nil) {
        self.crc64nvme = crc64nvme
        self.sha256 = sha256
    }

    /// Those of a file that goes as one piece.
    public init(_ file: FileDigests) { self.init(crc64nvme: file.crc64nvme, sha256: file.sha256) }
}

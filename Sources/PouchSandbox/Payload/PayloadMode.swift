package import PouchKit

/// How the body of an S3 request is protected: the meaning of `x-amz-content-sha256`.
package enum PayloadMode: Sendable, Equatable {
    /// The hash of the body is part of what was signed.
    case hashed(SHA256Digest)
    /// Only TLS protects it.
    case unsigned
    /// In chunks (`aws-chunked`), whose signatures form a chain, perhaps with a trailer; or unsigned with a trailer.
    case chunked(isSigned: Bool, hasTrailer: Bool)

    /// - Throws: `Refusal` `InvalidArgument` for what S3 does not know, `NotImplemented` for signatures with elliptic curves.
    package init(_ text: String) throws(Refusal) {
        switch text {
        case "UNSIGNED-PAYLOAD": self = .unsigned
        case "STREAMING-UNSIGNED-PAYLOAD-TRAILER": self = .chunked(isSigned: false, hasTrailer: true)
        case "STREAMING-AWS4-HMAC-SHA256-PAYLOAD": self = .chunked(isSigned: true, hasTrailer: false)
        case "STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER": self = .chunked(isSigned: true, hasTrailer: true)
        case "STREAMING-AWS4-ECDSA-P256-SHA256-PAYLOAD", "STREAMING-AWS4-ECDSA-P256-SHA256-PAYLOAD-TRAILER":
            throw .notImplemented("x-amz-content-sha256")
        default:
            guard text.utf8.allSatisfy(Hexadecimal.isLowerCaseDigit), let digest = SHA256Digest(hexadecimal: text) else {
                throw .invalidArgument(
                    "x-amz-content-sha256 must be UNSIGNED-PAYLOAD, STREAMING-UNSIGNED-PAYLOAD-TRAILER, "
                        + "STREAMING-AWS4-HMAC-SHA256-PAYLOAD, STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER, "
                        + "STREAMING-AWS4-ECDSA-P256-SHA256-PAYLOAD, STREAMING-AWS4-ECDSA-P256-SHA256-PAYLOAD-TRAILER "
                        + "or a valid sha256 value.",
                    name: "x-amz-content-sha256", value: text)
            }
            self = .hashed(digest)
        }
    }
}

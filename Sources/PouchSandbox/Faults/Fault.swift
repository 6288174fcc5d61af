import PouchKit

/// Something that goes wrong on purpose, for tests: which requests it hits, and what happens to them.
package struct Fault: Sendable, Codable {
    package struct Match: Sendable, Codable {
        /// `CopyObject`, `AssumeRole`, `Decrypt`; none: every action.
        package var action: String?
        package var bucket: String?
        package var keyPrefix: String?
        /// The role or user that calls.
        package var caller: String?
        /// The first request that is hit, counted from 1 among those that match.
        package var nth: Int?
        /// How many are hit from there on; 0: all. One, if left out.
        package var times: Int?
    }

    package enum Kind: String, Sendable, Codable {
        /// A refusal with `code`, `status` and `message`.
        case error
        /// 503 SlowDown.
        case slowDown = "slow-down"
        /// The connection is closed without an answer.
        case reset
        /// Nothing happens for `seconds`.
        case stall
        /// The answer ends after `bytes` of its body, though more were announced.
        case truncate
        /// 200, and in the body an error with `code`: what S3 does when a copy fails late.
        case errorInSuccess = "error-in-200"
        /// KMS says that the key is disabled.
        case keyDisabled = "key-disabled"
        /// The object is stored as asked, and the answer claims another encryption (`key`, or AES256 without one).
        case wrongEncryption = "wrong-encryption"
        /// The object is stored without encryption, with 200.
        case plaintext
        /// The answer carries another checksum than the right one.
        case wrongChecksum = "wrong-checksum"
    }

    package struct Deed: Sendable, Codable {
        package var kind: Kind
        /// Whether what was asked is done all the same, before things go wrong.
        package var afterEffect: Bool?
        package var code: String?
        package var status: Int?
        package var message: String?
        package var seconds: Double?
        package var bytes: Int?
        package var key: String?
    }

    package var match: Match
    package var `do`: Deed
}

/// What a fault does to the request at hand; mostly nothing.
package struct FaultEffect: Sendable {
    package let deed: Fault.Deed?

    package static let none = FaultEffect(deed: nil)

    package var storesPlaintext: Bool { deed?.kind == .plaintext }
    package var disablesKeys: Bool { deed?.kind == .keyDisabled }

    package var isBeforeEffect: Bool { deed.map { !($0.afterEffect ?? false) } ?? false }

    /// - Throws: `Refusal`, or `ConnectionReset`.
    package func strike() async throws {
        guard let deed else { return }
        switch deed.kind {
        case .error: throw Refusal(deed.code ?? "InternalError", deed.status ?? 500, deed.message ?? "made to fail")
        case .slowDown: throw Refusal("SlowDown", 503, "Please reduce your request rate.")
        case .reset: throw ConnectionReset()
        case .stall: try await Task.sleep(for: .seconds(deed.seconds ?? 1))
        case .errorInSuccess:
            throw Refusal(deed.code ?? "InternalError", 200, deed.message ?? "We encountered an internal error. Please try again.")
        case .truncate, .keyDisabled, .wrongEncryption, .plaintext, .wrongChecksum: break
        }
    }

    /// What the fault makes of an answer.
    package func distort(_ reply: inout Reply) {
        guard let deed else { return }
        switch deed.kind {
        case .wrongEncryption:
            let header = "x-amz-server-side-encryption"
            reply.replace(header, with: deed.key == nil ? "AES256" : "aws:kms")
            reply.replace(header + "-aws-kms-key-id", with: deed.key)
        case .wrongChecksum:
            for algorithm in ChecksumAlgorithm.allCases where reply[algorithm.header] != nil {
                reply.replace(algorithm.header, with: Base64.text(of: Array(repeating: 0, count: algorithm.byteCount)))
            }
        case .truncate: reply.truncation = deed.bytes ?? 0
        default: break
        }
    }
}

/// The connection is to be closed without another byte.
package struct ConnectionReset: Error {}

import PouchCrypto
package import PouchKit

/// Takes `aws-chunked` bodies apart: `<size in hexadecimal>[;chunk-signature=…]\r\n<bytes>\r\n`, a last chunk of size 0, then
/// trailer lines where they were announced, then an empty line.
package struct ChunkedPayloadDecoder: ~Copyable {
    private enum Phase {
        case chunkHead
        case chunkBody(remaining: Int64)
        case chunkEnd
        case trailer
        case finished
    }

    /// Longer lines than any signature or checksum needs are refused.
    private static let longestLine = 4_096

    private var phase = Phase.chunkHead
    private var line: [UInt8] = []
    private let hasTrailer: Bool
    private var chain: ChunkSignatureChain?
    private var pendingSignature: String?
    package private(set) var trailers: [(name: String, value: String)] = []

    package init(hasTrailer: Bool, chain: consuming ChunkSignatureChain?) {
        self.hasTrailer = hasTrailer
        self.chain = chain
    }

    package var isFinished: Bool { if case .finished = phase { true } else { false } }

    /// - Parameter emit: Takes the payload's bytes, in order.
    /// - Throws: `Refusal` when the body is not well-formed or a chunk's signature does not match, and what `emit` throws.
    package mutating func decode(
        _ bytes: UnsafeRawBufferPointer,
        emit: (UnsafeRawBufferPointer) throws(Refusal) -> Void
    ) throws(Refusal) {
        var index = 0
        while index < bytes.count {
            switch phase {
            case .chunkHead:
                if let line = try takeLine(bytes, &index) { try beginChunk(line) }
            case .chunkBody(let remaining):
                let count = Int(min(remaining, Int64(bytes.count - index)))
                let slice = UnsafeRawBufferPointer(rebasing: bytes[index..<index + count])
                chain?.update(slice)
                try emit(slice)
                index += count
                phase = remaining > Int64(count) ? .chunkBody(remaining: remaining - Int64(count)) : .chunkEnd
            case .chunkEnd:
                guard let line = try takeLine(bytes, &index) else { continue }
                guard line.isEmpty else { throw Self.malformed }
                try endChunk()
                phase = .chunkHead
            case .trailer:
                guard let line = try takeLine(bytes, &index) else { continue }
                if line.isEmpty {
                    try chain?.verifyTrailer(trailers)
                    phase = .finished
                } else {
                    try addTrailer(line)
                }
            case .finished:
                throw Self.malformed
            }
        }
    }

    private mutating func beginChunk(_ text: String) throws(Refusal) {
        let parts = text.split(separator: ";", maxSplits: 1, omittingEmptySubsequences: false)
        guard let size = Int64(parts[0], radix: 16), size >= 0 else { throw Self.malformed }
        if chain != nil {
            let name = "chunk-signature="
            guard parts.count == 2, parts[1].hasPrefix(name) else { throw Self.malformed }
            pendingSignature = String(parts[1].dropFirst(name.count))
        } else {
            guard parts.count == 1 else { throw Self.malformed }
        }
        guard size == 0 else {
            phase = .chunkBody(remaining: size)
            return
        }
        try endChunk()
        // Without announced trailers the empty line follows all the same, as the end of the last chunk.
        phase = .trailer
    }

    private mutating func endChunk() throws(Refusal) {
        guard let signature = pendingSignature else { return }
        try chain?.verifyChunk(signature)
        pendingSignature = nil
    }

    private mutating func addTrailer(_ text: String) throws(Refusal) {
        guard hasTrailer, let colon = text.utf8.firstIndex(of: UInt8(ascii: ":")), trailers.count < 16 else { throw Self.malformed }
        let name = text[..<colon].lowercased()
        let value = String(text[text.utf8.index(after: colon)...])
        trailers.append((name, value.split(separator: " ", omittingEmptySubsequences: true).joined(separator: " ")))
    }

    /// The next line, or `nil` when the bytes end before it does.
    private mutating func takeLine(_ bytes: UnsafeRawBufferPointer, _ index: inout Int) throws(Refusal) -> String? {
        while index < bytes.count {
            let byte = bytes[index]
            index += 1
            if byte == UInt8(ascii: "\n") {
                // boto3 ends the trailer's line with CRLF, other clients with LF alone.
                if line.last == UInt8(ascii: "\r") { line.removeLast() }
                defer { line.removeAll(keepingCapacity: true) }
                guard let text = String(validating: line, as: UTF8.self) else { throw Self.malformed }
                return text
            }
            guard line.count < Self.longestLine else { throw Self.malformed }
            line.append(byte)
        }
        return nil
    }

    static let malformed = Refusal("IncompleteBody", 400, "The request body terminated unexpectedly")
}

/// The signatures of the chunks of one body, each of which covers the one before.
package struct ChunkSignatureChain: ~Copyable {
    private let verifier: SignatureVerifier
    private let secret: Secret
    private let claim: SignatureClaim
    private var previous: String
    private var hasher = SHA256Hasher()

    package init(verifier: SignatureVerifier, secret: Secret, claim: SignatureClaim) {
        self.verifier = verifier
        self.secret = secret
        self.claim = claim
        previous = claim.signature
    }

    mutating func update(_ bytes: UnsafeRawBufferPointer) { hasher.update(bytes) }

    mutating func verifyChunk(_ signature: String) throws(Refusal) {
        let empty = SHA256Hasher.digest(of: "").description
        try verify(
            signature,
            of: [
                "AWS4-HMAC-SHA256-PAYLOAD", claim.timeText, claim.scope.description, previous, empty,
                hasher.finish().description,
            ])
        previous = signature
    }

    mutating func verifyTrailer(_ trailers: [(name: String, value: String)]) throws(Refusal) {
        let signatureName = "x-amz-trailer-signature"
        let signed = trailers.filter { $0.name != signatureName }
        let signature = trailers.first { $0.name == signatureName }?.value
        // Without trailers there is nothing to sign.
        guard !signed.isEmpty || signature != nil else { return }
        let text = signed.map { "\($0.name):\($0.value)\n" }.joined()
        try verify(
            signature ?? "",
            of: [
                "AWS4-HMAC-SHA256-TRAILER", claim.timeText, claim.scope.description, previous,
                SHA256Hasher.digest(of: text).description,
            ])
    }

    private func verify(_ signature: String, of lines: [String]) throws(Refusal) {
        let expected = verifier.signature(of: lines.joined(separator: "\n"), secret: secret, scope: claim.scope)
        guard ConstantTime.isEqual(expected, signature) else {
            throw Refusal(
                "SignatureDoesNotMatch", 403,
                "The request signature we calculated does not match the signature you provided. "
                    + "Check your key and signing method.")
        }
    }
}

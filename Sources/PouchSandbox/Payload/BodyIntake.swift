import PouchCrypto
import PouchFiles
import PouchKit
import Synchronization

/// What arrived, after everything that was promised about it held.
package struct ReceivedBody: Sendable {
    package let body: StoredBody
    /// Hexadecimal; there when it was asked for.
    package let md5: String?
    package let checksum: ObjectChecksum
    /// The bytes themselves, for the small documents that were not to be stored.
    package let bytes: [UInt8]
}

/// Takes a body in: undoes its chunks, hashes it, writes it to a file or keeps it, and holds it against what was promised.
///
/// Used by one request at a time, from whichever thread; the lock is never contended.
final class BodyIntake: Sendable {
    enum Place: Sendable {
        case store(BodyFiles)
        /// For documents: how long they may be.
        case memory(limit: Int)
    }

    private struct State: ~Copyable {
        var decoder: ChunkedPayloadDecoder?
        var sentHash: SHA256Hasher?
        var md5: MessageDigest?
        var checksum: ChecksumHasher
        var crc64nvme = CRC64NVMEHasher()
        var length: Int64 = 0
        var file: (name: String, file: SharedFile)?
        var bytes: [UInt8] = []
    }

    private let expectation: PayloadExpectation
    private let algorithm: ChecksumAlgorithm
    private let place: Place
    private let state: Mutex<State>

    /// - Parameters:
    ///   - needsMD5: For the ETag of what is not encrypted under a KMS key.
    ///   - algorithm: Of the checksum that is kept: the client's, or CRC64NVME.
    init(
        _ expectation: PayloadExpectation,
        place: Place,
        needsMD5: Bool,
        algorithm: ChecksumAlgorithm,
        chain: consuming sending ChunkSignatureChain?
    ) {
        self.expectation = expectation
        self.algorithm = algorithm
        self.place = place
        var sentHash: SHA256Hasher?
        if case .hashed = expectation.mode { sentHash = SHA256Hasher() }
        var decoder: ChunkedPayloadDecoder?
        if case .chunked(_, let hasTrailer) = expectation.mode {
            decoder = ChunkedPayloadDecoder(hasTrailer: hasTrailer, chain: chain)
        }
        let md5 = needsMD5 || expectation.contentMD5 != nil ? MessageDigest(.md5) : nil
        state = Mutex(State(decoder: decoder, sentHash: sentHash, md5: md5, checksum: ChecksumHasher(algorithm)))
    }

    /// Reads the body to its end.
    ///
    /// - Throws: `Refusal` for what does not hold; other errors when the connection broke. The file is gone then.
    func receive(_ body: IncomingBody) async throws -> ReceivedBody {
        do {
            try await body.forEachBlock { block in
                try await onBlockingThread { () throws(Refusal) in try self.take(block) }
            }
            return try finish()
        } catch {
            if case .store(let files) = place, let file = state.withLock({ $0.file }) { files.remove(file.name) }
            throw error
        }
    }

    private func take(_ block: [UInt8]) throws(Refusal) {
        let outcome = state.withLock { state in
            block.withUnsafeBytes { bytes in
                Result { () throws(Refusal) in
                    state.sentHash?.update(bytes)
                    guard var decoder = state.decoder.take() else { return try keep(bytes, in: &state) }
                    var failure: Refusal?
                    do throws(Refusal) {
                        try decoder.decode(bytes) { slice throws(Refusal) in try keep(slice, in: &state) }
                    } catch {
                        failure = error
                    }
                    state.decoder = consume decoder
                    if let failure { throw failure }
                }
            }
        }
        try outcome.get()
    }

    private func keep(_ bytes: UnsafeRawBufferPointer, in state: inout State) throws(Refusal) {
        guard bytes.count > 0 else { return }
        state.length += Int64(bytes.count)
        guard state.length <= expectation.length else { throw ChunkedPayloadDecoder.malformed }
        state.md5?.update(bytes)
        state.checksum.update(bytes)
        switch place {
        case .memory(let limit):
            guard state.length <= limit else {
                throw Refusal("MaxMessageLengthExceeded", 400, "Your request was too big.")
            }
            state.bytes.append(contentsOf: bytes)
        case .store(let files):
            if algorithm != .crc64nvme { state.crc64nvme.update(bytes) }
            do {
                let file = try state.file ?? files.create()
                state.file = file
                try file.file.file.write(bytes)
            } catch {
                throw .internalError("\(error)")
            }
        }
    }

    private func finish() throws(Refusal) -> ReceivedBody {
        let outcome = state.withLock { state in Result { () throws(Refusal) in try finish(&state) } }
        return try outcome.get()
    }

    private func finish(_ state: inout State) throws(Refusal) -> ReceivedBody {
        guard state.length == expectation.length, state.decoder?.isFinished ?? true else {
            throw ChunkedPayloadDecoder.malformed
        }
        if case .hashed(let promised) = expectation.mode, let found = state.sentHash?.finish(), found != promised {
            throw Refusal(
                "XAmzContentSHA256Mismatch", 400,
                "The provided 'x-amz-content-sha256' header does not match what was computed.",
                details: [("ClientComputedContentSHA256", "\(promised)"), ("S3ComputedContentSHA256", "\(found)")])
        }
        let md5 = state.md5?.finish()
        if let promised = expectation.contentMD5, let md5, promised != md5 {
            throw Refusal(
                "BadDigest", 400, "The Content-MD5 you specified did not match what we received.",
                details: [("ExpectedDigest", Base64.text(of: promised)), ("CalculatedDigest", Base64.text(of: md5))])
        }
        let found = state.checksum.finish()
        try check(found, trailers: state.decoder?.trailers ?? [])
        return ReceivedBody(
            body: body(of: state, checksum: found), md5: md5.map { Hexadecimal.text(of: $0) },
            checksum: ObjectChecksum(algorithm: algorithm, kind: .fullObject, value: Base64.text(of: found)),
            bytes: state.bytes)
    }

    private func body(of state: borrowing State, checksum: [UInt8]) -> StoredBody {
        guard let file = state.file else { return StoredBody(extents: []) }
        let crc = algorithm == .crc64nvme ? CRC64NVME(checksum.reduce(0) { $0 << 8 | UInt64($1) }) : state.crc64nvme.value
        return StoredBody(extents: [Extent(file: file.name, offset: 0, length: state.length, crc64nvme: crc)])
    }

    private func check(_ found: [UInt8], trailers: [(name: String, value: String)]) throws(Refusal) {
        let promised: [UInt8]
        switch expectation.checksum {
        case .none: return
        case .header(_, let bytes): promised = bytes
        case .trailer(let algorithm):
            guard let text = trailers.first(where: { $0.name == algorithm.header })?.value else {
                throw Refusal(
                    "MalformedTrailerError", 400,
                    "The request contained trailing data that was not well-formed or did "
                        + "not conform to our published schema.")
            }
            guard let bytes = Base64.bytes(of: text), bytes.count == algorithm.byteCount else {
                throw .invalidRequest("Value for \(algorithm.header) trailing header is invalid.")
            }
            promised = bytes
        }
        guard promised == found else {
            throw Refusal("BadDigest", 400, "The \(algorithm.rawValue) you specified did not match the calculated checksum.")
        }
    }
}

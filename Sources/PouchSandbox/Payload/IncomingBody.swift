package import Hummingbird

/// The bytes of a request's body, as they come.
package struct IncomingBody: Sendable {
    private let chunks: RequestBody

    package init(_ chunks: RequestBody) { self.chunks = chunks }

    package init(bytes: [UInt8]) { chunks = RequestBody(buffer: ByteBuffer(bytes: bytes)) }

    /// Gives the body in blocks of at most about a megabyte: few enough that handing each to another thread costs nothing.
    package func forEachBlock(_ take: ([UInt8]) async throws -> Void) async throws {
        let size = 1 << 20
        var block: [UInt8] = []
        for try await buffer in chunks {
            if block.isEmpty { block.reserveCapacity(size) }
            buffer.withUnsafeReadableBytes { block.append(contentsOf: $0) }
            if block.count >= size {
                try await take(block)
                block = []
            }
        }
        if !block.isEmpty { try await take(block) }
    }
}

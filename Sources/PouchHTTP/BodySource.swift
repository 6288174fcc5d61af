import Glibc

/// Where the next byte of a request's body comes from.
struct BodySource {
    enum Piece {
        case bytes(Int)
        /// Why the file is not what the request said.
        case unreadable(String)
    }

    let count: Int64
    private let body: HTTPBody
    private var position: Int64 = 0

    init(_ body: HTTPBody) {
        self.body = body
        count = body.count
    }

    /// Bytes that are still to come.
    var rest: Int64 { count - position }

    /// Fills the buffer as far as it can; 0 bytes at the end of the body.
    mutating func read(into buffer: UnsafeMutableRawBufferPointer) -> Piece {
        let wanted = Int(min(Int64(buffer.count), rest))
        guard wanted > 0 else { return .bytes(0) }
        switch body {
        case .none: return .bytes(0)
        case .bytes(let bytes):
            bytes.withUnsafeBytes {
                buffer.copyMemory(from: UnsafeRawBufferPointer(rebasing: $0[Int(position)..<Int(position) + wanted]))
            }
            position += Int64(wanted)
            return .bytes(wanted)
        case .file(let descriptor, let offset, _):
            return read(descriptor, at: offset + position, into: UnsafeMutableRawBufferPointer(rebasing: buffer[..<wanted]))
        }
    }

    /// False for a position outside of the body.
    mutating func seek(to position: Int64) -> Bool {
        guard (0...count).contains(position) else { return false }
        self.position = position
        return true
    }

    private mutating func read(_ descriptor: Int32, at offset: Int64, into buffer: UnsafeMutableRawBufferPointer) -> Piece {
        while true {
            let read = pread(descriptor, buffer.baseAddress, buffer.count, off_t(offset))
            if read > 0 {
                position += Int64(read)
                return .bytes(read)
            }
            if read == 0 {
                return .unreadable("the file ends at byte \(offset): it shrank, \(count - position) bytes are missing")
            }
            let error = errno
            guard error == EINTR else {
                return .unreadable("reading the file at byte \(offset) failed: \(String(cString: strerror(error)))")
            }
        }
    }
}

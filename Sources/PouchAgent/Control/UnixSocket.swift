import Glibc
import PouchKit

/// What went wrong with a local socket.
package struct SocketProblem: Error, Hashable, Sendable, CustomStringConvertible {
    package let attempt: String
    package let errorNumber: Int32

    package var description: String { "could not \(attempt): \(String(cString: strerror(errorNumber)))" }

    /// Nobody listens there.
    package var isAbsent: Bool { errorNumber == ENOENT || errorNumber == ECONNREFUSED }
}

/// One end of a stream socket on this machine. Blocking: use it on a blocking thread.
package final class UnixSocket: Sendable {
    let descriptor: Int32

    init(owning descriptor: Int32) { self.descriptor = descriptor }

    deinit { close(descriptor) }

    /// The longest request, bytes.
    package static let longestRequest = 64 * 1_024
    /// The longest answer: a status names up to two hundred deliveries, each with its cause in the far end's words.
    package static let longestAnswer = 16 * 1_024 * 1_024

    /// Listens on `name` in the folder, readable and writable for the owner alone. A socket file left by a dead agent is replaced.
    ///
    /// A socket's path has room for 107 bytes only; going through the folder's descriptor makes any state folder short enough.
    package static func listen(in folder: String, name: String) throws(SocketProblem) -> UnixSocket {
        try withAddress(in: folder, name: name, attempt: "listen on \(folder)/\(name)") { address, length throws(SocketProblem) in
            let socket = UnixSocket(owning: try checked(Glibc.socket(AF_UNIX, streamType, 0), "make a socket"))
            unlink("\(folder)/\(name)")
            // Linux gives the socket's file the mode of the socket. Not by umask: that is of the whole process, and folders that other
            // threads make meanwhile could not be entered.
            _ = try checked(fchmod(socket.descriptor, 0o600), "keep others from \(folder)/\(name)")
            _ = try checked(bind(socket.descriptor, address, length), "bind \(folder)/\(name)")
            _ = try checked(Glibc.listen(socket.descriptor, 16), "listen on \(folder)/\(name)")
            return socket
        }
    }

    package static func connect(in folder: String, name: String) throws(SocketProblem) -> UnixSocket {
        try withAddress(in: folder, name: name, attempt: "reach the agent at \(folder)/\(name)") {
            address, length throws(SocketProblem) in
            let socket = UnixSocket(owning: try checked(Glibc.socket(AF_UNIX, streamType, 0), "make a socket"))
            _ = try checked(Glibc.connect(socket.descriptor, address, length), "reach the agent at \(folder)/\(name)")
            return socket
        }
    }

    /// - Returns: `nil` when nobody came within the time.
    package func accept(withinMilliseconds timeout: Int32) throws(SocketProblem) -> UnixSocket? {
        var waiting = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
        let ready = poll(&waiting, 1, timeout)
        guard ready != 0 else { return nil }
        guard ready > 0 else {
            if errno == EINTR { return nil }
            throw SocketProblem(attempt: "wait for a caller", errorNumber: errno)
        }
        let caller = Glibc.accept(descriptor, nil, nil)
        guard caller >= 0 else {
            switch errno {
            // The caller went away again.
            case EINTR, ECONNABORTED, EAGAIN: return nil
            case EMFILE, ENFILE, ENOBUFS, ENOMEM:
                // The caller waits on, and would be told of again at once.
                poll(nil, 0, timeout)
                return nil
            default: break
            }
            throw SocketProblem(attempt: "accept a caller", errorNumber: errno)
        }
        _ = fcntl(caller, F_SETFD, FD_CLOEXEC)
        return UnixSocket(owning: caller)
    }

    /// Gives up reading and writing after this many seconds without a byte.
    package func limitWaiting(toSeconds seconds: Int) {
        var limit = timeval(tv_sec: seconds, tv_usec: 0)
        setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &limit, socklen_t(MemoryLayout<timeval>.size))
        setsockopt(descriptor, SOL_SOCKET, SO_SNDTIMEO, &limit, socklen_t(MemoryLayout<timeval>.size))
    }

    /// The user behind the other end, as the kernel knows it. `struct ucred` is pid, uid, gid: three 32-bit numbers.
    package func peerUser() -> UInt32? {
        var credentials: (Int32, UInt32, UInt32) = (0, .max, .max)
        var size = socklen_t(12)
        guard getsockopt(descriptor, SOL_SOCKET, SO_PEERCRED, &credentials, &size) == 0, size == 12 else { return nil }
        return credentials.1
    }

    /// - Returns: the next line without its end; `nil` when the other side is done.
    /// - Throws: `SocketProblem` with EMSGSIZE when the line is longer than the limit, EAGAIN when nothing came in time.
    package func readLine(_ buffer: inout [UInt8], atMost limit: Int) throws(SocketProblem) -> [UInt8]? {
        var chunk = [UInt8](repeating: 0, count: 16_384)
        var looked = 0
        while true {
            if let end = buffer[looked...].firstIndex(of: UInt8(ascii: "\n")) {
                let line = Array(buffer[..<end])
                buffer.removeFirst(end + 1)
                return line
            }
            looked = buffer.count
            guard looked <= limit else { throw SocketProblem(attempt: "read a line", errorNumber: EMSGSIZE) }
            let count = recv(descriptor, &chunk, chunk.count, 0)
            if count > 0 {
                buffer += chunk[..<count]
            } else if count == 0 {
                return nil
            } else if errno != EINTR {
                throw SocketProblem(attempt: "read a line", errorNumber: errno)
            }
        }
    }

    package func write(line: [UInt8]) throws(SocketProblem) {
        var rest = (line + [UInt8(ascii: "\n")])[...]
        while !rest.isEmpty {
            let count = rest.withUnsafeBytes { send(descriptor, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL)) }
            if count >= 0 {
                rest = rest.dropFirst(count)
            } else if errno != EINTR {
                throw SocketProblem(attempt: "write a line", errorNumber: errno)
            }
        }
    }

    private static var streamType: Int32 { Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue) }

    private static func checked(_ result: Int32, _ attempt: String) throws(SocketProblem) -> Int32 {
        guard result >= 0 else { throw SocketProblem(attempt: attempt, errorNumber: errno) }
        return result
    }

    private static func withAddress<Result>(
        in folder: String,
        name: String,
        attempt: String,
        _ body: (UnsafePointer<sockaddr>, socklen_t) throws(SocketProblem) -> Result
    ) throws(SocketProblem) -> Result {
        let handle = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard handle >= 0 else { throw SocketProblem(attempt: attempt, errorNumber: errno) }
        defer { close(handle) }
        let path = Array("/proc/self/fd/\(handle)/\(name)".utf8)
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: path) }
        let storage = UnsafeMutablePointer<sockaddr_un>.allocate(capacity: 1)
        defer { storage.deallocate() }
        storage.initialize(to: address)
        return try body(UnsafeRawPointer(storage).assumingMemoryBound(to: sockaddr.self), socklen_t(MemoryLayout<sockaddr_un>.size))
    }
}

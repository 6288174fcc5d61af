import Glibc

/// The way to whoever supervises this process: a datagram socket on this machine, as in sd_notify(3).
///
/// It stays open, so that no shortage of descriptors silences an agent that lives. Blocking, for seconds at most.
package struct SupervisorSocket: ~Copyable, Sendable {
    private static let patience = timeval(tv_sec: 5, tv_usec: 0)

    private let descriptor: Int32
    private let address: sockaddr_un
    private let length: socklen_t

    /// - Parameter name: an absolute path, or `@` and an abstract name.
    /// - Throws: `SocketProblem`; with EAFNOSUPPORT when the name is neither (`vsock:` of a virtual machine's manager), with ENAMETOOLONG when it
    ///   is too long for an address.
    package init(_ name: String) throws(SocketProblem) {
        let attempt = "reach the supervisor at \(name)"
        var bytes = Array(name.utf8)
        guard let first = bytes.first, first == UInt8(ascii: "/") || first == UInt8(ascii: "@"), bytes.count > 1 else {
            throw SocketProblem(attempt: attempt, errorNumber: EAFNOSUPPORT)
        }
        // The kernel's own way to write an abstract name; its length counts, and no zero ends it.
        let isAbstract = first == UInt8(ascii: "@")
        if isAbstract { bytes[0] = 0 }
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        let room = MemoryLayout.size(ofValue: address.sun_path)
        guard bytes.count < room else { throw SocketProblem(attempt: attempt, errorNumber: ENAMETOOLONG) }
        withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: bytes) }
        let descriptor = socket(AF_UNIX, Int32(SOCK_DGRAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
        guard descriptor >= 0 else { throw SocketProblem(attempt: attempt, errorNumber: errno) }
        var patience = Self.patience
        setsockopt(descriptor, SOL_SOCKET, SO_SNDTIMEO, &patience, socklen_t(MemoryLayout<timeval>.size))
        self.descriptor = descriptor
        self.address = address
        let used = MemoryLayout<sockaddr_un>.size - room + bytes.count
        length = socklen_t(isAbstract ? used : used + 1)
    }

    deinit { close(descriptor) }

    /// - Throws: `SocketProblem` when nobody listens (any more), or takes nothing for seconds.
    package borrowing func send(_ notice: SupervisorNotice) throws(SocketProblem) {
        let bytes = Array(notice.text.utf8)
        let sent = withUnsafePointer(to: address) { address in
            var sent: Int
            repeat {
                sent = sendto(
                    descriptor, bytes, bytes.count, Int32(MSG_NOSIGNAL),
                    UnsafeRawPointer(address).assumingMemoryBound(to: sockaddr.self), length)
            } while sent < 0 && errno == EINTR
            return sent
        }
        guard sent == bytes.count else { throw SocketProblem(attempt: "tell the supervisor", errorNumber: errno) }
    }
}

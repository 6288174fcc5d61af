import Glibc
import PouchFiles

/// The service manager's end of sd_notify(3): a real datagram socket.
package final class NotifySocket: Sendable {
    /// As `NOTIFY_SOCKET` has it.
    package let name: String
    private let descriptor: Int32
    private let listening = BlockingLane(name: "notify-socket")

    /// - Parameter name: an absolute path, or `@` and an abstract name.
    package init(_ name: String) throws(SocketProblem) {
        self.name = name
        descriptor = socket(AF_UNIX, Int32(SOCK_DGRAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
        guard descriptor >= 0 else { throw SocketProblem("socket", errno) }
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        var bytes = Array(name.utf8)
        if bytes.first == UInt8(ascii: "@") { bytes[0] = 0 }
        withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: bytes) }
        let length = socklen_t(MemoryLayout<sa_family_t>.size + bytes.count)
        let bound = withUnsafePointer(to: address) {
            bind(descriptor, UnsafeRawPointer($0).assumingMemoryBound(to: sockaddr.self), length)
        }
        guard bound == 0 else { throw SocketProblem("bind", errno) }
    }

    deinit { close(descriptor) }

    /// The next message, waited for; `nil` when none came for a minute, which no test needs.
    package func next() async -> String? {
        await listening.run { [self] in
            var waiting = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
            return poll(&waiting, 1, 60_000) > 0 ? receive() : nil
        }
    }

    /// What came and was not taken.
    package func rest() async -> [String] {
        await listening.run { [self] in
            var messages: [String] = []
            while let message = receive() { messages.append(message) }
            return messages
        }
    }

    /// The next message that begins so; what comes before it is dropped.
    package func next(beginning prefix: String) async -> String? {
        await messages(upTo: prefix).last.flatMap { $0.hasPrefix(prefix) ? $0 : nil }
    }

    /// All messages up to the first one that begins so.
    package func messages(upTo prefix: String) async -> [String] {
        var messages: [String] = []
        while let message = await next() {
            messages.append(message)
            if message.hasPrefix(prefix) { break }
        }
        return messages
    }

    private func receive() -> String? {
        var bytes = [UInt8](repeating: 0, count: 4_096)
        let count = recv(descriptor, &bytes, bytes.count, Int32(MSG_DONTWAIT))
        return count >= 0 ? String(decoding: bytes[..<count], as: UTF8.self) : nil
    }
}

import Glibc
import Synchronization

/// A TCP server on loopback that does what its script says: one thread and one call of the script per connection. It speaks
/// no protocol by itself, so it can break any.
package final class ScriptedServer: Sendable {
    /// Plays one connection. The connection is closed when it returns or throws.
    package typealias Script = @Sendable (ScriptedConnection) throws(ScriptedConnection.Ended) -> Void

    private struct State {
        var isStopped = false
        var accepted = 0
        /// Open connections by number: `stop` wakes whoever waits in one.
        var descriptors: [Int: Int32] = [:]
    }

    package let port: UInt16
    private let listener: Int32
    private let script: Script
    private let state = Mutex(State())

    /// Listens on a free port of 127.0.0.1 until `stop`.
    package init(_ script: @escaping Script) throws(SocketProblem) {
        self.script = script
        listener = try Loopback.listeningSocket()
        port = try Loopback.port(of: listener)
        // The thread's own reference to the server: `stop` ends it.
        try startThread { [self] in acceptAll() }
    }

    package var url: String { "http://127.0.0.1:\(port)" }

    /// How many connections were accepted so far.
    package var accepted: Int { state.withLock { $0.accepted } }

    /// Closes everything. Call it in a `defer`: without it the server outlives its test.
    package func stop() {
        state.withLock { state in
            guard !state.isStopped else { return }
            state.isStopped = true
            // Wakes the accepting thread, which closes the descriptor.
            shutdown(listener, Int32(SHUT_RDWR))
            for descriptor in state.descriptors.values { shutdown(descriptor, Int32(SHUT_RDWR)) }
        }
    }

    private func acceptAll() {
        while true {
            let descriptor = accept(listener, nil, nil)
            guard descriptor >= 0 else {
                if errno == EINTR || errno == ECONNABORTED { continue }
                break
            }
            let number = state.withLock { state -> Int? in
                guard !state.isStopped else { return nil }
                state.accepted += 1
                state.descriptors[state.accepted] = descriptor
                return state.accepted
            }
            guard let number else {
                close(descriptor)
                break
            }
            do throws(SocketProblem) {
                try startThread { [self] in play(number, descriptor) }
            } catch {
                finish(number, descriptor, byReset: true)
            }
        }
        close(listener)
    }

    private func play(_ number: Int, _ descriptor: Int32) {
        let connection = ScriptedConnection(number: number, descriptor: descriptor)
        do throws(ScriptedConnection.Ended) {
            try script(connection)
        } catch {
            // The other side went away: tests look at its side of the story.
        }
        finish(number, descriptor, byReset: connection.endsWithReset)
    }

    private func finish(_ number: Int, _ descriptor: Int32, byReset: Bool) {
        if byReset {
            var immediately = linger(l_onoff: 1, l_linger: 0)
            setsockopt(descriptor, SOL_SOCKET, SO_LINGER, &immediately, socklen_t(MemoryLayout<linger>.size))
        }
        state.withLock { state in
            // Under the lock: `stop` must not touch a number that was given to somebody else.
            state.descriptors[number] = nil
            close(descriptor)
        }
    }
}

/// What went wrong while a test's socket was set up.
package struct SocketProblem: Error, CustomStringConvertible {
    package let description: String

    package init(_ operation: String, _ code: Int32) { description = "\(operation): \(String(cString: strerror(code)))" }
}

/// Sockets on 127.0.0.1.
package enum Loopback {
    /// A port on which nobody listens: it was free a moment ago.
    package static func unusedPort() throws(SocketProblem) -> UInt16 {
        let descriptor = try listeningSocket()
        defer { close(descriptor) }
        return try port(of: descriptor)
    }

    static func listeningSocket() throws(SocketProblem) -> Int32 {
        let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
        guard descriptor >= 0 else { throw SocketProblem("socket", errno) }
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
        let size = socklen_t(MemoryLayout<sockaddr_in>.size)
        let bound = withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { bind(descriptor, $0, size) }
        }
        guard bound == 0, listen(descriptor, 4_096) == 0 else {
            let code = errno
            close(descriptor)
            throw SocketProblem("bind and listen", code)
        }
        return descriptor
    }

    /// `nil` where nobody listens.
    static func connected(to port: UInt16) -> Int32? {
        let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
        guard descriptor >= 0 else { return nil }
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = port.bigEndian
        address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
        let size = socklen_t(MemoryLayout<sockaddr_in>.size)
        let answer = withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { connect(descriptor, $0, size) }
        }
        if answer == 0 { return descriptor }
        close(descriptor)
        return nil
    }

    static func port(of descriptor: Int32) throws(SocketProblem) -> UInt16 {
        var address = sockaddr_in()
        var size = socklen_t(MemoryLayout<sockaddr_in>.size)
        let result = withUnsafeMutablePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { getsockname(descriptor, $0, &size) }
        }
        guard result == 0 else { throw SocketProblem("getsockname", errno) }
        return UInt16(bigEndian: address.sin_port)
    }
}

/// Runs the work on a detached thread with a small stack.
func startThread(_ work: @escaping @Sendable () -> Void) throws(SocketProblem) {
    final class Work {
        let work: @Sendable () -> Void
        init(_ work: @escaping @Sendable () -> Void) { self.work = work }
    }
    var attributes = pthread_attr_t()
    pthread_attr_init(&attributes)
    defer { pthread_attr_destroy(&attributes) }
    pthread_attr_setstacksize(&attributes, 512 << 10)
    pthread_attr_setdetachstate(&attributes, Int32(PTHREAD_CREATE_DETACHED))
    let context = Unmanaged.passRetained(Work(work))
    var thread = pthread_t()
    let code = pthread_create(
        &thread, &attributes,
        { context in
            if let context { Unmanaged<Work>.fromOpaque(context).takeRetainedValue().work() }
            return nil
        }, context.toOpaque())
    guard code == 0 else {
        context.release()
        throw SocketProblem("pthread_create", code)
    }
}

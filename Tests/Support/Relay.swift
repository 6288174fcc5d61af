import Glibc
import Synchronization

/// A TCP relay on loopback between a client and a server, which can cut, delay and lead elsewhere. It understands nothing of what it
/// carries.
package final class Relay: Sendable {
    package struct Behaviour: Sendable {
        package var target: UInt16
        /// The connection over which the client has sent so many bytes is cut, once; then this is `nil` again.
        package var cutAfter: Int?
        /// Each piece from the server waits so long.
        package var milliseconds: Int32 = 0
        /// Asked before each piece from the server: true cuts the connection in its place, once.
        package var cutsAnswer: (@Sendable () -> Bool)?

        package init(target: UInt16) { self.target = target }
    }

    private struct State {
        var behaviour: Behaviour
        var isStopped = false
        var accepted = 0
        var bytesFromClient = 0
        var descriptors: Set<Int32> = []
    }

    package let port: UInt16
    private let listener: Int32
    private let state: Mutex<State>

    package init(to target: UInt16) throws(SocketProblem) {
        state = Mutex(State(behaviour: Behaviour(target: target)))
        listener = try Loopback.listeningSocket()
        port = try Loopback.port(of: listener)
        // The thread's own reference: `stop` ends it.
        try startThread { [self] in acceptAll() }
    }

    package var accepted: Int { state.withLock { $0.accepted } }

    /// All that clients have sent so far.
    package var bytesFromClient: Int { state.withLock { $0.bytesFromClient } }

    package func change(_ change: (inout Behaviour) -> Void) { state.withLock { change(&$0.behaviour) } }

    /// Cuts all connections that are there.
    package func cutAll() {
        state.withLock { state in
            for descriptor in state.descriptors { shutdown(descriptor, Int32(SHUT_RDWR)) }
        }
    }

    package func stop() {
        state.withLock { state in
            state.isStopped = true
            shutdown(listener, Int32(SHUT_RDWR))
            for descriptor in state.descriptors { shutdown(descriptor, Int32(SHUT_RDWR)) }
        }
    }

    private func acceptAll() {
        while true {
            let client = accept(listener, nil, nil)
            guard client >= 0 else {
                if errno == EINTR || errno == ECONNABORTED { continue }
                break
            }
            guard let server = Loopback.connected(to: state.withLock { $0.behaviour.target }) else {
                close(client)
                continue
            }
            let goesOn = state.withLock { state in
                state.accepted += 1
                state.descriptors.formUnion([client, server])
                return !state.isStopped
            }
            do throws(SocketProblem) {
                if !goesOn { throw SocketProblem("relay", ECANCELED) }
                try startThread { [self] in carry(client, server) }
            } catch {
                finish(client, server)
            }
        }
        close(listener)
    }

    private func carry(_ client: Int32, _ server: Int32) {
        var block = [UInt8](repeating: 0, count: 64 << 10)
        var sent = 0
        while true {
            var polls = [
                pollfd(fd: client, events: Int16(POLLIN), revents: 0), pollfd(fd: server, events: Int16(POLLIN), revents: 0),
            ]
            if poll(&polls, 2, -1) < 0 {
                if errno == EINTR { continue }
                break
            }
            if polls[0].revents != 0 {
                let count = recv(client, &block, block.count, 0)
                guard count > 0, mayPass(count, after: sent), pass(block[..<count], to: server) else { break }
                sent += count
            }
            if polls[1].revents != 0 {
                let count = recv(server, &block, block.count, 0)
                guard count > 0, !cutsAnswer() else { break }
                let pause = state.withLock { $0.behaviour.milliseconds }
                if pause > 0 { usleep(UInt32(pause) * 1_000) }
                guard pass(block[..<count], to: client) else { break }
            }
        }
        finish(client, server)
    }

    private func mayPass(_ count: Int, after sent: Int) -> Bool {
        state.withLock { state in
            state.bytesFromClient += count
            guard let limit = state.behaviour.cutAfter, sent + count >= limit else { return true }
            state.behaviour.cutAfter = nil
            return false
        }
    }

    private func cutsAnswer() -> Bool {
        guard let question = state.withLock({ $0.behaviour.cutsAnswer }), question() else { return false }
        state.withLock { $0.behaviour.cutsAnswer = nil }
        return true
    }

    private func pass(_ bytes: ArraySlice<UInt8>, to descriptor: Int32) -> Bool {
        bytes.withUnsafeBytes { bytes in
            var sent = 0
            while sent < bytes.count {
                let count = send(descriptor, bytes.baseAddress.map { $0 + sent }, bytes.count - sent, Int32(MSG_NOSIGNAL))
                if count < 0, errno == EINTR { continue }
                guard count > 0 else { return false }
                sent += count
            }
            return true
        }
    }

    private func finish(_ client: Int32, _ server: Int32) {
        state.withLock { state in
            // Under the lock: `stop` must not touch numbers that were given to somebody else.
            state.descriptors.subtract([client, server])
            for descriptor in [client, server] {
                // A child may have inherited it: closing alone would not be seen at the other side.
                shutdown(descriptor, Int32(SHUT_RDWR))
                close(descriptor)
            }
        }
    }
}

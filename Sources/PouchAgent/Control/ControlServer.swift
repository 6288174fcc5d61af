import Foundation
import Glibc
package import Logging
import PouchFiles
import PouchKit
import Synchronization

/// Answers what is asked through `<state>/control.sock`: one request a connection, from the agent's own user or root.
package final class ControlServer: Sendable {
    package static let socketName = "control.sock"
    /// Callers at once; more wait in the kernel's queue. Those of `send` stay for as long as their file takes.
    private static let mostCallers = 64

    private let state: String
    private let logger: Logger
    private let answering: any ControlAnswering
    private let accepting = BlockingExecutor(name: "pouch-control", threads: 1)
    private let talking = BlockingExecutor(name: "pouch-talk", threads: 16)
    private let callers = Atomic<Int>(0)
    /// Rung when a caller is gone.
    private let freed = Bell()

    package init(state: String, answering: any ControlAnswering, logger: Logger) {
        self.state = state
        self.answering = answering
        self.logger = logger
    }

    /// Runs until cancelled.
    ///
    /// - Parameter whenOpen: called once: callers are answered from now on, or there is no way to.
    package func run(whenOpen: @Sendable () async -> Void = {}) async {
        let listener: UnixSocket
        do {
            listener = try UnixSocket.listen(in: state, name: Self.socketName)
        } catch {
            logger.error("the control socket cannot be used", metadata: ["state": "\(state)", "cause": "\(error)"])
            return await whenOpen()
        }
        defer { unlink("\(state)/\(Self.socketName)") }
        await whenOpen()
        await serve(listener)
    }

    private func serve(_ listener: UnixSocket) async {
        await withDiscardingTaskGroup { group in
            while !Task.isCancelled {
                do {
                    guard callers.load(ordering: .relaxed) < Self.mostCallers else {
                        await freed.wait()
                        continue
                    }
                    // Short waits, so that cancellation is seen; a fourth of a second is nothing to a person and costs no CPU.
                    let caller = try await accepting.run { () throws(SocketProblem) in try listener.accept(withinMilliseconds: 250)
                    }
                    guard let caller else { continue }
                    callers.add(1, ordering: .relaxed)
                    group.addTask { [self] in
                        await talk(with: caller)
                        callers.subtract(1, ordering: .relaxed)
                        freed.ring()
                    }
                } catch {
                    logger.error("the control socket cannot be used", metadata: ["cause": "\(error)"])
                    return
                }
            }
        }
    }

    private func talk(with caller: UnixSocket) async {
        let user = caller.peerUser()
        guard user == geteuid() || user == 0 else {
            logger.warning("a caller was refused", metadata: ["user": "\(user.map(String.init) ?? "unknown")"])
            await answer(.refused(text: "only the agent's own user and root may ask", hint: nil), to: caller)
            return
        }
        do {
            let line = try await talking.run { () throws(SocketProblem) in
                caller.limitWaiting(toSeconds: 2)
                var buffer: [UInt8] = []
                return try caller.readLine(&buffer, atMost: UnixSocket.longestRequest)
            }
            guard let line else { return }
            guard let request = try? JSONDecoder().decode(ControlRequest.self, from: Data(line)) else {
                await answer(
                    .refused(text: "that is no request of this version", hint: "use the pouch command of the same version"),
                    to: caller)
                return
            }
            let last = await answering.answer(request) { progress in
                await self.answer(progress, to: caller)
            }
            await answer(last, to: caller)
        } catch {
            logger.debug("a caller went away", metadata: ["cause": "\(error)"])
        }
    }

    /// - Returns: false when nobody listens any more.
    @discardableResult
    private func answer(_ answer: ControlAnswer, to caller: UnixSocket) async -> Bool {
        do {
            let line = try Array(JSONEncoder().encode(answer))
            try await talking.run { () throws(SocketProblem) in try caller.write(line: line) }
            return true
        } catch {
            return false
        }
    }
}

/// Who knows the answers.
package protocol ControlAnswering: Sendable {
    /// - Parameter progress: may be called any number of times; false means that nobody listens any more.
    func answer(
        _ request: ControlRequest,
        progress: @escaping @Sendable (ControlAnswer) async -> Bool
    ) async -> ControlAnswer
}

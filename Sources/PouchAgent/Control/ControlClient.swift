import Foundation
import Glibc
import PouchKit

/// Asks a running agent, from a command. Blocking.
package struct ControlClient: Sendable {
    private let state: String

    /// - Parameter state: the absolute path of the state folder.
    package init(state: String) { self.state = state }

    /// Asks and waits for the last answer.
    ///
    /// - Parameter progress: called for each answer before the last.
    /// - Returns: `nil` when no agent runs with this state folder.
    /// - Throws: `SocketProblem` when an agent is there but does not talk.
    package func ask(
        _ request: ControlRequest,
        progress: (ControlAnswer) -> Void = { _ in }
    ) throws(SocketProblem) -> ControlAnswer? {
        let socket: UnixSocket
        do {
            socket = try UnixSocket.connect(in: state, name: ControlServer.socketName)
        } catch {
            if error.isAbsent { return nil }
            throw error
        }
        guard let line = try? Array(JSONEncoder().encode(request)) else {
            throw SocketProblem(attempt: "write the request", errorNumber: EINVAL)
        }
        try socket.write(line: line)
        var buffer: [UInt8] = []
        while let line = try socket.readLine(&buffer, atMost: UnixSocket.longestAnswer) {
            guard let answer = try? JSONDecoder().decode(ControlAnswer.self, from: Data(line)) else {
                throw SocketProblem(attempt: "understand the agent's answer", errorNumber: EPROTO)
            }
            guard case .progress = answer else { return answer }
            progress(answer)
        }
        throw SocketProblem(attempt: "hear the agent's answer", errorNumber: ECONNRESET)
    }
}

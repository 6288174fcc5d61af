import Foundation
import Logging
import PouchKit
import Subprocess
import Synchronization
import SystemPackage

/// Runs the operator's command for every new alert, one after the other.
///
/// The command gets the alert as one JSON object on standard input and its text as the last argument. What it prints is dropped, what it
/// answers is logged; it has half a minute.
final class AlertBell: Sendable {
    private struct State {
        var book = AlertBook()
        var waiting: [Alert] = []
    }

    private let command: [String]
    private let logger: Logger
    private let clock: any AgentClock
    private let bell = Bell()
    private let state = Mutex(State())

    init(command: [String], clock: any AgentClock, logger: Logger) {
        self.command = command
        self.clock = clock
        self.logger = logger
    }

    func raise(_ kind: Alert.Kind, subject: String, code: String, text: String) {
        let alert = Alert(kind: kind, subject: subject, code: code, text: text, time: clock.now)
        let isNew = state.withLock { state in
            guard state.book.isNew(alert) else { return false }
            // Causes are few; a flood of them is one more reason not to run a thousand commands.
            if state.waiting.count < 64 { state.waiting.append(alert) }
            return true
        }
        guard isNew else { return }
        logger.error(
            "somebody must act",
            metadata: ["kind": "\(kind.rawValue)", "subject": "\(subject)", "code": "\(code)", "text": "\(text)"])
        bell.ring()
    }

    func clear(_ kind: Alert.Kind, subject: String) { state.withLock { $0.book.cleared(kind, subject: subject) } }

    func run() async {
        while !Task.isCancelled {
            await tellWaiting()
            await bell.wait()
        }
    }

    /// Tells everything that waits. Called once more at the end, so that a short run tells too.
    func tellWaiting() async {
        while let alert = state.withLock({ $0.waiting.isEmpty ? nil : $0.waiting.removeFirst() }) { await tell(alert) }
    }

    private func tell(_ alert: Alert) async {
        guard let program = command.first else { return }
        do {
            let body = try String(decoding: JSONEncoder().encode(alert), as: UTF8.self)
            let configuration = Configuration(
                executable: program.contains("/") ? .path(FilePath(program)) : .name(program),
                arguments: Arguments(command.dropFirst() + [alert.text])
            )
            switch try await run(configuration, input: body + "\n") {
            case .some(.exited(0)): break
            case .some(let other):
                logger.error("the alert command failed", metadata: ["command": "\(program)", "status": "\(other)"])
            case nil: logger.error("the alert command took longer than 30 seconds", metadata: ["command": "\(program)"])
            }
        } catch {
            logger.error("the alert command could not be run", metadata: ["command": "\(program)", "cause": "\(error)"])
        }
    }

    /// - Returns: `nil` when it took too long; it is ended then.
    private func run(_ configuration: Configuration, input: String) async throws -> TerminationStatus? {
        try await withThrowingTaskGroup(of: TerminationStatus?.self) { group in
            group.addTask {
                try await Subprocess.run(configuration, input: .string(input), output: .discarded, error: .discarded)
                    .terminationStatus
            }
            group.addTask {
                try await self.clock.sleep(for: .seconds(30))
                return nil
            }
            defer { group.cancelAll() }
            for try await first in group { return first }
            return nil
        }
    }
}

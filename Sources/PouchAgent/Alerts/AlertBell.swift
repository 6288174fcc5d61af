import Foundation
package import Logging
package import PouchKit
import Subprocess
import Synchronization
import SystemPackage

/// Runs the operator's command for every new alert, one after the other.
///
/// The command gets the alert as one JSON object on standard input and its text as the last argument. What it prints is dropped, what it
/// answers is logged; it has half a minute.
package final class AlertBell: Sendable {
    private struct State {
        var command: [String]
        var book = AlertBook()
        var waiting: [Alert] = []
        var isTelling = false
    }

    /// How long the command may take.
    static let limit: Duration = .seconds(30)

    private let logger: Logger
    private let clock: any AgentClock
    private let bell = Bell()
    private let state: Mutex<State>

    package init(command: [String], clock: any AgentClock, logger: Logger) {
        state = Mutex(State(command: command))
        self.clock = clock
        self.logger = logger
    }

    /// Whatever is told from now on is told by this one.
    func change(command: [String]) { state.withLock { $0.command = command } }

    package func raise(_ kind: Alert.Kind, subject: String, code: String, text: String) {
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

    package func clear(_ kind: Alert.Kind, subject: String) { state.withLock { $0.book.cleared(kind, subject: subject) } }

    func run() async {
        while !Task.isCancelled {
            await tellWaiting()
            await bell.wait()
        }
    }

    /// Tells everything that waits. Called once more at the end, so that a short run tells too.
    package func tellWaiting() async {
        while let alert = next() { await tell(alert) }
    }

    /// Returns when what is being told now has been told: cancelling `run` ends the command.
    func finishTelling(within limit: Duration) async {
        let end = clock.monotonic + limit
        while state.withLock({ $0.isTelling || !$0.waiting.isEmpty }), clock.monotonic < end {
            do { try await clock.sleep(for: .milliseconds(20)) } catch { return }
        }
    }

    private func next() -> Alert? {
        state.withLock { state in
            let alert = state.waiting.isEmpty ? nil : state.waiting.removeFirst()
            state.isTelling = alert != nil
            return alert
        }
    }

    private func tell(_ alert: Alert) async {
        let command = state.withLock { $0.command }
        guard let program = command.first else { return }
        do {
            let body = try JSONEncoder().encode(alert) + Data("\n".utf8)
            let configuration = Configuration(
                executable: program.contains("/") ? .path(FilePath(program)) : .name(program),
                arguments: Arguments(command.dropFirst() + [alert.text])
            )
            switch try await run(configuration, input: Array(body)) {
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
    private func run(_ configuration: Configuration, input: [UInt8]) async throws -> TerminationStatus? {
        while !Self.hasSpareDescriptors() { try await clock.sleep(for: .seconds(1)) }
        let pipe = try Self.filledPipe(input)
        defer { try? pipe.close() }
        let nowhere = try FileDescriptor.open("/dev/null", .writeOnly, options: .closeOnExec)
        defer { try? nowhere.close() }
        return try await withThrowingTaskGroup(of: TerminationStatus?.self) { group in
            group.addTask {
                try await Subprocess.run(
                    configuration,
                    input: .fileDescriptor(pipe, closeAfterSpawningProcess: false),
                    output: .fileDescriptor(nowhere, closeAfterSpawningProcess: false),
                    error: .fileDescriptor(nowhere, closeAfterSpawningProcess: false)
                ).terminationStatus
            }
            group.addTask {
                try await self.clock.sleep(for: Self.limit)
                return nil
            }
            defer { group.cancelAll() }
            for try await first in group { return first }
            return nil
        }
    }

    /// Whether a command can be run. Subprocess 1.0 ends the whole process when it runs out of descriptors half-way (so none of those
    /// above is its own), and never runs a command again when that happened to its first one: whoever must be told is told later.
    private static func hasSpareDescriptors() -> Bool {
        var spares: [FileDescriptor] = []
        defer { for spare in spares { try? spare.close() } }
        do {
            for _ in 0..<sparesForACommand {
                spares.append(try FileDescriptor.open("/dev/null", .readOnly, options: .closeOnExec))
            }
            return true
        } catch {
            return false
        }
    }

    /// A pipe, the place to drop what it prints, the process itself, the way to hear of its end; and as many again for other threads.
    private static let sparesForACommand = 16

    /// The reading end of a pipe that has all of the input in it.
    ///
    /// Filled before the command starts: Subprocess 1.0 ends the whole process when a command closes its input before that was
    /// written. An `Alert` is short enough for the 64 KiB that a pipe holds.
    private static func filledPipe(_ input: [UInt8]) throws -> FileDescriptor {
        let (reading, writing) = try FileDescriptor.pipe()
        do {
            try writing.closeAfter { _ = try writing.writeAll(input) }
        } catch {
            // The first error is what matters.
            try? reading.close()
            throw error
        }
        return reading
    }
}

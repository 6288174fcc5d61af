import Glibc
import PouchFiles
package import PouchKit

extension RefreshingCredentials {
    private static let longestOutput = 64 << 10

    /// What a program prints, as the shared files' `credential_process` does. No shell is between.
    ///
    /// - Parameters:
    ///   - command: The program and its arguments. Without a slash the program is looked for in `PATH`.
    ///   - environment: What the program gets, all of it.
    ///   - limit: How long it may take.
    package static func process(
        _ command: [String],
        environment: [String: String],
        limit: Duration = .seconds(60),
        clock: any AgentClock
    ) -> RefreshingCredentials {
        let program = command.first ?? ""
        let step = "get credentials from the program \(VisibleText.escaped(program))"
        return RefreshingCredentials(
            explanation: "the program \(program)",
            // Its arguments are not shown: people put passwords there.
            story: { [CredentialStep(.process, "the program \(program)", [("arguments", "\(command.count - 1)")])] },
            clock: clock
        ) { () async throws(CredentialFailure) -> Fresh in
            let child = try self.program(command, environment, step: step)
            let output = try await run(child, step: step, limit: limit, clock: clock)
            guard let document = CredentialDocument.read(output) else {
                throw CredentialFailure(
                    step: step, cause: "what it printed is not JSON with credentials",
                    hint: #"it prints {"Version": 1, "AccessKeyId": …, "SecretAccessKey": …, "SessionToken": …, "Expiration": …}"#)
            }
            guard document.version == 1 else {
                let found = document.version.map { "Version \($0)" } ?? "no Version"
                throw CredentialFailure(step: step, cause: "it printed \(found), and Version 1 is the only one")
            }
            return try document.fresh(step: step, now: clock.now)
        }
    }

    private static func program(
        _ command: [String], _ environment: [String: String], step: String
    ) throws(CredentialFailure) -> ChildProgram {
        // What the program may need is the business of whoever named it: only the descriptors are ours to give.
        let limits = ChildProgram.Limits(memory: .max, processes: .max)
        return ChildProgram(
            path: try path(of: command[0], environment["PATH"] ?? "", step: step), arguments: Array(command.dropFirst()),
            environment: environment, folder: currentFolder, limits: limits)
    }

    /// As a shell finds it. A path that is not absolute begins where we are.
    private static func path(of program: String, _ places: String, step: String) throws(CredentialFailure) -> String {
        if program.contains("/") { return program }
        let candidates = places.split(separator: ":").map { "\($0)/\(program)" }
        guard let found = candidates.first(where: { access($0, X_OK) == 0 }) else {
            throw CredentialFailure(
                step: step, cause: "it is in no folder of PATH (\(VisibleText.escaped(places)))",
                hint: "name it by its absolute path")
        }
        return found
    }

    private static var currentFolder: String {
        guard let path = getcwd(nil, 0) else { return "/" }
        defer { free(path) }
        return String(cString: path)
    }

    private enum Ending: Sendable {
        case ended(ChildEnding, output: [UInt8], complaint: [UInt8])
        case endless
        case late
        case cancelled
    }

    private static func run(
        _ program: ChildProgram,
        step: String,
        limit: Duration,
        clock: any AgentClock
    ) async throws(CredentialFailure) -> [UInt8] {
        let ending: Ending
        do throws(FileProblem) {
            ending = try await end(of: program, limit: limit, clock: clock)
        } catch {
            // A shortage of our own passes, and the program is none the worse for it.
            throw CredentialFailure(
                step: step, cause: "it could not be run: \(error.cause)", isTemporary: error.isExhausted || error.errno == EAGAIN)
        }
        switch ending {
        case .ended(.exited(0), let output, _): return output
        case .ended(let ending, _, let complaint):
            let text = String(decoding: complaint, as: UTF8.self)
            let words = text.split(separator: "\n").last.map { ": " + VisibleText.escaped(String($0.prefix(500))) } ?? ""
            throw CredentialFailure(step: step, cause: "it ended with \(ending)\(words)", isTemporary: true)
        case .endless:
            throw CredentialFailure(step: step, cause: "it printed more than \(longestOutput >> 10) KiB and was ended")
        case .late:
            throw CredentialFailure(
                step: step, cause: "it took longer than \(limit.components.seconds) s and was ended", isTemporary: true)
        case .cancelled: throw CredentialFailure(step: step, cause: "cancelled", isTemporary: true)
        }
    }

    private static func end(
        of program: ChildProgram, limit: Duration, clock: any AgentClock
    ) async throws(FileProblem) -> Ending {
        let (events, receiver) = AsyncStream.makeStream(of: ChildProcess.Event.self)
        let child = try await ChildProcess.start(program, name: "credentials") { event in
            receiver.yield(event)
            if case .ended = event { receiver.finish() }
        }
        // Nothing is said to it; and should our clock stand still, the kernel's does not.
        child.end(within: limit + .seconds(10))
        return await withTaskGroup(of: Ending.self) { group in
            group.addTask { await ending(of: events) }
            group.addTask {
                do { try await clock.sleep(for: limit) } catch { return .cancelled }
                return .late
            }
            let first = await group.next() ?? .cancelled
            group.cancelAll()
            child.kill()
            return first
        }
    }

    private static func ending(of events: AsyncStream<ChildProcess.Event>) async -> Ending {
        var output: [UInt8] = []
        var complaint: [UInt8] = []
        for await event in events {
            switch event {
            case .output(let bytes): output += bytes
            case .errors(let bytes): complaint += bytes
            case .tick: break
            case .ended(let ending): return .ended(ending, output: output, complaint: complaint)
            }
            if output.count > longestOutput || complaint.count > longestOutput { return .endless }
        }
        return .cancelled
    }
}

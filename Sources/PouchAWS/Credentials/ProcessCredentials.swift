package import PouchKit
import Subprocess
import SystemPackage

extension RefreshingCredentials {
    private static let longestOutput = 64 << 10

    /// What a program prints, as the shared files' `credential_process` does. No shell is between.
    ///
    /// - Parameters:
    ///   - command: The program and its arguments. Without a slash the program is looked for in `PATH`.
    ///   - limit: How long it may take.
    package static func process(
        _ command: [String],
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
            let output = try await run(command, step: step, limit: limit, clock: clock)
            guard let document = CredentialDocument.read(Array(output.utf8)) else {
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

    private enum Ending: Sendable {
        case ended(TerminationStatus, output: String, complaint: String)
        case late
    }

    private static func run(
        _ command: [String],
        step: String,
        limit: Duration,
        clock: any AgentClock
    ) async throws(CredentialFailure) -> String {
        let ending: Ending
        do {
            ending = try await end(of: command, limit: limit, clock: clock)
        } catch is CancellationError {
            throw CredentialFailure(step: step, cause: "cancelled", isTemporary: true)
        } catch {
            throw CredentialFailure(step: step, cause: "it could not be run: \(VisibleText.escaped("\(error)"))")
        }
        switch ending {
        case .ended(.exited(0), let output, _): return output
        case .ended(let status, _, let complaint):
            let words = complaint.split(separator: "\n").last.map { ": " + VisibleText.escaped(String($0.prefix(500))) } ?? ""
            throw CredentialFailure(step: step, cause: "it ended with \(status)\(words)", isTemporary: true)
        case .late:
            throw CredentialFailure(
                step: step, cause: "it took longer than \(limit.components.seconds) s and was ended", isTemporary: true)
        }
    }

    private static func end(of command: [String], limit: Duration, clock: any AgentClock) async throws -> Ending {
        let program = command[0]
        let configuration = Configuration(
            executable: program.contains("/") ? .path(FilePath(program)) : .name(program),
            arguments: Arguments(Array(command.dropFirst())))
        return try await withThrowingTaskGroup(of: Ending.self) { group in
            group.addTask {
                let result = try await Subprocess.run(
                    configuration, output: .string(limit: longestOutput), error: .string(limit: longestOutput))
                return .ended(result.terminationStatus, output: result.standardOutput, complaint: result.standardError)
            }
            group.addTask {
                try await clock.sleep(for: limit)
                return .late
            }
            defer { group.cancelAll() }
            guard let first = try await group.next() else { throw CancellationError() }
            return first
        }
    }
}

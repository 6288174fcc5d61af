import Foundation
import Synchronization

/// The built `pouch`, run as a user runs it.
struct PouchProcess: Sendable {
    struct Ending: Sendable {
        let status: Int32
        let wasKilled: Bool
        /// Ended by a signal that nobody sent.
        var hasCrashed = false
        let output: String
        let errors: String
    }

    enum Trouble: Error, CustomStringConvertible {
        case notBuilt(String)
        case unusable(String)
        /// What was done while it ran failed.
        case failed(any Error, status: Int32, errors: String)

        var description: String {
            switch self {
            case .notBuilt(let path): "there is no \(path): swift build makes it"
            case .unusable(let path): "cannot make \(path)"
            case .failed(let error, let status, let errors):
                "\(error); pouch ended with \(status) and wrote: \(errors.suffix(2_000))"
            }
        }
    }

    let folder: URL
    var environment: [String: String] = [:]
    /// How many descriptors it may have open; `nil`: as many as the test.
    var descriptors: Int?

    /// Beside the test bundle, where the build put both.
    static let binary: URL = {
        let products = Bundle.allBundles.map(\.bundleURL).first { $0.pathExtension == "xctest" }?.deletingLastPathComponent()
        return (products ?? URL(fileURLWithPath: CommandLine.arguments[0]).deletingLastPathComponent())
            .appendingPathComponent("pouch")
    }()

    /// Runs to the end.
    ///
    /// - Parameter body: runs beside it; it may kill it. What it throws ends the process.
    func run(_ arguments: String..., beside body: (@Sendable (Running) async throws -> Void)? = nil) async throws -> Ending {
        try await run(arguments, beside: body)
    }

    /// Runs until the body returns, then asks it to end.
    func serve(_ arguments: String..., until body: @escaping @Sendable (Running) async throws -> Void) async throws -> Ending {
        try await run(arguments) { running in
            try await body(running)
            running.terminate()
        }
    }

    func run(_ arguments: [String], beside body: (@Sendable (Running) async throws -> Void)? = nil) async throws -> Ending {
        guard FileManager.default.isExecutableFile(atPath: Self.binary.path) else { throw Trouble.notBuilt(Self.binary.path) }
        let output = try Scribble()
        let errors = try Scribble()
        let process = Process()
        if let descriptors {
            process.executableURL = URL(fileURLWithPath: "/bin/sh")
            process.arguments = ["-c", "ulimit -n \(descriptors) && exec \"$0\" \"$@\"", Self.binary.path] + arguments
        } else {
            process.executableURL = Self.binary
            process.arguments = arguments
        }
        process.currentDirectoryURL = folder
        process.environment = ProcessInfo.processInfo.environment.merging(environment) { _, ours in ours }
        process.standardOutput = output.writing
        process.standardError = errors.writing
        process.standardInput = FileHandle.nullDevice
        let running = Running()
        process.terminationHandler = { _ in running.ended() }
        try process.run()
        running.began(process.processIdentifier)
        let failure: (any Error)? = await withTaskCancellationHandler {
            await withTaskGroup(of: (any Error)?.self) { group in
                if let body {
                    group.addTask {
                        do {
                            try await body(running)
                            return nil
                        } catch {
                            running.kill()
                            return error
                        }
                    }
                }
                await running.untilEnd()
                group.cancelAll()
                return await group.next() ?? nil
            }
        } onCancel: {
            running.kill()
        }
        let status = process.terminationStatus
        if let failure { throw Trouble.failed(failure, status: status, errors: errors.text) }
        let wasEnded = process.terminationReason == .uncaughtSignal
        return Ending(
            status: status, wasKilled: wasEnded && status == SIGKILL, hasCrashed: wasEnded && status != SIGKILL,
            output: output.text, errors: errors.text)
    }
}

/// A file for what a process prints: a pipe that nobody reads would stop it.
private final class Scribble {
    private let path: URL
    let writing: FileHandle

    init() throws {
        path = FileManager.default.temporaryDirectory.appendingPathComponent("pouch-prints-\(UUID().uuidString)")
        guard FileManager.default.createFile(atPath: path.path, contents: nil) else {
            throw PouchProcess.Trouble.unusable(path.path)
        }
        writing = try FileHandle(forWritingTo: path)
    }

    deinit { try? FileManager.default.removeItem(at: path) }

    var text: String { (try? Data(contentsOf: path)).map { String(decoding: $0, as: UTF8.self) } ?? "" }
}

/// A process while it runs.
final class Running: Sendable {
    private struct State {
        var identifier: Int32?
        var isOver = false
        var waiting: [CheckedContinuation<Void, Never>] = []
    }

    private let state = Mutex(State())

    var identifier: Int32 { state.withLock { $0.identifier ?? 0 } }

    var isOver: Bool { state.withLock { $0.isOver } }

    func began(_ identifier: Int32) { state.withLock { $0.identifier = identifier } }

    func ended() {
        let waiting = state.withLock { state in
            state.isOver = true
            defer { state.waiting = [] }
            return state.waiting
        }
        for continuation in waiting { continuation.resume() }
    }

    func untilEnd() async {
        await withCheckedContinuation { continuation in
            let isOver = state.withLock { state in
                if !state.isOver { state.waiting.append(continuation) }
                return state.isOver
            }
            if isOver { continuation.resume() }
        }
    }

    func signal(_ number: Int32) {
        state.withLock { state in
            if let identifier = state.identifier, !state.isOver { _ = Foundation.kill(identifier, number) }
        }
    }

    func kill() { signal(SIGKILL) }

    func terminate() { signal(SIGTERM) }
}

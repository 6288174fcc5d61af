import Foundation
import Synchronization

/// The built `pouch`, run as a user runs it.
struct PouchProcess: Sendable {
    struct Ending: Sendable {
        let status: Int32
        let wasKilled: Bool
        let output: String
        let errors: String
    }

    enum Trouble: Error, CustomStringConvertible {
        case notBuilt(String)

        var description: String {
            switch self {
            case .notBuilt(let path): "there is no \(path): swift build makes it"
            }
        }
    }

    let folder: URL
    var environment: [String: String] = [:]

    /// Beside the test bundle, where the build put both.
    static let binary: URL = {
        let products = Bundle.allBundles.map(\.bundleURL).first { $0.pathExtension == "xctest" }?.deletingLastPathComponent()
        return (products ?? URL(fileURLWithPath: CommandLine.arguments[0]).deletingLastPathComponent())
            .appendingPathComponent("pouch")
    }()

    /// Runs to the end.
    ///
    /// - Parameter started: called with the process once it runs; it may kill it.
    func run(_ arguments: String..., started: (@Sendable (Running) async -> Void)? = nil) async throws -> Ending {
        try await run(arguments, started: started)
    }

    func run(_ arguments: [String], started: (@Sendable (Running) async -> Void)? = nil) async throws -> Ending {
        guard FileManager.default.isExecutableFile(atPath: Self.binary.path) else { throw Trouble.notBuilt(Self.binary.path) }
        let token = UUID().uuidString.prefix(8)
        let output = folder.appendingPathComponent(".out-\(token)")
        let errors = folder.appendingPathComponent(".err-\(token)")
        FileManager.default.createFile(atPath: output.path, contents: nil)
        FileManager.default.createFile(atPath: errors.path, contents: nil)
        defer {
            try? FileManager.default.removeItem(at: output)
            try? FileManager.default.removeItem(at: errors)
        }
        let process = Process()
        process.executableURL = Self.binary
        process.arguments = arguments
        process.currentDirectoryURL = folder
        process.environment = ProcessInfo.processInfo.environment.merging(environment) { _, ours in ours }
        process.standardOutput = try FileHandle(forWritingTo: output)
        process.standardError = try FileHandle(forWritingTo: errors)
        process.standardInput = FileHandle.nullDevice
        let running = Running()
        try await withTaskCancellationHandler {
            try await withThrowingDiscardingTaskGroup { group in
                try await withCheckedThrowingContinuation { (continuation: CheckedContinuation<Void, any Error>) in
                    process.terminationHandler = { _ in running.ended() }
                    do {
                        try process.run()
                        running.began(process.processIdentifier)
                        continuation.resume()
                    } catch {
                        continuation.resume(throwing: error)
                    }
                }
                if let started { group.addTask { await started(running) } }
                await running.untilEnd()
                group.cancelAll()
            }
        } onCancel: {
            running.kill()
        }
        return Ending(
            status: process.terminationStatus,
            wasKilled: process.terminationReason == .uncaughtSignal && process.terminationStatus == SIGKILL,
            output: String(decoding: (try? Data(contentsOf: output)) ?? Data(), as: UTF8.self),
            errors: String(decoding: (try? Data(contentsOf: errors)) ?? Data(), as: UTF8.self)
        )
    }
}

/// A process while it runs.
final class Running: Sendable {
    private struct State {
        var identifier: Int32?
        var isOver = false
        var waiting: [CheckedContinuation<Void, Never>] = []
    }

    private let state = Mutex(State())

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

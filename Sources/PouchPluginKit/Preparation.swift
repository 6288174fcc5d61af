import PouchFiles
import PouchKit
import Synchronization

/// Runs a command to its end, for as long as it takes; what it writes goes nowhere but into the message of its failure.
enum Preparation {
    static func run(
        _ program: String, _ arguments: [String], in folder: String, _ environment: [String: String]
    ) async -> String? {
        let (endings, ending) = AsyncStream.makeStream(of: ChildEnding.self)
        let words = Mutex<[UInt8]>([])
        let child: ChildProcess
        do throws(FileProblem) {
            child = try await ChildProcess.start(
                ChildProgram(
                    path: "/usr/bin/env", arguments: [program] + arguments, environment: environment, folder: folder,
                    limits: ChildProgram.Limits(memory: 8 << 30, processes: 4_096, openFiles: 4_096)), name: "prepare"
            ) { event in
                switch event {
                case .output(let bytes), .errors(let bytes): words.withLock { $0 = ($0 + bytes).suffix(2_000) }
                case .ended(let how):
                    ending.yield(how)
                    ending.finish()
                case .tick: break
                }
            }
        } catch { return "\(error)" }
        for await how in endings where how != .exited(0) {
            return "\(how): " + words.withLock { VisibleText.escaped($0) }
        }
        return withExtendedLifetime(child) { nil }
    }
}

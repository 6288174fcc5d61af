import FoundationEssentials
import PouchKit
import ProcessDestination
import Synchronization

/// What host and plugin said to each other while one promise was looked at.
final class Transcript: Sendable {
    private static let mostLines = 20_000
    private static let longestLine = 4_000

    private struct State {
        var lines: [String] = []
        var errors: [UInt8] = []
        var left = 0
    }

    private let started = ContinuousClock.now
    private let state = Mutex(State())

    func add(_ side: PluginInterference.Side, _ text: String) {
        let passed = Int((ContinuousClock.now - started) / .milliseconds(1))
        state.withLock { state in
            if side == .standardError { state.errors = (state.errors + Array(text.utf8)).suffix(4_096) }
            for line in text.split(whereSeparator: \.isNewline) {
                guard state.lines.count < Self.mostLines else {
                    state.left += 1
                    continue
                }
                state.lines.append("\(passed) ms\t\(side.rawValue)\t\(VisibleText.escaped(String(line.prefix(Self.longestLine))))")
            }
        }
    }

    /// The last lines that the plugin wrote for people.
    var lastErrors: [String] {
        state.withLock { String(decoding: $0.errors, as: UTF8.self) }
            .split(whereSeparator: \.isNewline).suffix(5).map { VisibleText.escaped(String($0)) }
    }

    /// One line each: time, who, what.
    var text: String {
        state.withLock { state in
            state.lines.joined(separator: "\n") + (state.left > 0 ? "\n… and \(state.left) more" : "") + "\n"
        }
    }
}

/// Where what a broken promise left is kept.
struct Keepsakes: Sendable {
    let folder: String

    /// Copies the far end, and writes the conversation beside it.
    ///
    /// - Returns: the folder of this promise.
    /// - Throws: what the file system says.
    func keep(_ id: String, _ transcript: Transcript, farEnd: String) throws -> String {
        let place = folder + "/" + id
        try? FileManager.default.removeItem(atPath: place)
        try FileManager.default.createDirectory(atPath: place, withIntermediateDirectories: true)
        try Data(transcript.text.utf8).write(to: URL(filePath: place + "/conversation.txt"))
        try FileManager.default.copyItem(atPath: farEnd, toPath: place + "/far-end")
        return place
    }
}

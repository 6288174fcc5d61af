import FoundationEssentials
import PouchConformance
import PouchFiles
import PouchKit
import ProcessDestination
import Synchronization

/// A far end for one promise: a new folder, and what serves it where the plugin does not deliver into folders.
///
/// It holds exactly what the partner sees; a file that is half-done begins with a dot and ends in `.part`.
final class FarEnd: Sendable {
    struct Unusable: Error, CustomStringConvertible {
        let description: String
    }

    private static let patience = Duration.seconds(20)

    let place: TemporaryFolder
    private let trial: PluginTrial
    private let server: ChildProcess?
    private let served: [String: SettingValue]

    private init(_ place: TemporaryFolder, _ trial: PluginTrial, _ server: ChildProcess?, _ served: [String: SettingValue]) {
        self.place = place
        self.trial = trial
        self.server = server
        self.served = served
    }

    var folder: String { place.path("target") }

    /// - Throws: `Unusable` when the server of the far end does not become ready.
    static func open(_ plugin: PluginFile) async throws -> FarEnd {
        let trial = plugin.manifest.test ?? PluginTrial()
        let place = try TemporaryFolder("far-end")
        try place.makeFolder("target")
        try place.write("none", to: "fault")
        guard let command = trial.serve, let program = command.first else { return FarEnd(place, trial, nil, [:]) }
        let (lines, line) = AsyncStream.makeStream(of: String.self, bufferingPolicy: .bufferingNewest(8))
        let words = Mutex<[UInt8]>([])
        let server = try await ChildProcess.start(
            ChildProgram(
                path: SettingsPath(program, in: plugin.folder).absolute,
                arguments: Array(command.dropFirst()) + [place.path("target"), place.path("fault")],
                environment: ["PATH": "/usr/local/bin:/usr/bin:/bin"], folder: plugin.folder), name: "far-end"
        ) { event in
            switch event {
            case .output(let bytes): line.yield(String(decoding: bytes, as: UTF8.self))
            case .errors(let bytes): words.withLock { $0 = ($0 + bytes).suffix(2_000) }
            case .ended: line.finish()
            case .tick: break
            }
        }
        let first = try await firstLine(of: lines)
        guard let first, let served = try? JSONDecoder().decode([String: SettingValue].self, from: Data(first.utf8)) else {
            server.kill()
            let said = words.withLock { VisibleText.escaped($0) }
            throw Unusable(
                description: "the far end does not say its settings in one line of JSON; it said: \(first ?? "") \(said)")
        }
        return FarEnd(place, trial, server, served)
    }

    private static func firstLine(of lines: AsyncStream<String>) async throws -> String? {
        try await withThrowingTaskGroup(of: String?.self) { group in
            group.addTask {
                var text = ""
                for await piece in lines {
                    text += piece
                    if let end = text.firstIndex(where: \.isNewline) { return String(text[..<end]) }
                }
                return nil
            }
            group.addTask {
                try await Task.sleep(for: patience)
                return nil
            }
            defer { group.cancelAll() }
            return try await group.next() ?? nil
        }
    }

    /// The settings of a plugin that is to deliver here.
    var settings: [String: SettingValue] {
        let values = ["folder": folder]
        return (trial.settings ?? [:]).mapValues { $0.filled(values) }.merging(served) { _, served in served }
    }

    // MARK: Looking

    func visible() throws -> [DeliveryKey: SeenObject] {
        var seen: [DeliveryKey: SeenObject] = [:]
        for path in try place.files(in: "target") where !Self.isPart(path) && !isHidden(path) {
            guard let text = String(validating: path, as: UTF8.self) else {
                throw Unusable(description: "a name at the far end is not UTF-8: \(VisibleText.escaped(path))")
            }
            seen[try DeliveryKey(text)] = SeenObject(try place.read("target/" + text))
        }
        return seen
    }

    func leftovers() throws -> [String] { try place.files(in: "target").filter(Self.isPart).map { VisibleText.escaped($0) } }

    func occupy(_ key: DeliveryKey, with bytes: [UInt8]) throws { try place.write(bytes, to: "target/\(key)") }

    /// Tells the server what to play.
    func play(_ fault: String) throws { try place.write(fault, to: "fault") }

    /// A file where the folder must be.
    func breakIt() throws {
        let folder = try place.handle()
        try folder.rename(Array("target".utf8), to: folder, as: Array("target-away".utf8))
        try place.write("in the way", to: "target")
    }

    private func isHidden(_ path: [UInt8]) -> Bool {
        (trial.hidden ?? []).contains { path.starts(with: $0.utf8) }
    }

    private static func isPart(_ path: [UInt8]) -> Bool {
        let name = path.split(separator: UInt8(ascii: "/")).last ?? []
        return name.first == UInt8(ascii: ".") && name.suffix(5).elementsEqual(".part".utf8)
    }
}

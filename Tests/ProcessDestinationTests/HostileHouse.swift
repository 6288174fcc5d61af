import Glibc
import PouchConformance
import PouchFiles
import PouchKit
import PouchPluginKit
import ProcessDestination
import Testing

/// A hostile plugin, a folder for it, and a file to deliver.
final class HostileHouse: Sendable {
    static let checkout: String = {
        // This file lies three levels below the checkout.
        "/" + #filePath.split(separator: "/").dropLast(3).joined(separator: "/")
    }()

    static let patience = Patience(start: .seconds(20), cancel: .milliseconds(500), silence: .seconds(60), answer: .seconds(20))

    let folder: TemporaryFolder
    let destination: ProcessDestination
    let file: TestFile
    let key: DeliveryKey

    /// - Parameters:
    ///   - mode: what it does once it has its settings.
    ///   - early: what it does before.
    init(
        _ mode: String = "honest", early: String? = nil, key: String = "file.bin", size: Int = 10_000, secret: String? = nil,
        patience: Patience = HostileHouse.patience,
        clock: any AgentClock = SystemClock(), change: (inout PluginManifest) -> Void = { _ in }
    ) throws {
        folder = try TemporaryFolder("hostile")
        try folder.makeFolder("target")
        let plugin = try PluginFile.read(Self.checkout + "/Tests/HostilePlugins")
        var manifest = plugin.manifest
        change(&manifest)
        var settings = ["folder": SettingValue(text: folder.path("target")), "mode": SettingValue(text: mode)]
        if let secret {
            let file = try folder.write(secret + "\n", to: "secret")
            #expect(chmod(file, 0o600) == 0)
            settings["token"] = SettingValue(secretFile: file)
        }
        let plan = try PluginPlan(
            manifest, in: plugin.folder,
            settings: ProcessSettings(plugin: SettingsPath(plugin.path, in: "/"), settings: settings), relativeTo: "/",
            environment: ["PATH": "/usr/local/bin:/usr/bin:/bin", "POUCH_SECRET_OF_THE_AGENT": "x"].merging(
                early.map { ["POUCH_TEST_MODE": $0] } ?? [:]
            ) { $1 })
        destination = ProcessDestination(plan, patience: patience, clock: clock)
        var generator = SeededGenerator(seed: 7)
        file = try TestFile(generator.bytes(size), in: folder)
        self.key = try DeliveryKey(key)
    }

    /// One attempt: what it ended with, and that it took no longer than a hostile plugin may make it.
    func attempt(_ recorder: RecordingContext? = nil, from checkpoint: Checkpoint? = nil) async -> Result<
        DeliveryOutcome, DeliveryFailure
    > {
        let recorder = recorder ?? RecordingContext(key: key)
        do { return .success(try await destination.deliver(file.outgoing(), from: checkpoint, in: recorder.context)) } catch {
            return .failure(error)
        }
    }

    func failure(_ recorder: RecordingContext? = nil, from checkpoint: Checkpoint? = nil) async throws -> DeliveryFailure {
        switch await attempt(recorder, from: checkpoint) {
        case .success(let outcome):
            Issue.record("it was delivered: \(outcome)")
            throw CancellationError()
        case .failure(let failure): return failure
        }
    }

    func receipt(_ recorder: RecordingContext? = nil, from checkpoint: Checkpoint? = nil) async throws -> Receipt {
        guard case .delivered(let receipt) = try await attempt(recorder, from: checkpoint).get() else { throw CancellationError() }
        return receipt
    }

    var arrived: [UInt8]? { try? folder.read("target/\(key)") }

    /// Processes that the plugin noted.
    func children() throws -> [pid_t] { try folder.text("target/.children.part").split(separator: "\n").compactMap { pid_t($0) } }

    /// Whether it still runs; a zombie does not.
    static func runs(_ number: pid_t) -> Bool {
        guard let status = try? OpenFile.open("/proc/\(number)/stat").readAll(limit: 4_096) else { return false }
        let text = String(decoding: status, as: UTF8.self)
        return text.split(separator: ")").last?.first { $0 != " " } != "Z"
    }
}

import Foundation
import PouchTestSupport

/// The built `pouch` in a folder of its own with a partner on this machine, called as a person calls it.
final class BuiltPouch: Sendable {
    struct Answer: Sendable {
        let code: Int32
        let output: String
        let errors: String
    }

    struct NotBuilt: Error {}

    let folder: TemporaryFolder

    init(partners: String = "{ acme: { deliver: { with: local, path: ./inbox } } }") throws {
        folder = try TemporaryFolder("built")
        try folder.write(
            """
            agent: { name: edge-01, state: ./state }
            partners: \(partners)
            folders: [{ watch: ./drop, then: { archive: ./archive } }]
            routes:
              - { name: reports, to: [acme], when: { path: "reports/{year}/*.csv", size: "< 1 MB" }, as: "{year}/{name}", stop: true }
              - { name: pictures, to: [acme], when: { path: "*.png" } }

            """,
            to: "agent.yaml"
        )
        try folder.makeFolder("drop")
    }

    /// Beside the test bundle, where the build put both.
    private static let binary: URL = {
        let products = Bundle.allBundles.map(\.bundleURL).first { $0.pathExtension == "xctest" }?.deletingLastPathComponent()
        return (products ?? URL(fileURLWithPath: CommandLine.arguments[0]).deletingLastPathComponent())
            .appendingPathComponent("pouch")
    }()

    func callAsFunction(_ arguments: String...) async throws -> Answer {
        guard FileManager.default.isExecutableFile(atPath: Self.binary.path) else { throw NotBuilt() }
        let name = ".said-\(UUID().uuidString)"
        let paths = ["\(name).out", "\(name).err"]
        for path in paths { try folder.write("", to: path) }
        let process = Process()
        process.executableURL = Self.binary
        process.arguments = arguments
        process.currentDirectoryURL = URL(fileURLWithPath: folder.path)
        process.standardInput = FileHandle.nullDevice
        process.standardOutput = FileHandle(forWritingAtPath: folder.path(paths[0]))
        process.standardError = FileHandle(forWritingAtPath: folder.path(paths[1]))
        try await withCheckedThrowingContinuation { (continuation: CheckedContinuation<Void, any Error>) in
            process.terminationHandler = { _ in continuation.resume() }
            do { try process.run() } catch { continuation.resume(throwing: error) }
        }
        return Answer(code: process.terminationStatus, output: try folder.text(paths[0]), errors: try folder.text(paths[1]))
    }
}

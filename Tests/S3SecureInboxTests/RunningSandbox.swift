import PouchKit
import PouchSandbox
import PouchTestSupport

/// A sandbox of one test's own, on any free port.
enum RunningSandbox {
    static func use(_ body: (TwoOrganisations) async throws -> Void) async throws {
        let folder = try TemporaryFolder("sandbox")
        let (ports, ready) = AsyncStream.makeStream(of: Int.self)
        let sandbox = try Sandbox(
            configuration: SandboxConfiguration(
                folder: folder.path, port: 0, scenario: .twoOrganisations, allowsFaults: true, showsArrivals: false),
            ready: { ready.yield($0.tls) })
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask {
                defer { ready.finish() }
                try await sandbox.run()
            }
            for await port in ports {
                try await body(try TwoOrganisations(folder: folder.path, port: port))
                group.cancelAll()
                return
            }
            try await group.waitForAll()
        }
        withExtendedLifetime(folder) {}
    }
}

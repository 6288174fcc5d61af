import PouchKit
import PouchSandbox
import PouchTestSupport
import Testing

/// A sandbox while a test or a suite needs it, on any free port.
enum RunningSandbox {
    static func use(
        _ scenario: SandboxScenario? = nil,
        clock: any AgentClock = SystemClock(),
        _ body: (TwoOrganisations) async throws -> Void
    ) async throws {
        let folder = try TemporaryFolder("sandbox")
        let (ports, ready) = AsyncStream.makeStream(of: Int.self)
        let sandbox = try Sandbox(
            configuration: SandboxConfiguration(
                folder: folder.path, port: 0, scenario: try scenario ?? .twoOrganisations, allowsFaults: true, showsArrivals: false),
            clock: clock,
            ready: { ready.yield($0.tls) })
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask {
                defer { ready.finish() }
                try await sandbox.run()
            }
            for await port in ports {
                try await body(try TwoOrganisations(folder: folder.path, store: sandbox.store, port: port, clock: clock))
                group.cancelAll()
                return
            }
            try await group.waitForAll()
        }
        withExtendedLifetime(folder) {}
    }
}

/// The sandboxes of a whole suite: one whose inbox takes new keys only, as it should, and one whose inbox can be written over.
struct SharedSandboxes: SuiteTrait, TestScoping {
    struct Pair: Sendable {
        let strict: TwoOrganisations
        let permissive: TwoOrganisations
    }

    @TaskLocal static var running: Pair?

    func provideScope(
        for test: Test,
        testCase: Test.Case?,
        performing body: @Sendable () async throws -> Void
    ) async throws {
        try await RunningSandbox.use { strict in
            try await RunningSandbox.use(try Self.overwritable()) { permissive in
                try await Self.$running.withValue(Pair(strict: strict, permissive: permissive), operation: body)
            }
        }
    }

    private static func overwritable() throws -> SandboxScenario {
        var scenario = try SandboxScenario.twoOrganisations
        for account in scenario.accounts.indices {
            for bucket in scenario.accounts[account].buckets.indices {
                guard let policy = scenario.accounts[account].buckets[bucket].policy else { continue }
                let statements = policy.document.statements.filter { $0.sid != "NoOverwriteByOrgA" }
                scenario.accounts[account].buckets[bucket].policy = PolicySource(PolicyDocument(statements: statements))
            }
        }
        return scenario
    }
}

extension Trait where Self == SharedSandboxes {
    static var sharedSandboxes: SharedSandboxes { SharedSandboxes() }
}

import Logging
import PouchAgent
import PouchConfiguration
import PouchFiles
import PouchKit
import PouchRouting
import PouchTestSupport
import PouchWatch
import Testing

@Suite("a drop that no route takes")
struct UnmatchedTests {
    private func ending(of policy: UnmatchedPolicy, in folder: TemporaryFolder) async throws -> RunEnding {
        let watched = WatchedFolder(path: folder.path + "/drop", sweepEvery: .seconds(600))
        let plan = AgentPlan(
            name: "edge",
            state: folder.path + "/state",
            folders: [FolderPlan(watched: watched, afterwards: .delete)],
            router: Router(rules: []),
            partners: [],
            unmatched: policy
        )
        try DirectoryHandle.create(folder.path + "/drop", mode: 0o755).createFile(Array("a.csv".utf8)).sync()
        let logger = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
        let agent = try await Agent.open(plan: plan, clock: SystemClock(), logger: logger)
        return await agent.run(.once(patience: .seconds(60)))
    }

    private func isThere(_ path: String, in folder: TemporaryFolder) throws -> Bool {
        try DirectoryHandle.open(folder.path).status(of: Array(path.utf8)).isRegular
    }

    @Test("is quarantined and not deleted, whatever becomes of delivered ones")
    func isQuarantined() async throws {
        let folder = try TemporaryFolder()
        let ending = try await ending(of: .quarantine, in: folder)
        #expect(ending.unmatched == 1 && !ending.isComplete)
        var claims = try DirectoryHandle.open(folder.path + "/state/quarantine").entries()
        let claim = try #require(try claims.next())
        #expect(try isThere("state/quarantine/" + String(decoding: claim.name, as: UTF8.self) + "/a.csv", in: folder))
    }

    @Test("stays and is counted when it is held")
    func isHeld() async throws {
        let folder = try TemporaryFolder()
        let ending = try await ending(of: .hold, in: folder)
        #expect(ending.unmatched == 1 && !ending.isComplete)
        #expect(try isThere("drop/a.csv", in: folder))
    }

    @Test("stays and hinders nothing when it is ignored")
    func isIgnored() async throws {
        let folder = try TemporaryFolder()
        let ending = try await ending(of: .ignore, in: folder)
        #expect(ending.isComplete)
        #expect(try isThere("drop/a.csv", in: folder))
    }
}

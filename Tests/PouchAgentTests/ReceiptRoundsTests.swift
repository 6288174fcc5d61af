import PouchAgent
import PouchKit
import PouchManifest
import Testing

@Suite("What another publisher finishes")
struct ReceiptRoundsTests {
    private static let published = Receipt(
        location: "s3://acme-inbox/seeds.csv", key: "seeds.csv", confirmation: .byQuestion,
        stages: [StageRecord(stage: .publish, identity: nil, facts: ["versionId": "W1"], requests: 1, milliseconds: 2)])

    @Test("is asked for until word comes, and then has a second line that tells the whole way")
    func secondLine() async throws {
        let shelf = ScriptedShelf()
        let house = try AgentHouse([(Specimen.acme, ScriptedDestination([.handOver]))], receipts: shelf)
        try house.drop("seeds.csv", "seeds")
        #expect(try await house.runOnce().isComplete)
        #expect(try await house.runOnce().isComplete)
        #expect(!shelf.asked.isEmpty)
        #expect(try await house.manifest().map(\.outcome) == [.handedOver])

        shelf.change(to: .failure(DeliveryFailure(.retry, code: "SlowDown", attempt: "ask", cause: "503")))
        #expect(try await house.runOnce().isComplete)
        #expect(try await house.manifest().count == 1)

        shelf.change(to: .success(Self.published))
        let ending = try await house.runOnce()
        #expect(ending.isComplete && ending.delivered == 1)
        let lines = try await house.manifest()
        #expect(lines.map(\.outcome) == [.handedOver, .delivered])
        #expect(Set(lines.map(\.delivery)).count == 1)
        #expect(lines[1].stages.map(\.stage) == [.place, .publish])
        #expect(lines[1].location == "s3://acme-inbox/seeds.csv")
        #expect(lines[1].confirmation == .byQuestion)
        #expect(lines[1].file.sha256 == lines[0].file.sha256)

        let asked = shelf.asked.count
        #expect(try await house.runOnce().isComplete)
        #expect(shelf.asked.count == asked)
        #expect(try await house.manifest().count == 2)
    }

    @Test("is not asked for where the settings do not say so")
    func withoutShelf() async throws {
        let house = try AgentHouse(.handOver)
        try house.drop("seeds.csv", "seeds")
        #expect(try await house.runOnce().isComplete)
        #expect(try await house.runOnce().isComplete)
        #expect(try await house.manifest().map(\.outcome) == [.handedOver])
    }
}

import PouchAWS
import PouchKit
import PouchTestSupport
import S3SecureInbox
import Testing

@Suite("Sessions that end and are narrowed", .serialized)
struct SessionTests {
    /// Two hours in which sessions last one: the clock moves while the deliveries of a round are under way.
    @Test("deliveries that run while their sessions end are delivered, and each session is exchanged once")
    func expiryInTheMiddle() async throws {
        let clock = ManualClock(now: SystemClock().now)
        try await RunningSandbox.use(clock: clock) { world in
            let destination = try world.destination()
            var delivered = 0
            for round in 0..<12 {
                try await withThrowingTaskGroup(of: Void.self) { group in
                    for number in 0..<4 {
                        let file = try world.file("round \(round), file \(number)")
                        let delivery = RecordingContext(key: try DeliveryKey("\(DeliveryID.random())/\(round)-\(number)"))
                        group.addTask { _ = try await destination.deliver(file.outgoing(), from: nil, in: delivery.context) }
                    }
                    clock.advance(by: .seconds(600))
                    for try await _ in group { delivered += 1 }
                }
            }
            #expect(delivered == 48)
            #expect(try await world.inbox().count == 48)
            let log = try world.log()
            #expect(log.filter { $0.service == "s3" }.allSatisfy { $0.status == 200 })
            for role in ["generator", "publisher"] {
                let sessions = log.count { $0.action == "AssumeRole" && $0.key?.hasSuffix("/" + role) == true }
                #expect((3...4).contains(sessions), "\(role): \(sessions) sessions")
            }
        }
    }

    @Test("a refresh that fails is not noticed while the old session is valid; then the step and the reason are told")
    func failingRefresh() async throws {
        let clock = ManualClock(now: SystemClock().now)
        try await RunningSandbox.use(clock: clock) { world in
            let destination = try world.destination()
            func deliver() async throws {
                let delivery = RecordingContext(key: try DeliveryKey("\(DeliveryID.random())/k"))
                _ = try await destination.deliver(world.file("hello").outgoing(), from: nil, in: delivery.context)
            }
            try await deliver()
            try await world.add(
                #"{"match":{"action":"AssumeRole","times":0},"do":{"kind":"error","code":"AccessDenied","status":403}}"#)
            clock.advance(by: .seconds(46 * 60))
            try await deliver()
            clock.advance(by: .seconds(12 * 60))
            try await deliver()
            let refused = try world.log().count { $0.action == "AssumeRole" && $0.status == 403 }
            #expect(refused == 4, "both roles tried it at 46 and at 58 minutes")
            clock.advance(by: .seconds(3 * 60))
            let failure = await #expect(throws: DeliveryFailure.self) { try await deliver() }
            #expect(failure?.remedy == .hold)
            #expect(failure?.cause.contains("could not assume the role arn:aws:iam::111111111111:role/generator") == true)
            try await world.removeFaults()
            try await deliver()
            #expect(try await world.inbox().count == 4)
        }
    }

    @Test("a session that is narrowed to a partner reaches that partner's places, and no other's")
    func narrowed() async throws {
        try await RunningSandbox.use { world in
            let own = try world.plan()
            let delivery = RecordingContext(key: try DeliveryKey("\(DeliveryID.random())/k"))
            _ = try await world.destination(narrowedTo: own).deliver(
                world.file("hello").outgoing(), from: nil, in: delivery.context)
            #expect(try await world.inbox().count == 1)
            let findings = try await world.destination(narrowedTo: own).check()
            #expect(!findings.contains { $0.severity == .failure }, "\(findings)")

            let changes: [(inout S3SecureInboxSettings) -> Void] = [
                { $0.repository.prefix = "acme/elsewhere/" }, { $0.inbox?.prefix = "from-orga/elsewhere/" },
            ]
            for change in changes {
                let foreign = RecordingContext(key: try DeliveryKey("\(DeliveryID.random())/k"))
                let failure = await #expect(throws: DeliveryFailure.self) {
                    try await world.destination(narrowedTo: world.plan(change)).deliver(
                        world.file("hello").outgoing(), from: nil, in: foreign.context)
                }
                #expect(failure?.code == "AccessDenied")
            }
            // Beside it lies what the check left, as it says.
            #expect(try await world.inbox().filter { !$0.key.contains(".pouch-probe/") }.count == 1)
        }
    }

    @Test("the policy of a narrowed session names the partner's places and keys, and is short")
    func policy() throws {
        let settings = try Settings.sample()
        let plan = try #require(settings.checked(knowing: Settings.identities).plan)
        #expect(
            plan.storePolicy
                == #"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"s3:*","Resource":["arn:aws:s3:::orga-repository/acme/*","arn:aws:s3:::orga-repository"]},{"Effect":"Allow","Action":"kms:*","Resource":["\#(plan.repository.key)"]}]}"#
        )
        #expect(plan.publishPolicy?.contains(#""arn:aws:s3:::acme-inbox/from-orga/*""#) == true)
        #expect((plan.publishPolicy?.utf8.count ?? 0) < 600)
    }
}

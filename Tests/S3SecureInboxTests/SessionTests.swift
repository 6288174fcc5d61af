import PouchAWS
import PouchKit
import PouchSandbox
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

    /// How a session comes to its end.
    enum End: CaseIterable {
        /// It is revoked: what is signed with it is refused.
        case revoked
        /// Its time runs: a session is exchanged ahead of its end.
        case time
    }

    /// Each time that something of the file was noted, the sessions of both roles are at their end.
    @Test(
        "in the middle of a large file a session is exchanged, and the file goes on where it was", arguments: End.allCases,
        [S3SecureInboxSettings.Upload.sealed, .multipart])
    func expiryWithinAFile(_ end: End, _ method: S3SecureInboxSettings.Upload) async throws {
        let clock = ManualClock(now: SystemClock().now)
        try await RunningSandbox.use(try .multipartUploads, clock: clock) { world in
            let part = 5 << 20
            let file = try TestFile(SegmentDeliveryTests.noise(3 * part + 9), in: world.files)
            let delivery = RecordingContext(
                key: try DeliveryKey("\(DeliveryID.random())/k.bin"), limits: TransferBudget.Limits(atOnce: 1),
                whenDurable: { moment async throws(DeliveryFailure) in
                    guard case .save = moment else { return }
                    clock.advance(by: .seconds(end == .time ? 50 * 60 : 1))
                    if end == .time { return }
                    do { try await world.expireSessions() } catch { throw RecordingContext.journalFailure }
                })
            let destination = try world.destination {
                $0.repository.upload = method
                $0.repository.segmentsAbove = ByteCount(bytes: Int64(part))
            }
            _ = try await destination.deliver(file.outgoing(), from: nil, in: delivery.context)
            #expect(
                try await world.inbox().filter { $0.metadata["pouch-delivery"] == delivery.delivery.description }.map(\.sha256)
                    == [file.contents.sha256.description])
            let log = try world.log()
            let granted = { (action: String) in log.count { $0.action == action && $0.status == 200 } }
            // Four pieces, each sent once and copied once; and what names them.
            switch method {
            case .sealed:
                #expect(granted("PutObject") == 4 + 1)
                #expect(granted("UploadPartCopy") == 4)
                #expect(granted("CreateMultipartUpload") == 1)
            default:
                #expect(granted("UploadPart") == 4)
                #expect(granted("CreateMultipartUpload") == 1)
                #expect(granted("CopyObject") == 1)
            }
            // The publisher's one copy of one object is too short for that.
            for role in method == .sealed ? ["generator", "publisher"] : ["generator"] {
                let sessions = log.count { $0.action == "AssumeRole" && $0.key?.hasSuffix("/" + role) == true }
                #expect(sessions > 1, "\(role): \(sessions) sessions")
            }
            let refused = log.count { $0.service == "s3" && $0.status == 400 }
            #expect(end == .revoked ? refused > 1 : refused == 0, "\(refused) refused")
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
        #expect(
            plan.receiptPolicy
                == #"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"s3:*","Resource":["arn:aws:s3:::orga-repository/acme/.pouch-receipts/*","arn:aws:s3:::orga-repository"]},{"Effect":"Allow","Action":"kms:Decrypt","Resource":["*"]}]}"#
        )
    }

    @Test("a prefix that holds what policies take for a wildcard is narrowed to as it is written")
    func escapes() throws {
        var settings = try Settings.sample()
        settings.repository.prefix = "a*b?$c/"
        settings.inbox?.prefix = "*/"
        let plan = try #require(settings.checked(knowing: Settings.identities).plan)
        #expect(plan.storePolicy.contains(#""arn:aws:s3:::orga-repository/a${*}b${?}${$}c/*""#))
        #expect(plan.publishPolicy?.contains(#""arn:aws:s3:::acme-inbox/${*}/*""#) == true)
        #expect(plan.receiptPolicy.contains(#""arn:aws:s3:::orga-repository/a${*}b${?}${$}c/.pouch-receipts/*""#))
    }
}

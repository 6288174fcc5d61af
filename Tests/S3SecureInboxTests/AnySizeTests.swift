import PouchAWS
import PouchKit
import S3SecureInbox
import Synchronization
import Testing

/// 10,000 parts of 5 GiB.
private let largest: Int64 = 53_687_091_200_000

@Suite("A file of any size")
struct AnySizeTests {
    /// Bytes of checkpoints, and of progress.
    private final class Tally: Sendable {
        let saved = Mutex<Int64>(0)
        let sent = Mutex<Int64>(0)
    }

    private func deliver(
        _ size: Int64,
        to store: CountingStore,
        _ change: (inout S3SecureInboxSettings) -> Void = { _ in }
    ) async throws -> (receipt: Receipt, tally: Tally) {
        var settings = try Settings.sample()
        settings.repository.segmentsAbove = nil
        change(&settings)
        let plan = try #require(settings.checked(knowing: Settings.identities).plan)
        let party = { (name: String) in
            S3SecureInbox.Party(
                name: IdentityName(unchecked: name),
                credentials: FixedCredentials(
                    Credentials(accessKeyID: name.uppercased(), secretAccessKey: Secret("s")), explanation: "keys of the test"),
                role: nil)
        }
        let destination = S3SecureInbox(
            plan: plan, generator: party("generator"), publisher: party("publisher"),
            link: AWSLink(transport: store, clock: StandingClock(), jitter: { 0 }))
        let tally = Tally()
        let context = DeliveryContext(
            delivery: .random(), partner: try PartnerName("acme"), route: try RouteName("all"), agent: "edge-test",
            key: try DeliveryKey("zeros.bin"), attempt: 1, budget: TransferBudget(),
            saving: { (checkpoint) async throws(DeliveryFailure) in tally.saved.withLock { $0 += Int64(checkpoint.payload.count) }
            },
            durable: { () async throws(DeliveryFailure) in },
            progress: { sent in tally.sent.withLock { $0 = sent } })
        switch try await destination.deliver(Zeros.file(of: size), from: nil, in: context) {
        case .delivered(let receipt), .handedOver(_, let receipt): return (receipt, tally)
        }
    }

    @Test(
        "becomes one object: in segments of one PUT each, or in parts, and never more than 10,000",
        arguments: [
            (0, 0), (1, 0), (5 << 20, 0), (5 << 30, 0), ((5 << 30) + 1, 81), (64 << 30, 1_024), (5 << 40, 9_987), (largest, 10_000),
        ] as [(Int64, Int)])
    func arrives(size: Int64, segments: Int) async throws {
        let store = CountingStore()
        let (receipt, tally) = try await deliver(size, to: store)
        #expect(store.objects["acme-inbox/from-orga/zeros.bin"]?.size == size)
        #expect(store.objects["acme-inbox/from-orga/zeros.bin"]?.checksum == Zeros.checksum(ofCount: size))
        #expect(store.requests["PutObject"] == segments + 1)
        #expect(store.requests["UploadPartCopy"] ?? 0 == segments)
        #expect(store.requests["CopyObject"] ?? 0 == (segments == 0 ? 1 : 0))
        #expect(store.requests["UploadPart"] == nil, "the generator may not")
        #expect(store.openUploads == 0)
        #expect(receipt.confirmation == .byAnswer)
        #expect(receipt.stages.first?.facts["segments"] == (segments == 0 ? nil : "\(segments)"))
        #expect(tally.sent.withLock { $0 } == size)
        // What is written for a restart stays small beside what is sent.
        #expect(tally.saved.withLock { $0 } < max(size / 50, 8_192))
    }

    @Test("as one object in the repository it is copied in ranges where it is too large for one copy")
    func multipart() async throws {
        let size: Int64 = (12 << 30) + 5
        let store = CountingStore()
        let (receipt, _) = try await deliver(size, to: store) { $0.repository.upload = .multipart }
        #expect(store.objects["acme-inbox/from-orga/zeros.bin"]?.size == size)
        #expect(store.objects["acme-inbox/from-orga/zeros.bin"]?.checksum == Zeros.checksum(ofCount: size))
        #expect(store.objects.keys.filter { $0.hasPrefix("orga-repository/") }.count == 1)
        #expect(store.requests["UploadPart"] == 193)
        #expect(store.requests["UploadPartCopy"] == 25)
        #expect(store.requests["CopyObject"] == nil && store.requests["PutObject"] == nil)
        #expect(receipt.stages.first?.facts["parts"] == "193")
    }

    @Test(
        "of one byte more than 48.8 TiB is held, and nothing of it is sent",
        arguments: [S3SecureInboxSettings.Upload.sealed, .multipart])
    func tooLarge(upload: S3SecureInboxSettings.Upload) async throws {
        let store = CountingStore()
        let failure = await #expect(throws: DeliveryFailure.self) {
            try await deliver(largest + 1, to: store) { $0.repository.upload = upload }
        }
        #expect(failure?.remedy == .hold && failure?.code == "too-large")
        #expect(store.requests.isEmpty)
    }
}

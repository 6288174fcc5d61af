import PouchAWS
import PouchKit
import PouchTestSupport
import S3SecureInbox
import Testing

@Suite("A delivery between two organisations that refuse what AWS refuses", .serialized)
struct SandboxDeliveryTests {
    @Test("arrives under org B's key, owned by org B, byte for byte: empty, small, with umlauts and spaces")
    func arrives() async throws {
        try await RunningSandbox.use { world in
            let destination = try world.destination()
            for (text, key) in [("", "empty"), ("hello", "a/b c/ü.csv"), (String(repeating: "x", count: 3_000_000), "x#?+%~.bin")] {
                let file = try world.file(text)
                let delivery = RecordingContext(key: try DeliveryKey(Self.unique(key)))
                let receipt = try await Self.receipt(destination, file, delivery)
                let exhibit = try #require(try await Self.delivered(delivery, in: world).first)
                #expect(exhibit.sha256 == file.contents.sha256.description)
                #expect(exhibit.owner.contains("222222222222"))
                #expect(exhibit.keyARN == TwoOrganisations.key)
                #expect("from-orga/" + delivery.context.key.description == exhibit.key)
                #expect(receipt.confirmation == .byAnswer)
                #expect(receipt.stages.map(\.requests) == [1, 1])
                #expect(delivery.progress.last ?? 0 == file.size)
            }
        }
    }

    @Test("needs no Decrypt by the generator and no bytes for the publisher, and names the expected owners on every call")
    func leastPrivilege() async throws {
        try await RunningSandbox.use { world in
            let before = try world.log().count
            let delivery = RecordingContext(key: try DeliveryKey(Self.unique("k")))
            _ = try await Self.receipt(world.destination(), world.file("hello"), delivery)
            let lines = try world.log().dropFirst(before)
            let calls = lines.filter { $0.service == "s3" }
            #expect(calls.map(\.action) == ["PutObject", "CopyObject"])
            #expect(calls.first?.caller?.contains("/generator/") == true)
            #expect(calls.first?.kms.map(\.action) == ["kms:GenerateDataKey"])
            #expect(calls.last?.caller?.contains("/publisher/") == true)
            #expect(calls.map(\.expectedOwner) == ["111111111111", "222222222222"])
            #expect(calls.last?.sourceExpectedOwner == "111111111111")
        }
    }

    @Test(
        "what goes wrong on the way leaves one object, and the receipt says how we know",
        arguments: [
            (#"{"match":{"action":"CopyObject"},"do":{"kind":"reset","afterEffect":true}}"#, Receipt.Confirmation.byQuestion),
            (#"{"match":{"action":"CopyObject"},"do":{"kind":"reset"}}"#, .byAnswer),
            (#"{"match":{"action":"CopyObject"},"do":{"kind":"truncate","bytes":20,"afterEffect":true}}"#, .byQuestion),
            (#"{"match":{"action":"CopyObject"},"do":{"kind":"error-in-200"}}"#, .byAnswer),
            (
                #"{"match":{"action":"CopyObject"},"do":{"kind":"error","code":"InternalError","status":500,"afterEffect":true}}"#,
                .byQuestion
            ),
            (#"{"match":{"action":"CopyObject"},"do":{"kind":"slow-down"}}"#, .byAnswer),
            (#"{"match":{"action":"PutObject"},"do":{"kind":"reset","afterEffect":true}}"#, .byAnswer),
            (#"{"match":{"action":"PutObject"},"do":{"kind":"error","code":"InternalError","status":500}}"#, .byAnswer),
        ])
    func faults(_ fault: String, _ confirmation: Receipt.Confirmation) async throws {
        try await RunningSandbox.use { world in
            let delivery = RecordingContext(key: try DeliveryKey(Self.unique("k")))
            try await world.add(fault)
            let receipt = try await Self.receipt(world.destination(), world.file("hello"), delivery)
            #expect(receipt.confirmation == confirmation)
            #expect(try await Self.delivered(delivery, in: world).count == 1)
        }
    }

    @Test("an answer that was lost where we may not ask is confirmed by conflict, and one object lies there")
    func byConflict() async throws {
        try await RunningSandbox.use { world in
            let delivery = RecordingContext(key: try DeliveryKey(Self.unique("k")))
            try await world.add(#"{"match":{"action":"CopyObject"},"do":{"kind":"reset","afterEffect":true}}"#)
            try await world.add(
                #"{"match":{"action":"HeadObject","times":0},"do":{"kind":"error","code":"AccessDenied","status":403}}"#)
            let receipt = try await Self.receipt(world.destination(), world.file("hello"), delivery)
            #expect(receipt.confirmation == .byConflict)
            #expect(try await Self.delivered(delivery, in: world).count == 1)
        }
    }

    @Test("delivered again from any checkpoint, or from none, it lies there once")
    func again() async throws {
        try await RunningSandbox.use { world in
            let destination = try world.destination()
            let file = try world.file("hello")
            let delivery = RecordingContext(key: try DeliveryKey(Self.unique("k")))
            _ = try await Self.receipt(destination, file, delivery)
            for checkpoint in [nil] + delivery.saved.map(Optional.some) {
                let receipt = try await Self.receipt(destination, file, delivery, from: checkpoint)
                #expect(receipt.confirmation == .byQuestion)
            }
            #expect(try await Self.delivered(delivery, in: world).count == 1)
        }
    }

    @Test("a taken key is gone round, and what lay there stays")
    func taken() async throws {
        try await RunningSandbox.use { world in
            let destination = try world.destination()
            let key = try DeliveryKey(Self.unique("dir/k.csv"))
            let first = RecordingContext(key: key)
            let second = RecordingContext(key: key)
            _ = try await Self.receipt(destination, world.file("one"), first)
            let receipt = try await Self.receipt(destination, world.file("two"), second)
            #expect(receipt.key == "from-orga/" + key.suffixed(for: second.delivery).description)
            let third = RecordingContext(key: key)
            let refusing = try world.destination { $0.whenTaken = .fail }
            let failure = await #expect(throws: DeliveryFailure.self) {
                try await Self.receipt(refusing, world.file("three"), third)
            }
            #expect(failure?.remedy == .quarantine)
            // This inbox's policy takes new keys only: to replace is refused by the partner.
            let replacing = try world.destination { $0.whenTaken = .replace }
            let refusal = await #expect(throws: DeliveryFailure.self) {
                try await Self.receipt(replacing, world.file("four"), third)
            }
            #expect(refusal?.remedy == .hold)
            #expect(refusal?.hint?.contains("overwriting") == true)
        }
    }

    @Test("sessions that expire are renewed on the way")
    func expiredSessions() async throws {
        try await RunningSandbox.use { world in
            let destination = try world.destination()
            _ = try await Self.receipt(destination, world.file("one"), RecordingContext(key: DeliveryKey(Self.unique("one"))))
            try await world.expireSessions()
            let delivery = RecordingContext(key: try DeliveryKey(Self.unique("two")))
            _ = try await Self.receipt(destination, world.file("two"), delivery)
            #expect(try await Self.delivered(delivery, in: world).count == 1)
        }
    }

    @Test(
        "a store that lies is found out before anything is published, or is not called a delivery",
        arguments: [
            (#"{"match":{"action":"PutObject"},"do":{"kind":"plaintext"}}"#, "wrong-encryption"),
            (#"{"match":{"action":"PutObject"},"do":{"kind":"wrong-encryption"}}"#, "wrong-encryption"),
            (#"{"match":{"action":"PutObject"},"do":{"kind":"wrong-checksum"}}"#, "checksum-mismatch"),
            (#"{"match":{"action":"CopyObject"},"do":{"kind":"plaintext"}}"#, "wrong-encryption"),
            (#"{"match":{"action":"CopyObject"},"do":{"kind":"wrong-encryption"}}"#, "wrong-encryption"),
            (#"{"match":{"action":"PutObject","times":0},"do":{"kind":"key-disabled"}}"#, "KMS.DisabledException"),
        ])
    func lies(_ fault: String, _ code: String) async throws {
        try await RunningSandbox.use { world in
            let delivery = RecordingContext(key: try DeliveryKey(Self.unique("k")))
            try await world.add(fault)
            let failure = await #expect(throws: DeliveryFailure.self) {
                try await Self.receipt(world.destination(), world.file("hello"), delivery)
            }
            #expect(failure?.code == code)
        }
    }

    @Test("another owner than expected, another bucket, and a prefix without permission hold the partner, with a hint")
    func refusals() async throws {
        try await RunningSandbox.use { world in
            let changes: [(inout S3SecureInboxSettings) -> Void] = [
                { $0.inbox?.owner = "333333333333" }, { $0.inbox?.bucket = "acme-nowhere" }, { $0.inbox?.prefix = "elsewhere/" },
                { $0.repository.prefix = "other/" }, { $0.repository.owner = "222222222222" },
            ]
            for change in changes {
                let delivery = RecordingContext(key: try DeliveryKey(Self.unique("k")))
                let failure = await #expect(throws: DeliveryFailure.self) {
                    try await Self.receipt(world.destination(change), world.file("hello"), delivery)
                }
                #expect(failure?.remedy == .hold)
                #expect(failure?.hint != nil)
                #expect(try await Self.delivered(delivery, in: world).isEmpty)
            }
        }
    }

    @Test("the check finds nothing wrong, and says what it leaves")
    func check() async throws {
        try await RunningSandbox.use { world in
            let findings = await (try world.destination()).check()
            #expect(!findings.contains { $0.severity == .failure }, "\(findings)")
            #expect(findings.contains { $0.text.contains("acme/.pouch-probe/check") })
            let wrong = await (try world.destination { $0.repository.prefix = "other/" }).check()
            #expect(wrong.contains { $0.severity == .failure && $0.text.contains("AccessDenied") })
        }
    }

    private static func unique(_ name: String) -> String { "\(DeliveryID.random())/\(name)" }

    private static func receipt(
        _ destination: S3SecureInbox,
        _ file: TestFile,
        _ recording: RecordingContext,
        from checkpoint: Checkpoint? = nil
    ) async throws(DeliveryFailure) -> Receipt {
        switch try await destination.deliver(file.outgoing(), from: checkpoint, in: recording.context) {
        case .delivered(let receipt), .handedOver(_, let receipt): receipt
        }
    }

    private static func delivered(_ recording: RecordingContext, in world: TwoOrganisations) async throws -> [TwoOrganisations
        .Exhibit]
    {
        try await world.inbox().filter { $0.metadata["pouch-delivery"] == recording.delivery.description }
    }
}

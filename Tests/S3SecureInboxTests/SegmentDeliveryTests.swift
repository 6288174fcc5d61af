import FoundationEssentials
import PouchAWS
import PouchConformance
import PouchCrypto
import PouchKit
import PouchSandbox
import PouchTestSupport
import S3SecureInbox
import Synchronization
import Testing

@Suite("A delivery in segments, between two organisations that refuse what AWS refuses", .serialized)
struct SegmentDeliveryTests {
    private static let part = 5 << 20

    @Sendable private static func inSegments(_ settings: inout S3SecureInboxSettings) {
        settings.repository.segmentsAbove = ByteCount(bytes: Int64(part))
    }

    /// Bytes without a pattern, quickly.
    static func noise(_ count: Int) -> [UInt8] {
        var generator = SeededGenerator(seed: 7)
        return [UInt8](unsafeUninitializedCapacity: count) { buffer, used in
            let bytes = UnsafeMutableRawBufferPointer(buffer)
            for offset in stride(from: 0, to: count - 7, by: 8) {
                bytes.storeBytes(of: generator.next(), toByteOffset: offset, as: UInt64.self)
            }
            for offset in (count & ~7)..<count { bytes[offset] = UInt8(truncatingIfNeeded: offset) }
            used = count
        }
    }

    private static func receipt(
        _ destination: S3SecureInbox,
        _ file: OutgoingFile,
        _ recording: RecordingContext,
        from checkpoint: Checkpoint? = nil
    ) async throws(DeliveryFailure) -> Receipt {
        switch try await destination.deliver(file, from: checkpoint, in: recording.context) {
        case .delivered(let receipt), .handedOver(_, let receipt): receipt
        }
    }

    private func recording(_ key: String = "k.bin") throws -> RecordingContext {
        RecordingContext(key: try DeliveryKey("\(DeliveryID.random())/\(key)"))
    }

    /// The file of a test, whose digests nobody knows before it was read.
    private func unread(_ file: TestFile) -> OutgoingFile {
        let whole = file.outgoing()
        return file.outgoing(digests: { () async throws(DeliveryFailure) in try await whole.digests() })
    }

    private func delivered(_ recording: RecordingContext, in world: TwoOrganisations) async throws -> [TwoOrganisations.Exhibit] {
        try await world.inbox().filter { $0.metadata["pouch-delivery"] == recording.delivery.description }
    }

    private func repository(_ recording: RecordingContext, in world: TwoOrganisations) -> [StoredObject] {
        world.store.everything().filter {
            $0.bucket == "orga-repository" && $0.key.text.hasPrefix("acme/\(recording.delivery)/")
        }
    }

    private func openUploads(in world: TwoOrganisations) -> Int {
        ["acme-inbox", "orga-repository"].reduce(0) { $0 + world.store.uploads(in: $1).count }
    }

    @Test("arrives as one object, byte for byte, and the generator only ever seals")
    func arrives() async throws {
        try await RunningSandbox.use(try .largeFiles) { world in
            let before = try world.log().count
            let file = try TestFile(Self.noise(2 * Self.part + 12_345), in: world.files, name: "ü %.bin")
            let delivery = try recording("dir/ü %.bin")
            let receipt = try await Self.receipt(world.destination(Self.inSegments), unread(file), delivery)
            let exhibits = try await delivered(delivery, in: world)
            #expect(exhibits.count == 1)
            #expect(exhibits.first?.sha256 == file.contents.sha256.description)
            #expect(exhibits.first?.keyARN == TwoOrganisations.key)
            #expect(exhibits.first?.owner.contains("222222222222") == true)
            #expect(exhibits.first?.metadata["pouch-sha256"] == file.contents.sha256.description)
            #expect(receipt.confirmation == .byAnswer)
            #expect(receipt.stages.first?.facts["segments"] == "3")
            #expect(openUploads(in: world) == 0)
            let calls = try world.log().dropFirst(before).filter { $0.service == "s3" }
            let generator = calls.filter { $0.caller?.contains("/generator/") == true }
            #expect(generator.map(\.action) == Array(repeating: "PutObject", count: 4))
            #expect(Set(generator.flatMap { $0.kms.map(\.action) }) == ["kms:GenerateDataKey"])
            #expect(calls.allSatisfy { $0.expectedOwner != nil })
            #expect(
                calls.filter { $0.action == "UploadPartCopy" }.map(\.sourceExpectedOwner)
                    == Array(repeating: "111111111111", count: 3))
            try expectIndex(of: file, delivery, in: world)
        }
    }

    /// What docs/segments.md promises.
    private func expectIndex(of file: TestFile, _ delivery: RecordingContext, in world: TwoOrganisations) throws {
        let objects = repository(delivery, in: world)
        let index = try #require(objects.first { !$0.key.text.contains("/.segments/") })
        #expect(index.attributes.metadata["pouch-consignment"] == "2")
        #expect(index.attributes.metadata["pouch-size"] == "\(file.size)")
        #expect(index.attributes.systemHeaders["content-type"] == "application/vnd.pouch.segments+json")
        let segments = objects.filter { $0.key.text.contains("/.segments/") }
        #expect(segments.map(\.size).sorted() == [12_345, Int64(Self.part), Int64(Self.part)])
        #expect(segments.allSatisfy { $0.attributes.metadata["pouch-delivery"] == delivery.delivery.description })
        #expect(segments.compactMap { $0.attributes.metadata["pouch-segment"] }.sorted() == ["1/3", "2/3", "3/3"])
    }

    @Test("a publisher without Decrypt in the inbox holds the partner, with the reason, and leaves nothing open")
    func withoutDecrypt() async throws {
        try await RunningSandbox.use { world in
            let destination = try world.destination(Self.inSegments)
            let file = try TestFile(Self.noise(Self.part + 1), in: world.files)
            let delivery = try recording()
            let failure = await #expect(throws: DeliveryFailure.self) {
                try await Self.receipt(destination, file.outgoing(), delivery)
            }
            #expect(failure?.remedy == .hold)
            #expect(failure?.hint?.contains("kms:Decrypt") == true)
            #expect(try await delivered(delivery, in: world).isEmpty)
            await destination.abandon(try #require(delivery.saved.last))
            #expect(openUploads(in: world) == 0)
        }
    }

    @Test(
        "what goes wrong while it is put together leaves one object, and the receipt says how we know",
        arguments: [
            (
                #"{"match":{"action":"CompleteMultipartUpload"},"do":{"kind":"reset","afterEffect":true}}"#,
                Receipt.Confirmation.byQuestion
            ),
            (#"{"match":{"action":"CompleteMultipartUpload"},"do":{"kind":"reset"}}"#, .byAnswer),
            (
                #"{"match":{"action":"CompleteMultipartUpload"},"do":{"kind":"error","code":"InternalError","status":500,"afterEffect":true}}"#,
                .byQuestion
            ),
            (#"{"match":{"action":"CompleteMultipartUpload"},"do":{"kind":"error-in-200"}}"#, .byAnswer),
            (#"{"match":{"action":"CompleteMultipartUpload"},"do":{"kind":"slow-down"}}"#, .byAnswer),
            (#"{"match":{"action":"UploadPartCopy"},"do":{"kind":"reset","afterEffect":true}}"#, .byAnswer),
            (#"{"match":{"action":"UploadPartCopy"},"do":{"kind":"error-in-200"}}"#, .byAnswer),
            (#"{"match":{"action":"CreateMultipartUpload"},"do":{"kind":"slow-down"}}"#, .byAnswer),
            (#"{"match":{"action":"PutObject"},"do":{"kind":"reset","afterEffect":true}}"#, .byAnswer),
            (#"{"match":{"action":"PutObject","nth":3},"do":{"kind":"error","code":"InternalError","status":500}}"#, .byAnswer),
        ])
    func faults(_ fault: String, _ confirmation: Receipt.Confirmation) async throws {
        try await RunningSandbox.use(try .largeFiles) { world in
            let file = try TestFile(Self.noise(Self.part + 1), in: world.files)
            for mayAsk in [true, false] {
                let delivery = try recording()
                try await world.add(fault)
                if !mayAsk {
                    try await world.add(
                        #"{"match":{"action":"HeadObject","times":0},"do":{"kind":"error","code":"AccessDenied","status":403}}"#)
                }
                let receipt = try await Self.receipt(world.destination(Self.inSegments), unread(file), delivery)
                #expect(receipt.confirmation == confirmation)
                let exhibits = try await delivered(delivery, in: world)
                #expect(exhibits.map(\.sha256) == [file.contents.sha256.description])
                #expect(openUploads(in: world) == 0)
                try await world.removeFaults()
            }
        }
    }

    @Test("stopped at any save, the next attempt stores only what is missing, and there is one object")
    func resumes() async throws {
        try await RunningSandbox.use(try .largeFiles) { world in
            let destination = try world.destination(Self.inSegments)
            let file = try TestFile(Self.noise(5 * Self.part + 1), in: world.files)
            var stops = 0
            for stop in 1... {
                let openBefore = openUploads(in: world)
                let delivery = RecordingContext(
                    key: try DeliveryKey("\(DeliveryID.random())/k.bin"), limits: TransferBudget.Limits(atOnce: 2),
                    whenDurable: { moment async throws(DeliveryFailure) in
                        if case .save(stop, _) = moment { throw RecordingContext.journalFailure }
                    })
                let first = await Result { () async throws(DeliveryFailure) in
                    try await Self.receipt(destination, unread(file), delivery)
                }
                guard case .failure = first else { break }
                stops = stop
                let checkpoint = try #require(delivery.saved.last)
                let again = RecordingContext(
                    key: delivery.context.key, delivery: delivery.delivery, attempt: 2, limits: TransferBudget.Limits(atOnce: 2))
                let receipt = try await Self.receipt(destination, unread(file), again, from: checkpoint)
                #expect(receipt.confirmation == .byAnswer || receipt.confirmation == .byQuestion)
                #expect(try await delivered(delivery, in: world).map(\.sha256) == [file.contents.sha256.description])
                // Six segments, and what was in flight when it stopped.
                let segments = repository(delivery, in: world).filter { $0.key.text.contains("/.segments/") }
                #expect((6...8).contains(segments.count), "stopped at save \(stop): \(segments.count) segments")
                // Stopped between an upload and the note of it, nobody knows it any more: the lifecycle rule ends it.
                #expect(openUploads(in: world) <= openBefore + 1)
            }
            #expect(stops >= 8, "\(stops) saves")
        }
    }

    @Test("a source that changed meanwhile starts afresh, and nothing is mixed")
    func changedSource() async throws {
        try await RunningSandbox.use(try .largeFiles) { world in
            let destination = try world.destination(Self.inSegments)
            let old = try TestFile(Self.noise(3 * Self.part), in: world.files)
            let new = try TestFile(Self.noise(3 * Self.part).map { $0 ^ 1 }, in: world.files)
            let delivery = RecordingContext(
                key: try DeliveryKey("\(DeliveryID.random())/k.bin"), limits: TransferBudget.Limits(atOnce: 1),
                whenDurable: { moment async throws(DeliveryFailure) in
                    if case .save(3, _) = moment { throw RecordingContext.journalFailure }
                })
            await #expect(throws: DeliveryFailure.self) { try await Self.receipt(destination, unread(old), delivery) }
            let checkpoint = try #require(delivery.saved.last)
            let again = RecordingContext(key: delivery.context.key, delivery: delivery.delivery, attempt: 2)
            _ = try await Self.receipt(destination, unread(new), again, from: checkpoint)
            #expect(try await delivered(delivery, in: world).map(\.sha256) == [new.contents.sha256.description])
        }
    }

    @Test("a taken key is gone round before anything is copied, and refused where it must not be")
    func taken() async throws {
        try await RunningSandbox.use(try .largeFiles) { world in
            let file = try TestFile(Self.noise(Self.part + 1), in: world.files)
            let delivery = try recording()
            let key = delivery.context.key
            try await world.occupy("from-orga/\(key)", with: [1])
            let before = try world.log().count
            let receipt = try await Self.receipt(world.destination(Self.inSegments), file.outgoing(), delivery)
            #expect(receipt.key == "from-orga/" + key.suffixed(for: delivery.delivery).description)
            #expect(try world.log().dropFirst(before).filter { $0.action == "CreateMultipartUpload" }.count == 1)
            let refused = RecordingContext(key: key)
            let failure = await #expect(throws: DeliveryFailure.self) {
                try await Self.receipt(
                    world.destination {
                        Self.inSegments(&$0)
                        $0.whenTaken = .fail
                    }, file.outgoing(), refused)
            }
            #expect(failure?.code == "key-taken" && failure?.remedy == .quarantine)
            #expect(openUploads(in: world) == 0)
        }
    }

    @Test("a key that is taken while the parts are copied is gone round as well, and no upload stays")
    func takenMeanwhile() async throws {
        try await RunningSandbox.use(try .largeFiles) { world in
            let file = try TestFile(Self.noise(Self.part + 1), in: world.files)
            let key = try DeliveryKey("\(DeliveryID.random())/k.bin")
            let delivery = RecordingContext(
                key: key,
                whenDurable: { moment async throws(DeliveryFailure) in
                    guard case .save(_, let checkpoint) = moment,
                        String(decoding: checkpoint.payload, as: UTF8.self).contains(#""isCompleting":true"#)
                    else { return }
                    try? await world.occupy("from-orga/\(key)", with: [1])
                })
            let receipt = try await Self.receipt(world.destination(Self.inSegments), file.outgoing(), delivery)
            #expect(receipt.key == "from-orga/" + key.suffixed(for: delivery.delivery).description)
            #expect(try await delivered(delivery, in: world).count == 1)
            #expect(openUploads(in: world) == 0)
        }
    }

    private static let mayNotAsk =
        #"{"match":{"action":"HeadObject","times":0},"do":{"kind":"error","code":"AccessDenied","status":403}}"#

    /// A delivery whose journal fails at the first save that contains this.
    private func stopping(at text: String, _ delivery: RecordingContext) -> RecordingContext {
        RecordingContext(
            key: delivery.context.key, delivery: delivery.delivery,
            whenDurable: { moment async throws(DeliveryFailure) in
                guard case .save(_, let checkpoint) = moment, String(decoding: checkpoint.payload, as: UTF8.self).contains(text)
                else { return }
                throw RecordingContext.journalFailure
            })
    }

    @Test("an upload that was aborted before it could be completed is no delivery: another is begun", arguments: [true, false])
    func abortedMeanwhile(mayAsk: Bool) async throws {
        try await RunningSandbox.use(try .largeFiles) { world in
            let destination = try world.destination(Self.inSegments)
            let file = try TestFile(Self.noise(Self.part + 1), in: world.files)
            let delivery = try recording()
            let stopped = stopping(at: #""isCompleting":true"#, delivery)
            await #expect(throws: DeliveryFailure.self) { try await Self.receipt(destination, file.outgoing(), stopped) }
            let checkpoint = try #require(stopped.saved.last)
            #expect(openUploads(in: world) == 1)
            // As the inbox's lifecycle rule does.
            await destination.abandon(checkpoint)
            #expect(openUploads(in: world) == 0)
            if !mayAsk { try await world.add(Self.mayNotAsk) }
            let again = RecordingContext(key: delivery.context.key, delivery: delivery.delivery, attempt: 2)
            let receipt = try await Self.receipt(destination, file.outgoing(), again, from: checkpoint)
            #expect(receipt.confirmation == .byAnswer)
            #expect(try await delivered(delivery, in: world).map(\.sha256) == [file.contents.sha256.description])
            #expect(openUploads(in: world) == 0)
        }
    }

    @Test("a completion that took effect unseen is found by the next upload, also when that one is stopped in between")
    func completedUnseen() async throws {
        try await RunningSandbox.use(try .largeFiles) { world in
            let destination = try world.destination(Self.inSegments)
            let file = try TestFile(Self.noise(Self.part + 1), in: world.files)
            let delivery = try recording()
            try await world.add(Self.mayNotAsk)
            try await world.add(
                #"{"match":{"action":"CompleteMultipartUpload"},"do":{"kind":"reset","afterEffect":true}}"#)
            try await world.add(
                #"{"match":{"action":"CompleteMultipartUpload","nth":2,"times":0},"do":{"kind":"reset"}}"#)
            try await world.add(
                #"{"match":{"action":"ListParts","times":0},"do":{"kind":"error","code":"AccessDenied","status":403}}"#)
            let stopped = stopping(at: #""afterLost":true"#, delivery)
            await #expect(throws: DeliveryFailure.self) { try await Self.receipt(destination, file.outgoing(), stopped) }
            try await world.removeFaults()
            try await world.add(Self.mayNotAsk)
            let again = RecordingContext(key: delivery.context.key, delivery: delivery.delivery, attempt: 2)
            let receipt = try await Self.receipt(destination, file.outgoing(), again, from: stopped.saved.last)
            #expect(receipt.key == "from-orga/\(delivery.context.key)" && receipt.confirmation == .byConflict)
            #expect(try await delivered(delivery, in: world).count == 1)
            #expect(openUploads(in: world) == 0)
        }
    }

    @Test("a conflict after a lost answer may be with ourselves: nothing is given up, and there is one object")
    func conflictAfterLoss() async throws {
        try await RunningSandbox.use(try .largeFiles) { world in
            let file = try TestFile(Self.noise(Self.part + 1), in: world.files)
            let delivery = try recording()
            try await world.add(Self.mayNotAsk)
            try await world.add(#"{"match":{"action":"CompleteMultipartUpload"},"do":{"kind":"reset"}}"#)
            try await world.add(
                #"{"match":{"action":"CompleteMultipartUpload","nth":2},"do":{"kind":"error","code":"ConditionalRequestConflict","status":409}}"#
            )
            let before = try world.log().count
            let receipt = try await Self.receipt(world.destination(Self.inSegments), file.outgoing(), delivery)
            #expect(receipt.key == "from-orga/\(delivery.context.key)")
            #expect(try world.log().dropFirst(before).filter { $0.action == "CreateMultipartUpload" }.count == 1)
            #expect(try await delivered(delivery, in: world).count == 1)
            #expect(openUploads(in: world) == 0)
        }
    }

    @Test("handed over, the index lies there, and a later attempt stores nothing again")
    func elsewhere() async throws {
        try await RunningSandbox.use(try .largeFiles) { world in
            let destination = try world.destination {
                Self.inSegments(&$0)
                $0.publish = .elsewhere
            }
            let file = try TestFile(Self.noise(Self.part + 1), in: world.files)
            let delivery = try recording()
            let receipt = try await Self.receipt(destination, unread(file), delivery)
            let stored = repository(delivery, in: world).count
            #expect(stored == 3)
            _ = try await Self.receipt(destination, unread(file), delivery, from: delivery.saved.last)
            #expect(repository(delivery, in: world).count == stored)
            #expect(receipt.location == "s3://orga-repository/acme/\(delivery.delivery)/k.bin")
        }
    }

    @Test("an index that arrives only in part is asked for again")
    func truncatedIndex() async throws {
        try await RunningSandbox.use(try .largeFiles) { world in
            let destination = try world.destination(Self.inSegments)
            let file = try TestFile(Self.noise(Self.part + 1), in: world.files)
            let delivery = try recording()
            try await world.add(
                #"{"match":{"action":"GetObject"},"do":{"kind":"truncate","bytes":20,"afterEffect":true}}"#)
            let receipt = try await Self.receipt(destination, file.outgoing(), delivery)
            #expect(receipt.confirmation == .byAnswer)
        }
    }

    // MARK: In parts

    @Sendable private static func inParts(_ settings: inout S3SecureInboxSettings) {
        settings.repository.upload = .multipart
        settings.repository.segmentsAbove = ByteCount(bytes: Int64(part))
    }

    @Test("in parts it is one object in the repository, and a stopped upload goes on")
    func parts() async throws {
        try await RunningSandbox.use(try .multipartUploads) { world in
            let destination = try world.destination(Self.inParts)
            let file = try TestFile(Self.noise(3 * Self.part + 9), in: world.files)
            for stop in 1...6 {
                let delivery = RecordingContext(
                    key: try DeliveryKey("\(DeliveryID.random())/k.bin"), limits: TransferBudget.Limits(atOnce: 1),
                    whenDurable: { moment async throws(DeliveryFailure) in
                        if case .save(stop, _) = moment { throw RecordingContext.journalFailure }
                    })
                let first = await Result { () async throws(DeliveryFailure) in
                    try await Self.receipt(destination, unread(file), delivery)
                }
                if case .failure = first {
                    let again = RecordingContext(key: delivery.context.key, delivery: delivery.delivery, attempt: 2)
                    _ = try await Self.receipt(destination, unread(file), again, from: delivery.saved.last)
                }
                #expect(try await delivered(delivery, in: world).map(\.sha256) == [file.contents.sha256.description])
                #expect(repository(delivery, in: world).count == 1)
                #expect(openUploads(in: world) == 0)
            }
        }
    }

    @Test("an upload that a crash left before it was noted is found and aborted; one that is noted is abandoned")
    func strays() async throws {
        try await RunningSandbox.use(try .multipartUploads) { world in
            let destination = try world.destination(Self.inParts)
            let file = try TestFile(Self.noise(Self.part + 9), in: world.files)
            let delivery = RecordingContext(
                key: try DeliveryKey("\(DeliveryID.random())/k.bin"),
                whenDurable: { _ async throws(DeliveryFailure) in throw RecordingContext.journalFailure })
            await #expect(throws: DeliveryFailure.self) { try await Self.receipt(destination, file.outgoing(), delivery) }
            #expect(openUploads(in: world) == 1)
            let again = RecordingContext(key: delivery.context.key, delivery: delivery.delivery, attempt: 2)
            _ = try await Self.receipt(destination, file.outgoing(), again)
            #expect(openUploads(in: world) == 0)
            await #expect(throws: DeliveryFailure.self) {
                try await Self.receipt(
                    destination, file.outgoing(),
                    RecordingContext(
                        key: delivery.context.key,
                        whenDurable: { _ async throws(DeliveryFailure) in throw RecordingContext.journalFailure }))
            }
            #expect(openUploads(in: world) == 1)
        }
    }

    @Test("a lost answer to completing in the repository is settled by asking, and stored once")
    func lostCompletion() async throws {
        try await RunningSandbox.use(try .multipartUploads) { world in
            let file = try TestFile(Self.noise(Self.part + 9), in: world.files)
            let delivery = try recording()
            try await world.add(
                #"{"match":{"action":"CompleteMultipartUpload","keyPrefix":"acme/"},"do":{"kind":"reset","afterEffect":true}}"#)
            _ = try await Self.receipt(world.destination(Self.inParts), unread(file), delivery)
            #expect(repository(delivery, in: world).count == 1)
            #expect(try await delivered(delivery, in: world).count == 1)
        }
    }
}

extension Result where Failure == DeliveryFailure, Success: Sendable {
    init(_ work: () async throws(DeliveryFailure) -> Success) async {
        do throws(DeliveryFailure) {
            self = .success(try await work())
        } catch {
            self = .failure(error)
        }
    }
}

import FoundationEssentials
import PouchKit
import Testing

/// What lies in the journal must be read again by every later Pouch: these forms are kept.
struct StoredFormTests {
    private func expect<Value: Codable & Equatable>(_ value: Value, isStoredAs text: String) throws {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        #expect(String(decoding: try encoder.encode([value]), as: UTF8.self) == "[\(text)]")
        #expect(try JSONDecoder().decode([Value].self, from: Data("[\(text)]".utf8)) == [value])
    }

    @Test("each word is stored in one form and read again")
    func isStored() throws {
        let digests = FileDigests(
            sha256: try #require(SHA256Digest(bytes: [UInt8](repeating: 1, count: 32))), crc64nvme: CRC64NVME(0xAE8B_1486_0A79_9888)
        )
        let sha256 = String(repeating: "01", count: 32)
        try expect(PartnerName("acme"), isStoredAs: "\"acme\"")
        try expect(DeliveryID(high: 1, low: 2), isStoredAs: "\"00000000000000010000000000000002\"")
        try expect(DeliveryKey("a/ü"), isStoredAs: "\"a/ü\"")
        try expect(Timestamp(nanoseconds: -7), isStoredAs: "-7")
        try expect(TargetFingerprint("s3:acme"), isStoredAs: "\"s3:acme\"")
        try expect(digests, isStoredAs: "{\"crc64nvme\":\"rosUhgp5mIg=\",\"sha256\":\"\(sha256)\"}")
        try expect(WhenTaken.suffix, isStoredAs: "\"suffix\"")
        try expect(DeliveryState.quarantined, isStoredAs: "\"quarantined\"")
        try expect(Receipt.Confirmation.byConflict, isStoredAs: "\"by-conflict\"")
        try expect(
            Checkpoint(stage: .store, version: 2, target: TargetFingerprint("t"), payload: [1, 255]),
            isStoredAs: "{\"payload\":[1,255],\"stage\":\"store\",\"target\":\"t\",\"version\":2}")
        try expect(
            FileIdentity(device: 1, inode: 2, birth: 3, size: 4, modified: 5),
            isStoredAs: "{\"birth\":3,\"device\":1,\"inode\":2,\"modified\":5,\"size\":4}")
        try expect(
            Receipt(
                location: "file:///x", key: "x", confirmation: .byAnswer,
                stages: [StageRecord(stage: .place, identity: nil, facts: ["a": "b"], requests: 1, milliseconds: 2)]),
            isStoredAs: "{\"confirmation\":\"by-answer\",\"key\":\"x\",\"location\":\"file:///x\",\"stages\":"
                + "[{\"facts\":{\"a\":\"b\"},\"milliseconds\":2,\"requests\":1,\"stage\":\"place\"}]}")
    }

    @Test("what has another form is refused when it is read")
    func isStrict() {
        func refuses<Value: Codable>(_ type: Value.Type, _ text: String) {
            #expect(throws: (any Error).self) { try JSONDecoder().decode([Value].self, from: Data("[\(text)]".utf8)) }
        }
        refuses(PartnerName.self, "\"Acme\"")
        refuses(DeliveryID.self, "\"12\"")
        refuses(DeliveryKey.self, "\"../x\"")
        refuses(SHA256Digest.self, "\"12\"")
        refuses(CRC64NVME.self, "\"AA==\"")
        refuses(WhenTaken.self, "\"overwrite\"")
    }

    @Test("only what is over is final")
    func knowsTheEnd() { #expect(DeliveryState.allCases.filter(\.isFinal) == [.delivered, .quarantined]) }

    @Test("a file is the same file whatever was written to it, and no other file is it")
    func identifiesFiles() {
        let file = FileIdentity(device: 1, inode: 2, birth: 3, size: 4, modified: 5)
        #expect(file.isSameFile(as: FileIdentity(device: 1, inode: 2, birth: 3, size: 9, modified: 9)))
        for other in [(9, 2, 3), (1, 9, 3), (1, 2, 9)] as [(UInt64, UInt64, Int64)] {
            #expect(!file.isSameFile(as: FileIdentity(device: other.0, inode: other.1, birth: other.2, size: 4, modified: 5)))
        }
    }

    @Test("the limits of a partner change while deliveries run")
    func changesBudgets() {
        let budget = TransferBudget(TransferBudget.Limits(atOnce: 2))
        budget.change(to: TransferBudget.Limits(bytesPerSecond: 5, atOnce: 3))
        #expect(budget.limits == TransferBudget.Limits(bytesPerSecond: 5, atOnce: 3))
    }

    @Test("the machine's clocks go forwards")
    func tells() async throws {
        let clock = SystemClock()
        let before = (clock.now, clock.monotonic)
        try await clock.sleep(for: .zero)
        #expect(clock.monotonic >= before.1)
        #expect(before.0.civil.year >= 2024)
    }
}

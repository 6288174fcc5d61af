import PouchAgent
import PouchFiles
import PouchJournal
import PouchKit
import PouchTestSupport
import Synchronization
import Testing

/// One real file, and how often it was opened.
private final class OneFile: ClaimedFiles {
    let folder: TemporaryFolder
    let identity: FileIdentity
    private let opened = Mutex(0)

    init(_ text: String) throws {
        folder = try TemporaryFolder("source")
        identity = try OpenFile.open(try folder.write(text, to: "file")).status().identity
    }

    var openings: Int { opened.withLock { $0 } }

    func open(_ file: JournalFile) throws(DeliveryFailure) -> SharedFile {
        opened.withLock { $0 += 1 }
        do throws(FileProblem) {
            return try OpenFile.open(folder.path("file")).shared()
        } catch {
            throw DeliveryFailure(.quarantine, code: "source-missing", attempt: "open", cause: "\(error)")
        }
    }

    func current(_ file: JournalFile) throws(DeliveryFailure) -> FileIdentity { identity }

    /// The same inode with other bytes.
    func change(to text: String) throws {
        try Rewriting.rewrite(folder.path("file"), as: text)
    }
}

@Suite("the shelf of open sources")
struct SourceTests {
    private let lane = BlockingExecutor(name: "test-lane", threads: 2)

    @Test("opens a file once for all its partners, and reads it once for their digests")
    func sharesFileAndDigests() async throws {
        let files = try OneFile("contents")
        let shelf = SourceShelf(claims: files)
        let file = try Specimen.file(identity: files.identity)
        let computed = Mutex<[FileDigests]>([])
        let sources = try [Specimen.acme, Specimen.globex].map {
            try shelf.source(of: try Specimen.delivery(of: file, to: $0))
        }
        #expect(sources[0] === sources[1])
        let digests = try await withThrowingTaskGroup(of: FileDigests.self) { group in
            for source in sources {
                let outgoing = source.outgoing(reading: lane) { new in computed.withLock { $0.append(new) } }
                group.addTask { try await outgoing.digests() }
            }
            return try await group.reduce(into: []) { $0.append($1) }
        }
        #expect(files.openings == 1)
        #expect(digests.map(\.sha256) == Array(repeating: SeenObject(Array("contents".utf8)).sha256, count: 2))
        #expect(computed.withLock { $0.count } == 1)
    }

    @Test("does not read a file again whose digests the journal has")
    func usesKnownDigests() async throws {
        let files = try OneFile("contents")
        let known = FileDigests(sha256: SeenObject(Array("told".utf8)).sha256, crc64nvme: CRC64NVME(9))
        let delivery = try Specimen.delivery(of: Specimen.file(identity: files.identity, digests: known))
        let outgoing = try SourceShelf(claims: files).source(of: delivery)
            .outgoing(reading: lane) { _ in Issue.record("nothing is computed") }
        #expect(try await outgoing.digests() == known)
    }

    @Test("closes a file when nobody uses it any more, and opens it again for the next")
    func letsGo() throws {
        let files = try OneFile("contents")
        let shelf = SourceShelf(claims: files)
        let delivery = try Specimen.delivery(of: Specimen.file(identity: files.identity))
        do { _ = try shelf.source(of: delivery) }
        _ = try shelf.source(of: delivery)
        #expect(files.openings == 2)
    }

    @Test("says that the source changed when it was written to after it was claimed")
    func noticesChanges() async throws {
        let files = try OneFile("contents")
        let delivery = try Specimen.delivery(of: Specimen.file(identity: files.identity))
        let outgoing = try SourceShelf(claims: files).source(of: delivery).outgoing(reading: lane) { _ in }
        try outgoing.verifyUnchanged()
        try files.change(to: "other con")
        let later = #expect(throws: DeliveryFailure.self) { try outgoing.verifyUnchanged() }
        #expect(later?.remedy == .sourceChanged)
        #expect(later?.code == "source-changed")
        #expect(later?.hint?.contains("quiet") == true)
        let read = await #expect(throws: DeliveryFailure.self) { () async throws in _ = try await outgoing.digests() }
        #expect(read?.remedy == .sourceChanged)
    }

    @Test("notices a change that left the size as it was")
    func noticesSameSize() async throws {
        let files = try OneFile("contents")
        let delivery = try Specimen.delivery(of: Specimen.file(identity: files.identity))
        let outgoing = try SourceShelf(claims: files).source(of: delivery).outgoing(reading: lane) { _ in }
        try files.change(to: "CONTENTS")
        let failure = await #expect(throws: DeliveryFailure.self) { () async throws in _ = try await outgoing.digests() }
        #expect(failure?.remedy == .sourceChanged)
    }
}

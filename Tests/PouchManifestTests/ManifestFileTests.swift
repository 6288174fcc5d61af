import PouchFiles
import PouchKit
import PouchManifest
import PouchTestSupport
import Testing

struct ManifestFileTests {
    private let folder: TemporaryFolder
    private var place: String { folder.path("state/manifest") }

    init() throws { folder = try TemporaryFolder("manifest") }

    private func append(_ lines: [ManifestFile.Line]) throws {
        var file = try ManifestFile.open(folder: place)
        try file.append(lines)
    }

    private func contents() throws -> [UInt8] { try folder.read("state/manifest/manifest.jsonl") }

    private func setContents(_ bytes: [UInt8]) throws { try folder.write(bytes, to: "state/manifest/manifest.jsonl") }

    @Test("lines are appended in order and the file knows its end")
    func appends() throws {
        let lines = try Specimens.lines(10)
        try append(Array(lines[..<4]))
        try append(Array(lines[4...]))
        let file = try ManifestFile.open(folder: place)
        #expect(file.lastSequence == 10)
        #expect(file.lastDigest == ManifestEntry.digest(of: lines[9].bytes))
        #expect(file.repairs.isEmpty)
        #expect(try contents() == Specimens.bytes(lines))
        let status = try folder.handle().status(of: Array("state/manifest/manifest.jsonl".utf8))
        #expect(status.mode == 0o600)
    }

    @Test("an empty manifest is at its beginning")
    func isEmpty() throws {
        let file = try ManifestFile.open(folder: place)
        #expect(file.lastSequence == 0 && file.lastDigest == ManifestEntry.origin)
        try append([])
    }

    @Test("lines that are there already are not written again", arguments: [0..<10, 3..<7, 9..<12, 0..<12])
    func isIdempotent(_ range: Range<Int>) throws {
        let lines = try Specimens.lines(12)
        try append(Array(lines[..<10]))
        try append(Array(lines[range]))
        #expect(try contents() == Specimens.bytes(Array(lines[..<max(10, range.upperBound)])))
    }

    @Test("a gap is refused and nothing is written")
    func refusesGaps() throws {
        let lines = try Specimens.lines(6)
        try append(Array(lines[..<2]))
        let problem = #expect(throws: ManifestFileProblem.self) { try append(Array(lines[3...])) }
        #expect(problem?.description.contains("it ends with line 2, and line 4 is the next to write") == true)
        #expect(throws: ManifestFileProblem.self) { try append([lines[2], lines[4]]) }
        #expect(try contents() == Specimens.bytes(Array(lines[..<2])))
    }

    @Test("a manifest that was lost goes on where the journal is, and says what is missing")
    func goesOnAfterALoss() throws {
        let lines = try Specimens.lines(6)
        try append(Array(lines[3...]))
        let report = try ManifestVerification.verify(folder: place, head: Specimens.head(lines))
        #expect(report.findings.map(\.description) == ["line 1: removed: sequences 1 to 3 must come before this line"])
        #expect(report.isAnchored)
    }

    @Test("another line at the same place is refused: the file belongs to another journal")
    func refusesConflicts() throws {
        let lines = try Specimens.lines(4)
        try append(lines)
        let other = ManifestFile.Line(sequence: 3, bytes: try Specimens.entry(3, facts: ["other": "journal"]).line())
        let problem = #expect(throws: ManifestFileProblem.self) { try append([other]) }
        #expect(problem?.description.contains("its line 3 is another one than the journal's") == true)
        #expect(try contents() == Specimens.bytes(lines))
    }

    @Test("a torn last line is cut off, kept aside and reported", arguments: [1, 7, 100, 400])
    func repairsTornTail(_ kept: Int) throws {
        let lines = try Specimens.lines(4)
        let torn = Specimens.bytes(Array(lines[..<3])) + lines[3].bytes.prefix(kept)
        try setContents(torn)
        var file = try ManifestFile.open(folder: place)
        #expect(file.lastSequence == 3)
        #expect(file.repairs.map(\.byteCount) == [Int64(kept)])
        let keptName = try #require(try folder.names(in: "state/manifest").first { $0.contains("torn") })
        #expect(try folder.read("state/manifest/" + keptName) == Array(lines[3].bytes.prefix(kept)))
        try file.append([lines[3]])
        #expect(try contents() == Specimens.bytes(lines))
        #expect(try ManifestVerification.verify(folder: place, head: Specimens.head(lines)).isGood)
    }

    @Test("cut at any byte of the last line, it is written again and no line is lost")
    func repairsEveryCut() throws {
        let lines = try Specimens.lines(2)
        let whole = Specimens.bytes(lines)
        for count in stride(from: lines[0].bytes.count + 1, through: whole.count, by: 13) {
            try setContents(Array(whole.prefix(count)))
            try append([lines[1]])
            #expect(try contents() == whole)
        }
    }

    @Test("zeros that a power cut left where lines were are replaced by the lines")
    func repairsZeros() throws {
        let lines = try Specimens.lines(6)
        var bytes = Specimens.bytes(lines)
        let start = Specimens.bytes(Array(lines[..<3])).count
        for index in start..<(start + 900) { bytes[index] = 0 }
        try setContents(bytes)
        try append(Array(lines[3...]))
        #expect(try contents() == Specimens.bytes(lines))
        try setContents(Specimens.bytes(Array(lines[..<3])) + [UInt8](repeating: 0, count: 20_000) + [UInt8(ascii: "\n")])
        try append(Array(lines[3...]))
        #expect(try contents() == Specimens.bytes(lines))
    }

    @Test("a last line that is whole and no entry is refused, not cut: that was no crash")
    func refusesForeignEnd() throws {
        let lines = try Specimens.lines(2)
        try setContents(Specimens.bytes([lines[0]]) + Array("hello\n".utf8))
        let problem = #expect(throws: ManifestFileProblem.self) { _ = try ManifestFile.open(folder: place) }
        #expect(problem?.description.contains("its last line cannot be read") == true)
    }

    @Test("a manifest that is a link is not followed")
    func refusesLinks() throws {
        try folder.write("", to: "elsewhere")
        try folder.makeFolder("state/manifest")
        try folder.link("state/manifest/manifest.jsonl", to: "../../elsewhere")
        #expect(throws: ManifestFileProblem.self) { _ = try ManifestFile.open(folder: place) }
    }

    @Test("every line is shown, in order")
    func reads() throws {
        let lines = try Specimens.lines(300)
        try append(lines)
        var seen: [[UInt8]] = []
        try ManifestReader.forEachLine(in: place) { seen.append($0) }
        #expect(seen == lines.map(\.bytes))
        try ManifestReader.forEachLine(in: folder.path("nowhere")) { _ in Issue.record("there is no manifest") }
    }

    @Test("a full disk loses no line and leaves no half one")
    func survivesFullDisks() throws {
        guard TemporaryFolder.mayMount else { return }
        try folder.makeFolder("state/manifest")
        try folder.mountSmall(on: "state/manifest", size: "32k")
        let lines = try Specimens.lines(100)
        var written = 0
        var problem: ManifestFileProblem?
        while problem == nil, written < lines.count {
            do throws(ManifestFileProblem) {
                var file = try ManifestFile.open(folder: place)
                try file.append(Array(lines[written..<min(written + 7, lines.count)]))
                written = min(written + 7, lines.count)
            } catch {
                problem = error
            }
        }
        #expect(problem?.isNoSpace == true)
        #expect(try contents() == Specimens.bytes(Array(lines[..<written])))
        #expect(try ManifestFile.open(folder: place).lastSequence == Int64(written))
    }
}

import PouchKit
import PouchManifest
import PouchTestSupport
import Testing

struct ManifestVerificationTests {
    private let folder: TemporaryFolder

    init() throws { folder = try TemporaryFolder("manifest") }

    private func verify(_ bytes: [UInt8], head: ManifestVerification.Head? = nil) throws -> ManifestVerification.Report {
        try ManifestVerification.verify(file: folder.write(bytes, to: "m/manifest.jsonl"), head: head)
    }

    private func verify(_ lines: [ManifestFile.Line], head: ManifestVerification.Head? = nil) throws -> ManifestVerification.Report
    {
        try verify(Specimens.bytes(lines), head: head)
    }

    /// `kind@line`
    private func found(_ report: ManifestVerification.Report) -> [String] {
        report.findings.map { "\($0.kind.rawValue)@\($0.line)" }
    }

    @Test("a manifest as it was written is good, anchored only with a journal")
    func acceptsGood() throws {
        let lines = try Specimens.lines(20)
        let anchored = try verify(lines, head: Specimens.head(lines))
        #expect(anchored.isGood && anchored.isAnchored && anchored.lines == 20 && anchored.lastSequence == 20)
        let alone = try verify(lines)
        #expect(alone.isGood && !alone.isAnchored)
        #expect(try verify([UInt8]()).isGood)
        #expect(try verify([UInt8](), head: Specimens.head([])).isAnchored)
        let nothing = try ManifestVerification.verify(folder: folder.path("absent"), head: Specimens.head([]))
        #expect(nothing.isGood && nothing.lines == 0)
        #expect(throws: ManifestFileProblem.self) { try ManifestVerification.verify(file: folder.path("absent"), head: nil) }
    }

    @Test("any single byte that is changed is found, and its line is named")
    func findsEveryChangedByte() throws {
        let lines = try Specimens.lines(3)
        let good = Specimens.bytes(lines)
        let head = Specimens.head(lines)
        var generator = SeededGenerator(seed: 3)
        var number: Int64 = 1
        for index in good.indices {
            var bytes = good
            bytes[index] = good[index] &+ UInt8.random(in: 1...255, using: &generator)
            let report = try verify(bytes, head: head)
            // A newline that comes or goes moves the lines after it.
            #expect(report.findings.contains { $0.line == number }, "byte \(index) of line \(number): \(report.findings)")
            let isPlain = good[index] != UInt8(ascii: "\n") && bytes[index] != UInt8(ascii: "\n")
            if isPlain { #expect(report.findings.map(\.line) == [number], "byte \(index) of line \(number): \(report.findings)") }
            if good[index] == UInt8(ascii: "\n") { number += 1 }
        }
    }

    @Test("a change that leaves a good line shows too, in each line and each field", arguments: 1...6)
    func findsPlausibleChanges(_ number: Int) throws {
        let lines = try Specimens.lines(6)
        let head = Specimens.head(lines)
        for (found, replacement) in [
            ("\"size\":12", "\"size\":13"), ("edge-01", "edge-02"), ("\"previous\":\"", "\"previous\":\"~"),
            ("\"sequence\":", "\"sequence\":1"),
        ] {
            var changed = lines
            var text = String(decoding: lines[number - 1].bytes, as: UTF8.self).replacing(found, with: replacement)
            if let mark = text.firstIndex(of: "~") {
                // The first digit of `previous`, so that it is another digest.
                let digit = text[text.index(after: mark)]
                text.replaceSubrange(mark...text.index(after: mark), with: digit == "f" ? "e" : "f")
            }
            changed[number - 1] = ManifestFile.Line(sequence: lines[number - 1].sequence, bytes: Array(text.utf8))
            let report = try verify(changed, head: head)
            #expect(report.findings.map(\.line) == [Int64(number)], "\(replacement): \(report.findings)")
            if number < 6 {
                #expect(try verify(changed).findings.contains { $0.line == number || $0.line == number - 1 }, "\(replacement)")
            }
        }
    }

    @Test("two changed lines are both named", arguments: [(2, 3), (2, 4), (1, 2), (4, 5), (1, 5)])
    func namesBoth(_ first: Int, _ second: Int) throws {
        let lines = try Specimens.lines(5)
        var changed = lines
        for number in [first, second] {
            let text = String(decoding: lines[number - 1].bytes, as: UTF8.self).replacing("\"size\":12", with: "\"size\":99")
            changed[number - 1] = ManifestFile.Line(sequence: Int64(number), bytes: Array(text.utf8))
        }
        let report = try verify(changed, head: Specimens.head(lines))
        #expect(!report.isGood)
        // The second of two neighbours stands in for both links: the first is accused by the second, which is not to be trusted.
        #expect(report.findings.contains { $0.line == first || $0.line == second })
        if second > first + 1 { #expect(report.findings.map(\.line) == [Int64(first), Int64(second)]) }
    }

    @Test("a line that was taken out is found, and where it must come is named", arguments: 0..<7)
    func findsRemoval(_ index: Int) throws {
        let lines = try Specimens.lines(8)
        var changed = lines
        changed.remove(at: index)
        let report = try verify(changed)
        #expect(found(report) == ["removed@\(index + 1)"])
        #expect(report.findings[0].text == "sequence \(index + 1) must come before this line")
    }

    @Test("two lines that changed places are found", arguments: [(0, 1), (2, 3), (6, 7), (1, 5), (0, 7)])
    func findsSwaps(_ first: Int, _ second: Int) throws {
        let lines = try Specimens.lines(8)
        var changed = lines
        changed.swapAt(first, second)
        let report = try verify(changed, head: Specimens.head(lines))
        #expect(report.findings.contains { $0.kind == .reordered }, "\(report.findings)")
        #expect(!report.findings.contains { $0.kind == .altered || $0.kind == .removed }, "\(report.findings)")
    }

    @Test("a line that is there twice is found", arguments: 0..<5)
    func findsRepetition(_ index: Int) throws {
        let lines = try Specimens.lines(5)
        var changed = lines
        changed.insert(lines[index], at: index + 1)
        #expect(try found(verify(changed, head: Specimens.head(lines))) == ["repeated@\(index + 2)"])
        changed = lines + [lines[index]]
        #expect(try found(verify(changed, head: Specimens.head(lines))) == ["repeated@6"])
    }

    @Test("a cut tail shows in comparison with the journal, and only there")
    func findsCutTail() throws {
        let lines = try Specimens.lines(8)
        let cut = Array(lines.prefix(5))
        let report = try verify(cut, head: Specimens.head(lines))
        #expect(found(report) == ["cut-tail@6"])
        #expect(report.findings[0].text == "sequences 6 to 8 must come here, as the journal remembers")
        #expect(try verify(cut).isGood)
        #expect(
            try found(verify(Specimens.bytes(lines).dropLast(10), head: Specimens.head(lines))) == ["unfinished@8"])
        #expect(try found(verify([UInt8](), head: Specimens.head(lines))) == ["cut-tail@1"])
    }

    @Test("lines that the journal has still to write are not missing")
    func toleratesUnwritten() throws {
        let lines = try Specimens.lines(8)
        let head = Specimens.head(lines, unwritten: 3)
        #expect(try verify(Array(lines.prefix(5)), head: head).isGood)
        #expect(try verify(lines, head: head).isGood)
        #expect(try found(verify(Array(lines.prefix(4)), head: head)) == ["cut-tail@5"])
    }

    @Test("a manifest that was written anew shows in comparison with the journal, and only there")
    func findsRewriting() throws {
        let lines = try Specimens.lines(6)
        var forged: [ManifestFile.Line] = []
        var previous = ManifestEntry.origin
        for line in lines {
            let entry = try Specimens.entry(line.sequence, after: previous, facts: ["forged": "yes"])
            forged.append(ManifestFile.Line(sequence: line.sequence, bytes: entry.line()))
            previous = ManifestEntry.digest(of: entry.line())
        }
        let report = try verify(forged, head: Specimens.head(lines))
        #expect(found(report) == ["rewritten@6"])
        #expect(report.isAnchored)
        #expect(try verify(forged).isGood)
    }

    @Test("lines that the journal never wrote are found, unless the agent is running")
    func findsForeignTail() throws {
        let lines = try Specimens.lines(6)
        let known = Array(lines.prefix(4))
        #expect(try found(verify(lines, head: Specimens.head(known))) == ["foreign-tail@6"])
        let report = try verify(lines, head: Specimens.head(known, isMoving: true))
        #expect(report.isGood && report.isAnchored && report.lastSequence == 6)
    }

    @Test("what is no manifest is refused line by line, in bounded memory")
    func survivesGarbage() throws {
        let long = [UInt8](repeating: UInt8(ascii: "x"), count: ManifestEntry.longestLine * 3) + [UInt8(ascii: "\n")]
        let report = try verify(long + Array(repeating: UInt8(ascii: "\n"), count: 2_000))
        #expect(report.findings.count == 1_000 && report.omitted == 1_001 && report.lines == 2_001)
        #expect(report.findings[0].text.contains("longer than"))
        let lines = try Specimens.lines(3)
        let inserted = Specimens.bytes([lines[0]]) + Array("what?\n".utf8) + Specimens.bytes(Array(lines[1...]))
        #expect(try found(verify(inserted, head: Specimens.head(lines))) == ["unreadable@2"])
    }

    @Test("whatever is done to a manifest, reading it ends in a report")
    func survivesFuzzing() throws {
        let lines = try Specimens.lines(6)
        let good = Specimens.bytes(lines)
        let head = Specimens.head(lines)
        var generator = SeededGenerator(seed: 99)
        for _ in 0..<400 {
            var bytes = good
            for _ in 0..<Int.random(in: 1...3, using: &generator) {
                let start = Int.random(in: 0..<bytes.count, using: &generator)
                let end = min(bytes.count, start + Int.random(in: 1...1_500, using: &generator))
                switch Int.random(in: 0..<3, using: &generator) {
                case 0: bytes.removeSubrange(start..<end)
                case 1: bytes.insert(contentsOf: good[min(start, good.count - 1)..<min(end, good.count)], at: start)
                default: bytes.replaceSubrange(start..<end, with: generator.bytes(end - start))
                }
                if bytes.isEmpty { bytes = [0] }
            }
            guard bytes != good else { continue }
            #expect(try !verify(bytes, head: head).isGood)
        }
    }
}

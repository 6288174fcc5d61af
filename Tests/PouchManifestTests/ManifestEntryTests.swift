import PouchKit
import PouchManifest
import PouchTestSupport
import Testing

struct ManifestEntryTests {
    @Test("a line is JSON on one line, in a fixed order")
    func writesOneLine() throws {
        let line = String(decoding: try Specimens.entry().line(), as: UTF8.self)
        #expect(
            line == #"{"version":1,"sequence":1,"previous":""# + String(repeating: "0", count: 64)
                + #"","time":"2026-11-23T14:05:09.123Z","agent":"edge-01","delivery":"00000000000000010000000000000007","outcome":"delivered","#
                + #""file":{"folder":"./drop","path":"reports/eu-1.csv","size":12,"sha256":""# + String(repeating: "ab", count: 32)
                + #"","crc64nvme":"rosUhgp5mIg=","modified":"2026-11-23T14:05:09.123456789Z"},"route":"reports","partner":"acme","#
                + #""destination":"s3-secure-inbox","location":"s3://acme-inbox/from-orga/eu-1.csv","key":"from-orga/eu-1.csv","#
                + #""confirmation":"by-answer","attempts":2,"stages":[{"stage":"publish","identity":"publisher","facts":{"bucket":"acme-inbox","#
                + #""key":"from-orga/eu-1.csv"},"requests":1,"milliseconds":42}]}"#)
    }

    @Test("an entry is read as it was written", arguments: ManifestEntry.Outcome.allCases)
    func readsItsOwn(_ outcome: ManifestEntry.Outcome) throws {
        let entry = try Specimens.entry(
            3, outcome: outcome, reason: ManifestEntry.Reason(code: "key-unsafe", text: "no\nway \u{202E}x\" \\ ü"))
        #expect(try ManifestEntry(line: entry.line()) == entry)
        #expect(!entry.line().contains(UInt8(ascii: "\n")))
    }

    @Test("a path that is not UTF-8 keeps its bytes, beside a form for people")
    func keepsForeignPaths() throws {
        let entry = try Specimens.entry(path: Array("a\\b/".utf8) + [0xFF, 0x0A, 0xC3, 0xBC])
        let line = entry.line()
        #expect(
            String(decoding: line, as: UTF8.self).contains(#""path":"a\\x5cb/\\xff\\x0a\\xc3\\xbc","pathBytes":"YVxiL/8Kw7w=""#))
        #expect(try ManifestEntry(line: line).file.path.bytes == entry.file.path.bytes)
    }

    @Test("hostile names stay on their line and come back as they were")
    func survivesNaughtyNames() throws {
        for text in try Vectors.naughtyStrings() {
            guard let path = try? DropPath(text) else { continue }
            let entry = try Specimens.entry(path: path.bytes, facts: ["text": text, text: "text"])
            let line = entry.line()
            #expect(line.allSatisfy { $0 >= 0x20 && $0 != 0x7F })
            #expect(try ManifestEntry(line: line) == entry, "\(VisibleText.escaped(text))")
        }
    }

    @Test(
        "times of any file are kept to the nanosecond",
        arguments: [Int64.min, Int64.min + 1, -1, 0, 1, 999_999_999, -2_177_452_800_000_000_001, Int64.max])
    func keepsOddTimes(_ nanoseconds: Int64) throws {
        let entry = try Specimens.entry(modified: Timestamp(nanoseconds: nanoseconds))
        #expect(try ManifestEntry(line: entry.line()).file.modified.nanoseconds == nanoseconds)
    }

    @Test("what a server said at length is cut")
    func cutsLongTexts() throws {
        let entry = try Specimens.entry(
            facts: ["answer": String(repeating: "ü", count: 100_000)],
            reason: ManifestEntry.Reason(code: "x", text: String(repeating: "y", count: 9_000)))
        #expect(entry.line().count < 20_000)
        #expect(try ManifestEntry(line: entry.line()) == entry)
    }

    @Test("a line that is written in any other way is refused")
    func isStrict() throws {
        let good = String(decoding: try Specimens.entry().line(), as: UTF8.self)
        let changes = [
            ("{\"version\"", "{ \"version\""), ("\"version\":1", "\"version\":1.0"), ("\"version\":1", "\"version\":0"),
            ("\"sequence\":1", "\"sequence\":01"), ("\"sequence\":1", "\"sequence\":-1"),
            ("\"sequence\":1", "\"sequence\":9007199254740993"),
            ("\"agent\":\"edge-01\"", "\"agent\":\"\\u0065dge-01\""), ("\"agent\":\"edge-01\",", ""),
            ("\"agent\":\"edge-01\"", "\"agent\":7"),
            ("\"attempts\":2", "\"attempts\":2,\"more\":1"), ("\"outcome\":\"delivered\"", "\"outcome\":\"Delivered\""),
            ("2026-11-23T14", "2026-13-23T14"), ("2026-11-23T14", "9999-11-23T14"), (".123Z", ".1234Z"),
            ("\"size\":12", "\"size\":12e0"),
            ("reports/eu-1.csv", "../eu-1.csv"), ("rosUhgp5mIg=", "rosUhgp5mIh="),
            ("\"facts\":{\"bucket\"", "\"facts\":{\"bucket\":\"x\",\"bucket\""),
            ("\"partner\":\"acme\"", "\"partner\":\"Acme\""), ("abab", "ABAB"), ("}]}", "}]} "), ("}]}", "}]"),
        ]
        for (found, replacement) in changes {
            let changed = good.replacing(found, with: replacement, maxReplacements: 1)
            #expect(changed != good)
            #expect(throws: ManifestLineProblem.self, "\(found) → \(replacement)") { try ManifestEntry(line: Array(changed.utf8)) }
        }
    }

    @Test("a line of a later version is not called damaged")
    func knowsLaterVersions() throws {
        let later = Array(#"{"version":3,"anything":[]}"#.utf8)
        #expect(throws: ManifestLineProblem.newer(version: 3)) { try ManifestEntry(line: later) }
    }

    @Test("a sealed delivery is a line of version 2 and says what was sent, and for whom")
    func sealed() throws {
        let entry = try Specimens.entry(sealed: Specimens.seal)
        let line = String(decoding: entry.line(), as: UTF8.self)
        #expect(line.hasPrefix(#"{"version":2,"sequence":1,"#))
        #expect(
            line.contains(
                #":09.123456789Z"},"sealed":{"form":"cms-aes-256-gcm","size":612,"sha256":""#
                    + String(repeating: "cd", count: 32) + #"","crc64nvme":"AAAAAAAAAAE=","recipients":[""#
                    + String(repeating: "01", count: 32) + #"",""# + String(repeating: "02", count: 32) + #""]},"route":"reports""#)
        )
        #expect(try ManifestEntry(line: Array(line.utf8)) == entry)
        let changes = [
            (#""version":2"#, #""version":1"#), ("cms-aes-256-gcm", "cms-aes-256-cbc"), (#""size":612,"#, ""), ("0101", "zz01"),
            (#","recipients":["#, #","more":1,"recipients":["#),
        ]
        for (found, replacement) in changes {
            let changed = line.replacing(found, with: replacement, maxReplacements: 1)
            #expect(throws: ManifestLineProblem.self, "\(found) → \(replacement)") { try ManifestEntry(line: Array(changed.utf8)) }
        }
        let unsealed = String(decoding: try Specimens.entry().line(), as: UTF8.self).replacing(
            #""version":1"#, with: #""version":2"#)
        #expect(throws: ManifestLineProblem.self) { try ManifestEntry(line: Array(unsealed.utf8)) }
    }

    @Test("JSON is read as strictly as the JSON test suite asks for")
    func passesTheSuite() throws {
        var counts = (accepted: 0, refused: 0, free: 0)
        for name in try Vectors.names(in: "json/test_parsing") where name.hasSuffix(".json") {
            guard let bytes = try Vectors.bytes("json/test_parsing/" + name) else { continue }
            let isJSON = Self.isJSON(bytes)
            switch name.first {
            case "y":
                #expect(isJSON, "\(name)")
                counts.accepted += 1
            case "n":
                #expect(!isJSON, "\(name)")
                counts.refused += 1
            default: counts.free += 1
            }
        }
        if counts.accepted > 0 { #expect(counts == (95, 188, 35)) }
    }

    /// What is no JSON at all is said to be none; what is JSON and no entry fails for another reason.
    private static func isJSON(_ bytes: [UInt8]) -> Bool {
        do {
            _ = try ManifestEntry(line: bytes)
            return true
        } catch {
            return !"\(error)".contains("not JSON")
        }
    }
}

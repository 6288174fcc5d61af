import PouchKit
import PouchRouting
import PouchTestSupport
import Testing

struct KeyTemplateTests {
    /// 2026-11-03T04:05:06Z
    private static let time = Timestamp(
        seconds: CivilDate.secondsSince1970(year: 2026, month: 11, day: 3, hour: 4, minute: 5, second: 6))

    private static func facts(_ bytes: [UInt8]) throws -> DropFacts {
        DropFacts(folder: "./drop", path: try DropPath(bytes: bytes), size: 1, admitted: time)
    }

    private static func key(_ template: String, _ path: String, _ captures: [String: String] = [:]) throws -> String {
        let captures = captures.map { Capture(name: $0.key, value: Array($0.value.utf8)) }
        return try KeyTemplate(template, captures: captures.map(\.name)).key(for: facts(Array(path.utf8)), captures: captures)
            .description
    }

    @Test(
        "fields stand for what they name",
        arguments: [
            ("{name}", "a/b/eu-1.csv", "eu-1.csv"), ("{stem}", "a/x.tar.gz", "x.tar"), ("{ext}", "a/x.tar.gz", "gz"),
            ("{path}", "a/b c/ü.csv", "a/b c/ü.csv"), ("{folder}", "a/b/c", "a/b"), ("{folder}/{name}", "top.csv", "top.csv"),
            ("in/{folder}/{name}", "top.csv", "in/top.csv"), ("in/{folder}", "top.csv", "in"),
            ("pre-{folder}/x", "a/b/c", "pre-a/b/x"),
            ("{date}", "x", "2026-11-03"), ("{date:yyyy-MM-dd}/{name}", "x", "2026-11-03/x"),
            ("{date:yyyy/MM/dd}/{name}", "x", "2026/11/03/x"),
            ("{date:yyyyMMdd}T{date:HHmmss}Z", "x", "20261103T040506Z"), ("{date:HH:mm}", "x", "04:05"),
            ("{stem}.{ext}", "README", "README"),
            ("{stem}.{ext}", "a.csv", "a.csv"), ("{stem}~{date}.{ext}", "a.csv", "a~2026-11-03.csv"),
            ("{stem}", ".bashrc", ".bashrc"),
            ("\\{x\\}\\\\", "x", "{x}\\"), ("static", "x", "static"), ("{stem}-{ext}", "a.", "a-"), ("{stem}{ext}", "x..", "x."),
            ("{stem}.{ext}", "x..", "x."),
            ("{name}", "a\u{301}.x", "a\u{301}.x"),
        ])
    func writes(_ template: String, _ path: String, _ key: String) throws {
        #expect(try Array(Self.key(template, path).utf8) == Array(key.utf8))
    }

    @Test("captures are put in")
    func writesCaptures() throws {
        #expect(try Self.key("{region}/{date:yyyy}/{name}", "reports/eu-1.csv", ["region": "eu"]) == "eu/2026/eu-1.csv")
    }

    @Test(
        "a key that is not safe is refused, with the rule",
        arguments: [
            ("{region}/x", "a", ["region": ".."], "the part '{region}' would be '..'"),
            ("{region}/x", "a", ["region": "."], "the part '{region}' would be '.'"),
            (".{region}/x", "a", ["region": "."], "the part '.{region}' would be '..'"),
            ("{region}", "a", ["region": "a/b"], "'a/b', which {region} stands for, contains '/'"),
            ("{region}", "a", ["region": ""], "the part '{region}' is empty for 'a'"),
            ("{ext}/x", "README", [:], "the part '{ext}' is empty for 'README'"),
            (".{ext}/x", "README", [:], "the part '.{ext}' is empty for 'README'"),
            ("{name}", "a\nb", [:], "the part '{name}' would contain the control character U+000A"),
            ("{path}", "a\u{7F}/b", [:], "the part '{path}' would contain the control character U+007F"),
            ("{stem}", "..x", [:], "the part '{stem}' would be '.'"),
            ("a{folder}/b", "a/\u{1B}[0m/c", [:], "the part 'a{folder}' would contain the control character U+001B"),
        ] as [(String, String, [String: String], String)])
    func refusesUnsafeKeys(_ template: String, _ path: String, _ captures: [String: String], _ rule: String) throws {
        let failure = #expect(throws: KeyFailure.self) { try Self.key(template, path, captures) }
        #expect(failure?.code == .unsafe)
        #expect(failure?.rule == rule)
    }

    @Test("a key of 1,024 bytes is the longest")
    func limitsTheLength() throws {
        #expect(try Self.key("{path}", String(repeating: "ü/", count: 341) + "x").utf8.count == 1_024)
        let failure = #expect(throws: KeyFailure.self) { try Self.key("{path}", String(repeating: "ü/", count: 341) + "xy") }
        #expect(failure?.code == .tooLong)
        #expect(failure?.description.contains("1025 bytes") == true)
    }

    @Test("a name that is not UTF-8 has a key only where the template leaves the name out")
    func refusesForeignNames() throws {
        let drop = try Self.facts(Array("eu/".utf8) + [0xFF] + Array(".csv".utf8))
        let region = [Capture(name: "region", value: Array("eu".utf8))]
        #expect(
            try KeyTemplate("{region}/{date}.{ext}", captures: ["region"]).key(for: drop, captures: region).description
                == "eu/2026-11-03.csv")
        for template in ["{name}", "{path}", "{stem}"] {
            let failure = #expect(throws: KeyFailure.self) { try KeyTemplate(template).key(for: drop, captures: []) }
            #expect(failure?.code == .notUTF8)
            #expect(failure?.rule.contains("\\xff") == true)
        }
        #expect(KeyFailure.Code.allCases.map(\.rawValue) == ["name-not-utf8", "key-too-long", "key-unsafe"])
    }

    @Test(
        "what can never be a key is refused when it is read",
        arguments: [
            ("", 0), ("/a", 0), ("a/", 1), ("a//b", 2), ("a/../b", 2), ("./a", 0), ("a/{nope}", 2), ("{name", 0), ("name}", 4),
            ("a\\", 1),
            ("{date:YYYY}", 6), ("{date:yyyy-mm-dd HH}{x}", 20), ("{date:mm}", 6), ("{name:x}", 0), ("{date:}", 6), ("a\tb", 1),
            ("{regïon}", 0),
        ])
    func refuses(_ template: String, _ offset: Int) {
        let error = #expect(throws: PatternError.self) { try KeyTemplate(template, captures: ["region"]) }
        #expect(error?.offset == offset, "\(error?.description ?? "")")
    }

    @Test("the hint for an unknown field names the known ones, captures included")
    func listsTheFields() {
        let error = #expect(throws: PatternError.self) { try KeyTemplate("{regio}/{name}", captures: ["region"]) }
        #expect(error?.hint == "there are {name}, {stem}, {ext}, {path}, {folder}, {date}, {region}")
    }

    @Test("whatever the template and the name are, a key is safe or refused")
    func survivesFuzzing() throws {
        var generator = SeededGenerator(seed: 7)
        let pieces = [
            "{name}", "{stem}", "{ext}", "{path}", "{folder}", "{date}", "{a}", "/", "/", ".", "..", "x", "\\{", "ü", "~", "{",
            "\\",
        ]
        let bytes: [UInt8] = [0x2E, 0x2E, 0x2F, 0x61, 0xC3, 0xBC, 0xFF, 0x0A, 0x1B, 0x7F, 0x20, 0x2D]
        var (keys, failures, refused) = (0, 0, 0)
        for _ in 0..<30_000 {
            let text = (0..<Int.random(in: 1...6, using: &generator)).map { _ in pieces.randomElement(using: &generator)! }.joined()
            guard let template = try? KeyTemplate(text, captures: ["a"]) else {
                refused += 1
                continue
            }
            let name = (0..<Int.random(in: 1...8, using: &generator)).map { _ in bytes.randomElement(using: &generator)! }
            guard let drop = try? Self.facts(name) else { continue }
            let capture = Capture(
                name: "a",
                value: (0..<Int.random(in: 0...3, using: &generator)).map { _ in bytes.randomElement(using: &generator)! })
            do {
                let key = try template.key(for: drop, captures: [capture])
                #expect(throws: Never.self) { try DeliveryKey(key.description) }
                keys += 1
            } catch {
                failures += 1
            }
        }
        #expect(keys > 1_000 && failures > 1_000 && refused > 1_000, "\(keys) \(failures) \(refused)")
    }
}

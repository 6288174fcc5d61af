import PouchKit
import PouchRouting
import PouchTestSupport
import Testing

struct PathPatternTests {
    @Test(
        "a pattern takes what it says",
        arguments: [
            ("reports/**/{region}-*.csv", "reports/eu-1.csv"),
            ("reports/**/{region}-*.csv", "reports/2026/11/eu-1.csv"),
            ("**", "a"), ("**", "a/b/c"), ("**/*", "a"), ("**/x/**", "x/y"), ("**/x/**", "a/x/b"),
            ("a/**/b", "a/b"), ("a/**/b", "a/x/y/b"), ("a/**/**/b", "a/b"), ("**/a/**/a", "a/a"),
            ("*.csv", ".csv"), ("*.csv", "a.csv"), ("*", "anything at all"),
            ("a?c", "abc"), ("a?c", "aüc"), ("[a-c]x", "bx"), ("[!a-c]x", "dx"), ("[^a-c]x", "dx"), ("[a\\]]", "]"),
            ("[a-]", "-"), ("a\\*b", "a*b"), ("\\{x\\}", "{x}"), ("a\\\\b", "a\\b"), ("a b/ü.txt", "a b/ü.txt"),
            ("*a*b*c*", "xxaxxbxxc"), ("{x}.{y}", "a.b"), ("-*", "-rf"),
        ])
    func takes(_ pattern: String, _ path: String) throws {
        #expect(try PathPattern(pattern).match(DropPath(path)) != nil)
        #expect(try PathPattern(pattern).objection(to: DropPath(path)) == nil)
    }

    @Test(
        "a pattern leaves the rest and says why",
        arguments: [
            ("reports/**/{region}-*.csv", "reports/x.txt", "the last part must end in '.csv'"),
            ("reports/**/{region}-*.csv", "other/eu-1.csv", "the first part must be 'reports'"),
            (
                "reports/**/{region}-*.csv", "reports/eu.csv",
                "the last part must contain '-' after at least one character for {region}"
            ),
            (
                "reports/**/{region}-*.csv", "reports/-eu.csv",
                "the last part must contain '-' after at least one character for {region}"
            ),
            ("reports/**/*.csv", "reports.csv", "the last part must be 'reports'"),
            ("reports/**", "reports", "it has 1 part, the pattern takes at least 2"),
            ("a/*", "a/b/c", "it has 3 parts, the pattern takes 2"),
            ("a/b/*", "a/x/c", "part 2 must be 'b'"),
            ("*.CSV", "a.csv", "the last part must end in '.CSV'"),
            ("ab*ba", "aba", "the last part is too short for its beginning and its end"),
            ("a{x}b", "ab", "the last part leaves no character for {x}"),
            ("[0-9]?*", "ab", "the last part must begin with something like '[0-9]?'"),
            ("x[0-9]", "xa", "the last part must be something like 'x[0-9]'"),
            ("*a*b", "xb", "the last part must contain 'a'"),
            ("**/x/*/y/**/z", "x/a/b/z", "no parts in the middle match 'x/*/y'"),
            ("a/b/**", "a", "it has only 1 part"),
            ("ä.txt", "a\u{308}.txt", "the last part must be 'ä.txt'"),
            ("a?", "a", "the last part must be something like 'a?'"),
        ])
    func leaves(_ pattern: String, _ path: String, _ reason: String) throws {
        let objection = try PathPattern(pattern).objection(to: DropPath(path))
        #expect(try PathPattern(pattern).match(DropPath(path)) == nil)
        #expect(objection == reason)
    }

    @Test(
        "a capture takes as little as possible, and at least one character",
        arguments: [
            ("{region}-*.csv", "eu-west-1.csv", ["region=eu"]),
            ("{a}-{b}.csv", "eu-west-1.csv", ["a=eu", "b=west-1"]),
            ("{a}.{b}", "x.tar.gz", ["a=x", "b=tar.gz"]),
            ("{a}-x", "--x", ["a=-"]),
            ("{year}/**/{name-of}_{n}", "2026/x/y/f_1", ["year=2026", "name-of=f", "n=1"]),
            ("**/{customer}/in/**/{rest}", "x/acme/in/a/b", ["customer=acme", "rest=b"]),
            ("{all}", "ü ö", ["all=ü ö"]),
        ])
    func captures(_ pattern: String, _ path: String, _ expected: [String]) throws {
        let captures = try #require(try PathPattern(pattern).match(DropPath(path)))
        #expect(captures.map { "\($0.name)=\(String(decoding: $0.value, as: UTF8.self))" } == expected)
        #expect(try PathPattern(pattern).captureNames == captures.map(\.name))
    }

    @Test("names that are not UTF-8 match, and captures keep their bytes")
    func takesAnyBytes() throws {
        let path = try DropPath(bytes: Array("in/".utf8) + [0xFF, 0xC3] + Array("-ü.csv".utf8))
        let captures = try #require(try PathPattern("in/{raw}-?.csv").match(path))
        #expect(captures == [Capture(name: "raw", value: [0xFF, 0xC3])])
        #expect(try PathPattern("in/??-*").match(path) != nil)
        #expect(try PathPattern("in/???-*").match(path) == nil)
    }

    @Test("every byte from 1 to 255 but the slash can be a name", arguments: (1...255).filter { $0 != 0x2F }.map { UInt8($0) })
    func takesEveryByte(_ byte: UInt8) throws {
        let path = try DropPath(bytes: [0x78, byte, 0x79])
        #expect(try PathPattern("x{middle}y").match(path) == [Capture(name: "middle", value: [byte])])
        #expect(try PathPattern("x?y").match(path) == [])
    }

    @Test(
        "what cannot be meant is refused, with the place and a hint",
        arguments: [
            ("", 0, "the pattern is empty"), ("/a", 0, "paths are relative to their drop folder"), ("a/", 1, "a part is empty"),
            ("a//b", 2, "a part is empty"), ("a/../b", 2, "no path has a part '.' or '..'"),
            ("a**", 1, "'**' takes whole parts and stands alone between slashes"),
            ("**a", 0, "'**' takes whole parts and stands alone between slashes"),
            ("x.{a,b}", 2, "braces capture text under a name, they do not list alternatives"),
            ("{a}{b}", 3, "two of '*' and '{…}' side by side: nothing says where the first one ends"),
            ("*{b}", 1, "two of '*' and '{…}' side by side: nothing says where the first one ends"),
            ("{a}/{a}", 4, "'{a}' is captured twice"), ("{name}", 0, "'{name}' has a meaning of its own in key templates"),
            ("x{a/b}", 1, "'{' without '}' in the same part"), ("a}", 1, "'}' without '{'"),
            ("ä[", 1, "'[' without ']' in the same part"),
            ("[]", 0, "the set is empty"), ("[z-a]", 1, "the range runs backwards"), ("a\\", 1, "'\\' with nothing to escape"),
            ("{}", 0, "'{}' is not a capture: its name is a letter, then letters, digits, '-' or '_'"),
            ("{date:yyyy}", 0, "'{date:yyyy}' is not a capture: its name is a letter, then letters, digits, '-' or '_'"),
            ("a\nb", 1, "a pattern has no control characters"),
        ])
    func refuses(_ pattern: String, _ offset: Int, _ what: String) {
        let error = #expect(throws: PatternError.self) { try PathPattern(pattern) }
        #expect(error?.offset == offset)
        #expect(error?.what == what)
    }

    @Test("a hostile pattern and a hostile name take no time")
    func isLinear() throws {
        let pattern = try PathPattern(String(repeating: "a*", count: 60) + "b")
        let path = try DropPath(String(repeating: "a", count: 4_000))
        let deep = try PathPattern(String(repeating: "a/**/", count: 60) + "b")
        let folders = try DropPath(Array(repeating: "a", count: 2_000).joined(separator: "/"))
        let inner = try PathPattern(String(repeating: "*a", count: 60) + "*b*")
        let time = ContinuousClock().measure {
            #expect(pattern.match(path) == nil)
            #expect(deep.match(folders) == nil)
            #expect(inner.match(path) == nil)
        }
        #expect(time < .seconds(2))
    }

    @Test("matching agrees with a plain backtracking matcher on small cases")
    func agreesWithTheObvious() throws {
        var generator = SeededGenerator(seed: 11)
        var matched = 0
        for _ in 0..<20_000 {
            let pattern = (0..<Int.random(in: 1...4, using: &generator)).map { _ in
                Bool.random(using: &generator)
                    ? "**"
                    : (0..<Int.random(in: 1...4, using: &generator)).map { _ in
                        ["a", "b", "?", "*"].randomElement(using: &generator)!
                    }.joined()
            }
            .map { $0.count > 2 || $0 != "**" ? $0.replacing(/\*+/, with: "*") : "**" }
            let path = (0..<Int.random(in: 1...5, using: &generator)).map { _ in
                (0..<Int.random(in: 1...4, using: &generator)).map { _ in ["a", "b"].randomElement(using: &generator)! }.joined()
            }
            let expected = Self.matches(pattern[...], path[...], isStart: true)
            let actual = try PathPattern(pattern.joined(separator: "/")).match(DropPath(path.joined(separator: "/"))) != nil
            #expect(actual == expected, "\(pattern) \(path)")
            matched += expected ? 1 : 0
        }
        #expect(matched > 2_000)
    }

    private static func matches(_ pattern: ArraySlice<String>, _ path: ArraySlice<String>, isStart: Bool) -> Bool {
        guard let first = pattern.first else { return path.isEmpty }
        let rest = pattern.dropFirst()
        if first == "**" {
            // At the end, `**` needs something to stand for, unless it is all there is.
            if rest.isEmpty { return !path.isEmpty }
            return (0...path.count).contains { matches(rest, path.dropFirst($0), isStart: false) }
        }
        guard let part = path.first, matchesPart(Array(first)[...], Array(part)[...]) else { return false }
        return matches(rest, path.dropFirst(), isStart: false)
    }

    private static func matchesPart(_ pattern: ArraySlice<Character>, _ text: ArraySlice<Character>) -> Bool {
        guard let first = pattern.first else { return text.isEmpty }
        if first == "*" { return (0...text.count).contains { matchesPart(pattern.dropFirst(), text.dropFirst($0)) } }
        guard let character = text.first, first == "?" || first == character else { return false }
        return matchesPart(pattern.dropFirst(), text.dropFirst())
    }
}

struct GlobTests {
    @Test(
        "a folder is the same however it is written",
        arguments: [
            ("./drop", "drop"), ("drop/", "./drop"), ("drop", "./drop/"), (".", "."), (".", "./"), ("./drops/*", "drops/a"),
            ("/srv/*/drop", "/srv/acme/drop"), ("**/drop", "/srv/x/drop"), ("**/drop", "drop"), ("**", "/srv"),
            ("../drop", "../drop"),
            ("/", "/"),
        ])
    func takes(_ glob: String, _ folder: String) throws { #expect(try Glob(glob).matches(folder)) }

    @Test(
        "another folder is another folder",
        arguments: [
            ("drop", "/drop"), ("/drop", "drop"), ("./drop", "drop/a"), ("drop", "Drop"), (".", "drop"), ("./drops/*", "drops"),
        ])
    func leaves(_ glob: String, _ folder: String) throws { #expect(try !Glob(glob).matches(folder)) }

    @Test("captures are refused in folders")
    func refusesCaptures() {
        let error = #expect(throws: PatternError.self) { try Glob("./drops/{customer}") }
        #expect(error?.offset == 8)
    }
}

import PouchKit
import PouchWatch
import Testing

@Suite("IgnorePatterns")
struct IgnorePatternsTests {
    @Test(
        "temporary and hidden names are passed over by default",
        arguments: [
            "seeds.csv.part", "a/b/seeds.csv.part", "x.tmp", "x.TEMP".lowercased(), "x.filepart", "x.crdownload", ".x.swp", "x.swp",
            "x~",
            ".~lock.x.ods#", "~$report.docx", ".hidden", "a/.hidden", ".seeds.csv.a1B2c3", ".git",
        ])
    func defaults(path: String) throws {
        let reason = try #require(IgnorePatterns().reason(for: DropPath(path)))
        #expect(reason.hasPrefix("a temporary or hidden name ("))
    }

    @Test(
        "other names are taken",
        arguments: ["seeds.csv", "part", "tmp", "x.partx", "x.tmp.csv", "~x", "a.b/c.d", "x.swp.gz", "ümläut ü.txt", "x.tmp/y"])
    func taken(path: String) throws { #expect(try IgnorePatterns().reason(for: DropPath(path)) == nil) }

    @Test("a name that is not UTF-8 is matched by its bytes")
    func bytes() throws {
        let patterns = try IgnorePatterns(["\u{E9}*"])
        #expect(try patterns.reason(for: DropPath(bytes: [0xFF, 0xFE])) == nil)
        #expect(try patterns.reason(for: DropPath(bytes: [0xFF] + Array(".tmp".utf8))) != nil)
        #expect(try patterns.reason(for: DropPath(bytes: [0xC3, 0xA9, 0xFF])) != nil)
    }

    @Test("the operator's pattern is named in the reason")
    func reason() throws {
        #expect(try IgnorePatterns(["*.log"]).reason(for: DropPath("a/x.log")) == "matches ignore: *.log")
    }

    @Test("a default is switched off by its own text, and the others stay")
    func reincludedDefault() throws {
        let patterns = try IgnorePatterns(["!.*"])
        #expect(try patterns.reason(for: DropPath(".env")) == nil)
        #expect(try patterns.reason(for: DropPath(".seeds.csv.a1B2c3")) != nil)
        #expect(try patterns.reason(for: DropPath(".x.swp")) != nil)
    }

    @Test("the last pattern that matches decides")
    func order() throws {
        let patterns = try IgnorePatterns(["*.log", "!keep.*", "keep.me.not"])
        #expect(try patterns.reason(for: DropPath("x.log")) != nil)
        #expect(try patterns.reason(for: DropPath("keep.log")) == nil)
        #expect(try patterns.reason(for: DropPath("keep.tmp")) == nil)
        #expect(try patterns.reason(for: DropPath("keep.me.not")) != nil)
    }

    @Test(
        "patterns match what a shell user expects",
        arguments: [
            ("*.csv", "a/b.csv", true), ("*.csv", "b.csvx", false), ("?.csv", "b.csv", true), ("?.csv", "bb.csv", false),
            ("[ab].x", "b.x", true), ("[ab].x", "c.x", false), ("[!ab].x", "c.x", true), ("[a-c]*", "bz", true),
            ("[]a]x", "]x", true), ("\\*.x", "*.x", true), ("\\*.x", "a.x", false), ("a*b*c", "aXbYbZc", true),
            ("a*b*c", "aXbYbZ", false),
            ("logs/*.txt", "logs/a.txt", true), ("logs/*.txt", "logs/a/b.txt", false), ("logs/*.txt", "x/logs/a.txt", false),
            ("/a.txt", "a.txt", true), ("/a.txt", "b/a.txt", false), ("**/a.txt", "a.txt", true), ("**/a.txt", "x/y/a.txt", true),
            ("**/a.txt", "x/ba.txt", false), ("a/**", "a/b/c", true), ("a/**", "ab/c", false), ("a/**/z", "a/z", true),
            ("a/**/z", "a/b/c/z", true), ("a/**/z", "a/bz", false), ("**.bak", "x.bak", true), ("*", "x", true),
            ("**", "a/b", true),
        ])
    func matching(pattern: String, path: String, isMatch: Bool) throws {
        #expect(try (IgnorePatterns([pattern]).reason(for: DropPath(path)) != nil) == isMatch)
    }

    @Test("a pattern that ends with a slash is about folders")
    func foldersOnly() throws {
        let patterns = try IgnorePatterns(["cache/"])
        #expect(try patterns.reason(for: DropPath("a/cache"), isFolder: true) != nil)
        #expect(try patterns.reason(for: DropPath("a/cache")) == nil)
    }

    @Test("a pattern made to be slow is not")
    func noBlowUp() throws {
        let patterns = try IgnorePatterns([String(repeating: "a*", count: 60) + "b", String(repeating: "**/a*/", count: 20) + "b"])
        let path = try DropPath(String(repeating: "a", count: 250) + "/" + String(repeating: "a", count: 250))
        #expect(patterns.reason(for: path) == nil)
    }

    @Test("what is no pattern is refused, with its text", arguments: ["", "!", "[ab", "a[", "[z-a]", "/"])
    func refused(text: String) { #expect(throws: NameError.self) { try IgnorePatterns([text]) } }

    @Test("every default is a pattern")
    func defaultsAreWhole() throws {
        for text in IgnorePatterns.defaults { #expect(throws: Never.self) { try IgnorePatterns([text]) } }
    }
}

@Suite("MarkerTemplate")
struct MarkerTemplateTests {
    @Test(
        "marker and drop lead to each other",
        arguments: [("{name}.done", "seeds.csv", "seeds.csv.done"), (".{name}", "a", ".a"), ("ok-{name}.x", "b", "ok-b.x")])
    func bothWays(template: String, drop: String, marker: String) throws {
        let template = try MarkerTemplate(template)
        #expect(template.marker(of: Array(drop.utf8)) == Array(marker.utf8))
        #expect(template.drop(of: Array(marker.utf8)) == Array(drop.utf8))
    }

    @Test("a name that only looks like a marker is none", arguments: [".done", "done", "x.don", "x.done.csv"])
    func noMarker(name: String) throws { #expect(try MarkerTemplate("{name}.done").drop(of: Array(name.utf8)) == nil) }

    @Test(
        "a template without {name}, with nothing else, or in another folder is refused",
        arguments: ["", "x", "{name}", "{name}{name}", "d/{name}.x"])
    func refused(text: String) { #expect(throws: NameError.self) { try MarkerTemplate(text) } }
}

@Suite("WatchedFolder")
struct WatchedFolderTests {
    @Test("sweeps come at least daily and at most every second")
    func sweepInterval() {
        #expect(WatchedFolder(path: "/x", sweepEvery: .zero).sweepEvery == .seconds(1))
        #expect(WatchedFolder(path: "/x", sweepEvery: .seconds(1_000_000)).sweepEvery == .seconds(86_400))
        #expect(WatchedFolder(path: "/x", sweepEvery: .seconds(7)).sweepEvery == .seconds(7))
    }
}

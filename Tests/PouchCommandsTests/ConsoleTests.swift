import Foundation
import Logging
import PouchCommands
import PouchKit
import PouchTestSupport
import Testing

@Suite("words and columns for people")
struct ConsoleTests {
    @Test("columns line up, the last one is as long as it is")
    func table() {
        var table = Table()
        table.add("name", "size", "")
        table.add("a longer one", "1", "and more")
        table.add("ü")
        #expect(table.rendered() == "  name          size  \n  a longer one  1     and more\n  ü")
        #expect(table.rendered(indent: 0).hasPrefix("name "))
        #expect(Table().rendered() == "")
    }

    @Test(
        "bytes are exact while they are few, then three digits",
        arguments: [
            (0, "0 B"), (9_999, "9999 B"), (10_000, "10.0 KB"), (12_345, "12.3 KB"), (99_949, "99.9 KB"), (123_456, "123 KB"),
            (12_345_678, "12.3 MB"), (5_368_709_120, "5.4 GB"), (1_000_000_000_000, "1.0 TB"), (5_000_000_000_000_000, "5000 TB"),
        ] as [(Int64, String)])
    func bytes(_ count: Int64, _ text: String) { #expect(ByteText.of(count) == text) }

    @Test(
        "bytes never round up to a thousand of their unit", arguments: [99_950, 99_999, 999_499, 999_999, 999_999_999] as [Int64])
    func bytesAtTheEdge(_ count: Int64) {
        #expect(!ByteText.of(count).hasPrefix("1000 "), "\(ByteText.of(count))")
        #expect(!ByteText.of(count).hasPrefix("100.0 "), "\(ByteText.of(count))")
    }

    @Test(
        "durations are told in the unit that a person would use",
        arguments: [
            (.milliseconds(999), "999 ms"), (.seconds(1), "1 s"), (.seconds(119), "119 s"), (.seconds(120), "2 min"),
            (.seconds(7_199), "119 min"), (.seconds(7_200), "2 h"), (.seconds(172_799), "47 h"), (.seconds(172_800), "2 d"),
        ] as [(Duration, String)])
    func durations(_ duration: Duration, _ text: String) { #expect(DurationText.of(duration) == text) }

    @Test("a transfer is told in tenths where there is no terminal, each once, whatever is reported")
    func progressInSteps() {
        var bar = ProgressBar(label: "seeds.csv", isTerminal: false)
        let told = [0, 1, 99, 100, 150, 990, 400, 1_000, 1_000, 1_200].map { bar.text(sent: $0, of: 1_000) }
        #expect(
            told == [
                "seeds.csv 0 % of 1000 B\n", nil, nil, "seeds.csv 10 % of 1000 B\n", nil, "seeds.csv 99 % of 1000 B\n", nil,
                "seeds.csv 100 % of 1000 B\n", nil, nil,
            ])
    }

    @Test("the transfer of an empty file is done at once")
    func progressOfNothing() {
        var bar = ProgressBar(label: "empty", isTerminal: false)
        #expect(bar.text(sent: 0, of: 0) == "empty 100 % of 0 B\n")
    }

    @Test("a transfer is drawn in place on a terminal, and never beyond its end")
    func progressInPlace() {
        var bar = ProgressBar(label: "a", isTerminal: true)
        let half = bar.text(sent: 50, of: 100) ?? ""
        #expect(half.hasPrefix("\ra █"))
        #expect(half.contains("░ 50 %  50 B of 100 B"))
        #expect(!half.contains("\n"))
        #expect(bar.text(sent: 300, of: 100)?.contains("░") == false)
    }

    @Test("styles are nothing where they are off")
    func styles() {
        let off = Style(isOn: false)
        let on = Style(isOn: true)
        #expect([off.bold("a"), off.good("a"), off.bad("a"), off.careful("a"), off.faint("a")] == ["a", "a", "a", "a", "a"])
        #expect(on.bold("a") == "\u{1B}[1ma\u{1B}[0m")
        #expect(Set([on.good("a"), on.bad("a"), on.careful("a"), on.faint("a"), on.bold("a")]).count == 5)
    }
}

@Suite("log lines")
struct LogLinesTests {
    private let time = Timestamp(seconds: 1_795_442_709)

    private func line(_ form: LogLines.Form, _ message: String, level: Logger.Level = .info, _ metadata: Logger.Metadata = [:])
        -> String
    {
        var handler = LogLines(form: form, level: .trace)
        handler[metadataKey: "agent"] = "edge-01"
        return handler.line(
            for: LogEvent(
                level: level, message: "\(message)", metadata: metadata, source: nil, file: #fileID, function: #function,
                line: #line),
            at: time
        )
    }

    private func fields(_ line: String) throws -> [String: String] {
        try #require(try JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: String])
    }

    @Test("are for people on a terminal: time, level, words, facts in the order of their names")
    func forPeople() {
        #expect(
            line(.people, "delivered", ["route": "all", "delivery": "7d"])
                == "2026-11-23T14:05:09.000Z info    delivered agent=edge-01 delivery=7d route=all")
        #expect(line(.people, "x", level: .warning).contains(" warning x "))
        #expect(line(.people, "x", level: .critical).contains(" error   x "))
        #expect(line(.people, "x", level: .trace).contains(" debug   x "))
    }

    @Test("are JSON elsewhere, one object a line")
    func forMachines() throws {
        let line = line(.json, "delivered", ["route": "all"])
        #expect(
            line
                == #"{"time":"2026-11-23T14:05:09.000Z","level":"info","message":"delivered","agent":"edge-01","route":"all"}"#)
        #expect(
            try fields(line) == [
                "time": "2026-11-23T14:05:09.000Z", "level": "info", "message": "delivered", "agent": "edge-01", "route": "all",
            ])
    }

    @Test("let the facts of a record win over those of the logger")
    func recordWins() throws {
        #expect(try fields(line(.json, "x", ["agent": "other"]))["agent"] == "other")
    }

    @Test("cannot be forged by a file's name", arguments: [LogLines.Form.people, .json])
    func cannotBeForged(_ form: LogLines.Form) {
        let forged = "a.csv\n2026-11-23T14:05:09.000Z info    delivered everything\r\u{2028}\u{85}\u{1B}[2J\u{202E}"
        let line = line(form, "ignored \(forged)", ["file": "\(forged)", "more": ["list": .array(["\(forged)"])]])
        let unsafe = line.unicodeScalars.filter {
            [.control, .format, .lineSeparator, .paragraphSeparator].contains($0.properties.generalCategory)
        }
        #expect(unsafe.isEmpty, "\(unsafe)")
    }

    @Test("never show a secret", arguments: [LogLines.Form.people, .json])
    func hidesSecrets(_ form: LogLines.Form) {
        let secret = Secret("hunter2")
        let line = line(form, "signing with \(secret)", ["key": "\(secret)", "keys": .stringConvertible([secret])])
        #expect(!line.contains("hunter2"))
        #expect(line.contains("<secret>"))
    }

    @Test("stay one JSON object, and tell what was said, whatever the strings are")
    func surviveNaughtyStrings() throws {
        for text in try Vectors.naughtyStrings() {
            let line = line(.json, text, ["file": "\(text)"])
            #expect(!line.contains("\n"))
            let read = try fields(line)
            #expect(read["file"]?.unicodeScalars.elementsEqual(text.unicodeScalars) == true, "\(line)")
            #expect(read["message"]?.unicodeScalars.elementsEqual(text.unicodeScalars) == true, "\(line)")
            let people = self.line(.people, text, ["file": "\(text)"])
            #expect(!people.unicodeScalars.contains { $0.properties.generalCategory == .control })
        }
    }
}

@Suite("JSON strings")
struct JSONTextTests {
    @Test("escape what could break a line or a terminal, and nothing else")
    func escapes() {
        #expect(JSONText.quoted("a \"b\" \\ ü 💥 / {name}") == #""a \"b\" \\ ü 💥 / {name}""#)
        #expect(JSONText.quoted("\n\r\t\u{0}\u{1B}\u{7F}\u{202E}\u{2028}") == #""\n\r\t\u0000\u001b\u007f\u202e\u2028""#)
        #expect(JSONText.quoted("\u{E0001}") == #""\udb40\udc01""#)
    }

    @Test("are read back as they were by others")
    func readBack() throws {
        for text in try Vectors.naughtyStrings() {
            let quoted = JSONText.quoted(text)
            let read = try JSONSerialization.jsonObject(with: Data("[\(quoted)]".utf8)) as? [String]
            #expect(read?.first?.unicodeScalars.elementsEqual(text.unicodeScalars) == true, "\(quoted)")
        }
    }
}

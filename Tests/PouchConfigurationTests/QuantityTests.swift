import PouchKit
import Testing

@Suite("A quantity")
struct QuantityTests {
    @Test(
        "of bytes has units of 1000 and of 1024",
        arguments: [
            ("1024", 1_024), ("0", 0), ("1 B", 1), ("5 GiB", 5_368_709_120), ("5GiB", 5_368_709_120), ("20 MB", 20_000_000),
            ("1 kB", 1_000), ("1 KB", 1_000), ("1.5 KiB", 1_536), ("0.1 kB", 100), ("2 TB", 2_000_000_000_000), ("1 TiB", 1 << 40),
            ("7 GB", 7_000_000_000), ("3 MiB", 3 << 20), ("8388607 TiB", 8_388_607 << 40),
        ] as [(String, Int64)])
    func bytes(_ text: String, _ expected: Int64) throws {
        #expect(try ByteCount(text).bytes == expected)
    }

    @Test(
        "of bytes that cannot be read says how it is written",
        arguments: [
            ("", "expected a size such as 5 GiB or 20 MB, found ''"),
            ("-1", "expected a size such as 5 GiB or 20 MB, found '-1'"),
            ("GiB", "expected a size such as 5 GiB or 20 MB, found 'GiB'"),
            ("1 2 MB", "expected a size such as 5 GiB or 20 MB, found '1 2 MB'"),
            ("1.2.3 MB", "expected a size such as 5 GiB or 20 MB, found '1.2.3 MB'"),
            ("1.5", "expected a size such as 5 GiB or 20 MB, found '1.5'\nhint: give a unit: MB, MiB, GB, GiB, …"),
            ("5 G", "expected a size such as 5 GiB or 20 MB, found '5 G'\nhint: write GB (units of 1000) or GiB (units of 1024)"),
            ("5 kb", "expected a size such as 5 GiB or 20 MB, found '5 kb'\nhint: write kB (units of 1000) or KiB (units of 1024)"),
            (
                "5 PB",
                "expected a size such as 5 GiB or 20 MB, found '5 PB'\nhint: the units are B, kB, MB, GB, TB and KiB, MiB, GiB, TiB"
            ),
            ("8388608 TiB", "'8388608 TiB' is too large"),
            ("999999999999999999 TB", "'999999999999999999 TB' is too large"),
            ("1\u{0}MB", "expected a size such as 5 GiB or 20 MB, found '1\\u{0}MB'"),
        ])
    func wrongBytes(_ text: String, _ expected: String) {
        #expect(throws: SettingsProblem.self) { try ByteCount(text) }
        #expect(problem { () throws(SettingsProblem) in _ = try ByteCount(text) } == expected)
    }

    @Test("of bytes per second is a size and /s", arguments: [("20 MB/s", 20_000_000), ("1 KiB /s", 1_024), ("9/s", 9)])
    func rates(_ text: String, _ expected: Int64) throws {
        #expect(try ByteRate(text).bytesPerSecond == expected)
    }

    @Test("of bytes per second is more than nothing", arguments: ["0 MB/s", "20 MB", "20", "MB/s", "20 Mbit/s", "/s"])
    func wrongRates(_ text: String) {
        let problem = problem { () throws(SettingsProblem) in _ = try ByteRate(text) }
        #expect(problem?.hasPrefix("expected a rate such as 20 MB/s, found '\(text)'") == true)
    }

    @Test(
        "of time has a unit",
        arguments: [
            ("500ms", 500), ("5s", 5_000), ("10 m", 600_000), ("2h", 7_200_000), ("30d", 2_592_000_000), ("1.5h", 5_400_000),
        ] as [(String, Int64)])
    func times(_ text: String, _ expected: Int64) throws {
        #expect(try TimeSpan(text).milliseconds == expected)
        #expect(try TimeSpan(text).duration == .milliseconds(expected))
    }

    @Test("of time without a unit of ours is refused", arguments: ["5", "5 min", "5S", "s", "-5s", "1w", ""])
    func wrongTimes(_ text: String) {
        let problem = problem { () throws(SettingsProblem) in _ = try TimeSpan(text) }
        #expect(problem == "expected a time such as 5s, 10m or 30d, found '\(text)'\nhint: the units are ms, s, m, h and d")
    }

    @Test("is written as one would write it")
    func descriptions() {
        #expect(ByteCount(bytes: 5_368_709_120).description == "5 GiB")
        #expect(ByteCount(bytes: 20_000_000).description == "20 MB")
        #expect(ByteCount(bytes: 1_025).description == "1025 bytes")
        #expect(ByteCount(bytes: 1).description == "1 byte")
        #expect(ByteCount(bytes: 0).description == "0 bytes")
        #expect(ByteRate(bytesPerSecond: 3_000).description == "3 kB/s")
        #expect(TimeSpan(milliseconds: 90_000).description == "90s")
        #expect(TimeSpan(milliseconds: 86_400_000).description == "1d")
        #expect(TimeSpan(milliseconds: 1).description == "1ms")
        #expect(TimeSpan(milliseconds: 0).description == "0s")
    }

    private func problem(_ parse: () throws(SettingsProblem) -> Void) -> String? {
        do throws(SettingsProblem) {
            try parse()
            return nil
        } catch {
            return error.description
        }
    }
}

@Suite("A path in settings")
struct SettingsPathTests {
    @Test(
        "is made absolute",
        arguments: [
            ("drop", "/etc/pouch/drop"), ("./drop/", "/etc/pouch/drop"), ("/srv//drop/.", "/srv/drop"),
            ("../drop", "/etc/pouch/../drop"),
            (".", "/etc/pouch"), ("/", "/"), ("a b/ü", "/etc/pouch/a b/ü"),
        ])
    func absolute(_ written: String, _ expected: String) throws {
        let path = try SettingsPath(written, in: "/etc/pouch")
        #expect(path.absolute == expected)
        #expect(path.written == written)
    }

    @Test("is neither empty nor for a shell, and has no NUL", arguments: ["", "~", "~/drop", "a\u{0}b"])
    func wrong(_ written: String) {
        #expect(throws: SettingsProblem.self) { try SettingsPath(written, in: "/") }
    }
}

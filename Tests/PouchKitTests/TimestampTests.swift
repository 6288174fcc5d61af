import PouchKit
import PouchTestSupport
import Testing

struct TimestampTests {
    @Test(
        "times are written in UTC to the millisecond, rounded down",
        arguments: [
            (0, "1970-01-01T00:00:00.000Z"), (-1, "1969-12-31T23:59:59.999Z"),
            (1_795_442_709_123_999_999, "2026-11-23T14:05:09.123Z"),
            (951_782_400_000_000_000, "2000-02-29T00:00:00.000Z"), (1_709_251_199_999_999_999, "2024-02-29T23:59:59.999Z"),
            (4_107_542_400_000_000_000, "2100-03-01T00:00:00.000Z"), (4_107_456_000_000_000_000, "2100-02-28T00:00:00.000Z"),
            (2_147_483_648_000_000_000, "2038-01-19T03:14:08.000Z"), (-2_177_452_800_000_000_000, "1901-01-01T00:00:00.000Z"),
            (.min, "1677-09-21T00:12:43.145Z"), (.max, "2262-04-11T23:47:16.854Z"),
        ] as [(Int64, String)])
    func isWritten(_ nanoseconds: Int64, _ text: String) { #expect(Timestamp(nanoseconds: nanoseconds).description == text) }

    @Test("the calendar and the count of seconds agree over 800 years, day by day")
    func agrees() {
        let start = CivilDate.secondsSince1970(year: 1600, month: 1, day: 1, hour: 0, minute: 0, second: 0)
        #expect(start == -11_676_096_000)
        var (year, month, day) = (1600, 1, 1)
        let lengths = [31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31]
        var seconds = start
        while year < 2400 {
            let date = CivilDate(secondsSince1970: seconds + 86_399)
            guard (date.year, date.month, date.day, date.hour, date.minute, date.second) == (year, month, day, 23, 59, 59),
                CivilDate.secondsSince1970(year: year, month: month, day: day, hour: 0, minute: 0, second: 0) == seconds
            else {
                Issue.record("\(year)-\(month)-\(day) is \(date)")
                return
            }
            let isLeap = year.isMultiple(of: 4) && !year.isMultiple(of: 100) || year.isMultiple(of: 400)
            day += 1
            if day > lengths[month - 1] + (month == 2 && isLeap ? 1 : 0) { (month, day) = (month + 1, 1) }
            if month > 12 { (year, month) = (year + 1, 1) }
            seconds += 86_400
        }
    }

    @Test("times beyond what can be held stop at the first and the last one")
    func saturates() {
        #expect(Timestamp(seconds: .max) == Timestamp(nanoseconds: .max))
        #expect(Timestamp(seconds: .min) == Timestamp(nanoseconds: .min))
        #expect(Timestamp(nanoseconds: .max).advanced(by: .nanoseconds(1)) == Timestamp(nanoseconds: .max))
        #expect(Timestamp(nanoseconds: .min).advanced(by: .seconds(-1)) == Timestamp(nanoseconds: .min))
        #expect(Timestamp(seconds: 0).advanced(by: .seconds(Int64.max)) == Timestamp(nanoseconds: .max))
        #expect(Timestamp(nanoseconds: .min).duration(to: Timestamp(nanoseconds: .max)) > .seconds(18_000_000_000))
    }

    @Test("going forth and back leads to the same time")
    func moves() {
        let time = Timestamp(nanoseconds: 1_795_442_709_123_456_789)
        #expect(time.advanced(by: .milliseconds(1_500)).duration(to: time) == .milliseconds(-1_500))
        #expect(time.advanced(by: .milliseconds(-500)).nanoseconds == 1_795_442_708_623_456_789)
        #expect(time.seconds == 1_795_442_709 && time.nanosecondsOfSecond == 123_456_789)
        #expect(Timestamp(nanoseconds: -1).seconds == -1 && Timestamp(nanoseconds: -1).nanosecondsOfSecond == 999_999_999)
        #expect(Timestamp(nanoseconds: .min).seconds == -9_223_372_037)
    }
}

struct ManualClockTests {
    @Test("sleepers wake when their time has come, and not before")
    func wakes() async throws {
        let clock = ManualClock()
        let began = clock.now
        async let short: Void = clock.sleep(for: .seconds(1))
        async let long: Void = clock.sleep(for: .seconds(10))
        await clock.sleepers(2)
        clock.advance(by: .seconds(1))
        try await short
        #expect(clock.sleeperCount == 1)
        clock.advance(by: .seconds(9))
        try await long
        #expect(began.duration(to: clock.now) == .seconds(10))
        #expect(clock.monotonic == .seconds(10))
    }

    @Test("a jump of the wall clock wakes nobody, and a cancelled sleeper wakes at once")
    func jumps() async throws {
        let clock = ManualClock()
        let sleeper = Task { try await clock.sleep(for: .seconds(1)) }
        await clock.sleepers()
        clock.setWallClock(to: Timestamp(seconds: 4_000_000_000))
        #expect(clock.sleeperCount == 1)
        sleeper.cancel()
        await #expect(throws: CancellationError.self) { try await sleeper.value }
        try await clock.sleep(for: .zero)
    }
}

struct LedgerTests {
    @Test("the judge finds what is lost, what is there twice and what is foreign")
    func judges() throws {
        let folder = try TemporaryFolder("ledger")
        let ledger = try Ledger(in: folder)
        let entries = try (0..<4).map { try ledger.note(id: "\($0)", body: Array("body \($0)".utf8), name: [0xFF, UInt8($0)]) }
        func found(_ entry: Ledger.Entry, _ place: String) -> Ledger.Found {
            Ledger.Found(place: place, sha256: entry.sha256, size: entry.size)
        }
        #expect(ledger.judge(entries.map { found($0, "x") }).isClean)
        let stranger = SeenObject(Array("?".utf8))
        let verdict = ledger.judge(
            [
                found(entries[0], "a"), found(entries[0], "b"), found(entries[1], "c"),
                Ledger.Found(place: "d", sha256: stranger.sha256, size: 1),
            ],
            reported: ["3"])
        #expect(verdict.lost == [entries[2]] && verdict.duplicated == [entries[0]] && verdict.foreign.map(\.place) == ["d"])
        #expect(verdict.description.hasPrefix("1 lost, 1 duplicated, 1 corrupt or foreign: lost \\xff\\u{2}"))
        #expect(try folder.text("ledger").split(separator: "\n").count == 4)
    }
}

package import PouchKit

/// Points of time as services write them.
package enum WireDate {
    private static let months = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]

    /// `Mon, 23 Nov 2026 14:05:09 GMT`, as in the header `Date`.
    package static func http(_ text: String) -> Timestamp? {
        let words = text.split(separator: " ")
        guard words.count == 6, words[5] == "GMT" || words[5] == "UTC", let day = number(words[1], in: 1...31),
            let month = months.firstIndex(of: String(words[2])), let year = number(words[3], in: 1970...9999)
        else { return nil }
        let clock = words[4].split(separator: ":", omittingEmptySubsequences: false)
        return timestamp(year, month + 1, day, clock, fraction: 0)
    }

    /// `2026-11-23T14:05:09Z`, perhaps with a fraction of the second.
    package static func iso8601(_ text: String) -> Timestamp? {
        let halves = text.split(separator: "T", omittingEmptySubsequences: false)
        guard halves.count == 2, halves[1].hasSuffix("Z") else { return nil }
        let date = halves[0].split(separator: "-", omittingEmptySubsequences: false)
        let time = halves[1].dropLast().split(separator: ".", omittingEmptySubsequences: false)
        guard date.count == 3, (1...2).contains(time.count), let year = number(date[0], in: 1970...9999),
            let month = number(date[1], in: 1...12), let day = number(date[2], in: 1...31)
        else { return nil }
        var nanoseconds = 0
        if time.count == 2 {
            guard (1...9).contains(time[1].utf8.count), let fraction = number(time[1], in: 0...999_999_999) else { return nil }
            nanoseconds = (time[1].utf8.count..<9).reduce(fraction) { value, _ in value * 10 }
        }
        let clock = time[0].split(separator: ":", omittingEmptySubsequences: false)
        return timestamp(year, month, day, clock, fraction: nanoseconds)
    }

    private static func timestamp(
        _ year: Int, _ month: Int, _ day: Int, _ clock: [Substring], fraction: Int
    ) -> Timestamp? {
        guard clock.count == 3, let hour = number(clock[0], in: 0...23), let minute = number(clock[1], in: 0...59),
            let second = number(clock[2], in: 0...60)
        else { return nil }
        let seconds = CivilDate.secondsSince1970(year: year, month: month, day: day, hour: hour, minute: minute, second: second)
        // What nanoseconds since 1970 can hold ends in 2262; some write 9999 for "never".
        guard seconds < Int64.max / 1_000_000_000 else { return Timestamp(nanoseconds: .max) }
        return Timestamp(nanoseconds: seconds * 1_000_000_000 + Int64(fraction))
    }

    private static func number(_ text: Substring, in range: ClosedRange<Int>) -> Int? {
        guard text.utf8.allSatisfy(\.isDigit), let value = Int(text), range.contains(value) else { return nil }
        return value
    }
}

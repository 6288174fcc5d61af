import PouchKit

/// Times in the manifest: RFC 3339 in UTC, with three digits for our own and nine for a file's.
enum ManifestTime {
    static func milliseconds(_ time: Timestamp) -> String { time.description }

    static func nanoseconds(_ time: Timestamp) -> String {
        let digits = "\(time.nanosecondsOfSecond)"
        return time.description.dropLast(4) + String(repeating: "0", count: 9 - digits.count) + digits + "Z"
    }

    /// What the manifest keeps of a time of ours.
    static func roundedDown(_ time: Timestamp) -> Timestamp {
        let excess = time.nanosecondsOfSecond % 1_000_000
        // The first millisecond that can be held at all is not whole.
        let (rounded, overflows) = time.nanoseconds.subtractingReportingOverflow(excess)
        return overflows ? time : Timestamp(nanoseconds: rounded)
    }

    /// `nil` when the text has another form; that every field is in its range shows when it is written again.
    static func time(of text: String) -> Timestamp? {
        let bytes = Array(text.utf8)
        let form = Array("0000-00-00T00:00:00.".utf8)
        guard bytes.count == form.count + 4 || bytes.count == form.count + 10, bytes.last == UInt8(ascii: "Z") else { return nil }
        for (byte, expected) in zip(bytes, form) {
            guard expected == UInt8(ascii: "0") ? isDigit(byte) : byte == expected else { return nil }
        }
        let fraction = bytes[form.count..<bytes.count - 1]
        guard fraction.allSatisfy(isDigit) else { return nil }
        let seconds = CivilDate.secondsSince1970(
            year: number(bytes[0..<4]), month: number(bytes[5..<7]), day: number(bytes[8..<10]), hour: number(bytes[11..<13]),
            minute: number(bytes[14..<16]), second: number(bytes[17..<19]))
        let part = Int64(number(fraction)) * (fraction.count == 3 ? 1_000_000 : 1)
        // A negative time is its second rounded down and something on top; in this order the earliest one does not overflow.
        let (whole, rest) = seconds < 0 ? (seconds + 1, part - 1_000_000_000) : (seconds, part)
        let (product, overflows) = whole.multipliedReportingOverflow(by: 1_000_000_000)
        let (sum, overflowsToo) = product.addingReportingOverflow(rest)
        return overflows || overflowsToo ? nil : Timestamp(nanoseconds: sum)
    }

    private static func isDigit(_ byte: UInt8) -> Bool { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) }

    private static func number(_ digits: ArraySlice<UInt8>) -> Int { digits.reduce(0) { $0 * 10 + Int($1 - UInt8(ascii: "0")) } }
}

package import PouchKit

/// The ways in which the services write points of time.
package enum WireTime {
    private static let days = ["Thu", "Fri", "Sat", "Sun", "Mon", "Tue", "Wed"]
    private static let months = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]

    /// `20261123T120000Z`, the form of `x-amz-date`; `nil` for any other.
    package static func timestamp(basic text: String) -> Timestamp? {
        let bytes = Array(text.utf8)
        guard bytes.count == 16, bytes[8] == UInt8(ascii: "T"), bytes[15] == UInt8(ascii: "Z") else { return nil }
        return timestamp(digits: Array(bytes[0..<8] + bytes[9..<15]))
    }

    /// `Mon, 23 Nov 2026 12:00:00 GMT` (RFC 9110), the form of `Date` and `Last-Modified`.
    package static func timestamp(http text: String) -> Timestamp? {
        let parts = text.split(separator: " ")
        guard parts.count == 6, parts[5] == "GMT" || parts[5] == "+0000", let month = months.firstIndex(of: String(parts[2]))
        else { return nil }
        let clock = parts[4].split(separator: ":")
        guard clock.count == 3, let day = Int(parts[1]), let year = Int(parts[3]), let hour = Int(clock[0]),
            let minute = Int(clock[1]), let second = Int(clock[2])
        else { return nil }
        return Timestamp(
            seconds: CivilDate.secondsSince1970(
                year: year, month: month + 1, day: day, hour: hour, minute: minute, second: second)
        )
    }

    package static func http(_ time: Timestamp) -> String {
        let date = time.civil
        let day = days[Int(((time.seconds / 86_400) % 7 + 7) % 7)]
        return "\(day), \(two(date.day)) \(months[date.month - 1]) \(date.year) "
            + "\(two(date.hour)):\(two(date.minute)):\(two(date.second)) GMT"
    }

    /// `2026-11-23T12:00:00.000Z`, as S3 writes it: whole seconds.
    package static func iso8601(_ time: Timestamp) -> String { Timestamp(seconds: time.seconds).description }

    /// `2026-11-23T12:00:00Z`, as STS writes it.
    package static func iso8601Seconds(_ time: Timestamp) -> String {
        let date = time.civil
        return "\(date.year)-\(two(date.month))-\(two(date.day))T\(two(date.hour)):\(two(date.minute)):\(two(date.second))Z"
    }

    /// `2026-11-23T12:00:00Z`, with or without a fraction; conditions of policies are written so.
    package static func timestamp(iso8601 text: String) -> Timestamp? {
        let digits = text.utf8.filter { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }
        guard text.hasSuffix("Z"), digits.count >= 14 else { return nil }
        return timestamp(digits: Array(digits.prefix(14)))
    }

    private static func timestamp(digits: [UInt8]) -> Timestamp? {
        func number(_ range: Range<Int>) -> Int? { Int(String(decoding: digits[range], as: UTF8.self)) }
        guard let year = number(0..<4), let month = number(4..<6), let day = number(6..<8), let hour = number(8..<10),
            let minute = number(10..<12), let second = number(12..<14), (1...12).contains(month), (1...31).contains(day),
            hour < 24, minute < 60, second < 61
        else { return nil }
        return Timestamp(
            seconds: CivilDate.secondsSince1970(year: year, month: month, day: day, hour: hour, minute: minute, second: second)
        )
    }

    private static func two(_ number: Int) -> String { number < 10 ? "0\(number)" : "\(number)" }
}

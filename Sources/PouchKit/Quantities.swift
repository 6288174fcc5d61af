/// A number of bytes as an operator writes it: `5 GiB`, `20 MB`, `1024`.
///
/// Units of 1000 are `kB MB GB TB`, units of 1024 are `KiB MiB GiB TiB`; a number alone counts bytes.
public struct ByteCount: Hashable, Sendable, Comparable, Decodable, CustomStringConvertible {
    public let bytes: Int64

    public init(bytes: Int64) { self.bytes = bytes }

    /// - Throws: `SettingsProblem` when the text has another form or is more than 2^63 - 1 bytes.
    public init(_ text: String) throws(SettingsProblem) {
        bytes = try Self.bytes(of: text, writtenAs: text, example: "a size such as 5 GiB or 20 MB")
    }

    public init(from decoder: any Decoder) throws {
        try self.init(Quantity.text(from: decoder, expectation: "a size such as 5 GiB or 20 MB"))
    }

    /// In the largest unit that gives a whole number: `5 GiB`, `20 MB`, `1025 bytes`.
    public var description: String {
        let largestFirst = Self.units.sorted { $0.value > $1.value }
        guard bytes != 0, let unit = largestFirst.first(where: { bytes.isMultiple(of: $0.value) }), unit.value > 1 else {
            return bytes == 1 ? "1 byte" : "\(bytes) bytes"
        }
        return "\(bytes / unit.value) \(unit.name)"
    }

    public static func < (left: Self, right: Self) -> Bool { left.bytes < right.bytes }

    private static let units: [(name: String, value: Int64)] = [
        ("B", 1), ("kB", 1_000), ("KB", 1_000), ("MB", 1_000_000), ("GB", 1_000_000_000), ("TB", 1_000_000_000_000),
        ("KiB", 1 << 10), ("MiB", 1 << 20), ("GiB", 1 << 30), ("TiB", 1 << 40),
    ]

    fileprivate static func bytes(of text: String, writtenAs whole: String, example: String) throws(SettingsProblem) -> Int64 {
        guard let quantity = Quantity(text) else { throw Quantity.problem(whole, expected: example) }
        guard !quantity.unit.isEmpty else {
            guard quantity.fraction.isEmpty else {
                throw Quantity.problem(whole, expected: example, hint: "give a unit: MB, MiB, GB, GiB, …")
            }
            return try quantity.scaled(by: 1, writtenAs: whole)
        }
        guard let unit = units.first(where: { $0.name == quantity.unit }) else {
            let letter = quantity.unit.prefix(1).uppercased()
            let hint =
                ["K", "M", "G", "T"].contains(letter)
                ? "write \(letter == "K" ? "kB" : letter + "B") (units of 1000) or \(letter)iB (units of 1024)"
                : "the units are B, kB, MB, GB, TB and KiB, MiB, GiB, TiB"
            throw Quantity.problem(whole, expected: example, hint: hint)
        }
        return try quantity.scaled(by: unit.value, writtenAs: whole)
    }
}

/// A pace as an operator writes it: `20 MB/s`.
public struct ByteRate: Hashable, Sendable, Comparable, Decodable, CustomStringConvertible {
    public let bytesPerSecond: Int64

    public init(bytesPerSecond: Int64) { self.bytesPerSecond = bytesPerSecond }

    /// - Throws: `SettingsProblem` when the text is not a size followed by `/s`, or is nothing per second.
    public init(_ text: String) throws(SettingsProblem) {
        let example = "a rate such as 20 MB/s"
        guard text.hasSuffix("/s") else {
            throw Quantity.problem(text, expected: example, hint: "a rate is a size followed by /s")
        }
        var size = text.dropLast(2)
        while size.last == " " { size.removeLast() }
        bytesPerSecond = try ByteCount.bytes(of: String(size), writtenAs: text, example: example)
        guard bytesPerSecond > 0 else {
            throw Quantity.problem(text, expected: example, hint: "hold the partner instead, if nothing is to be sent")
        }
    }

    public init(from decoder: any Decoder) throws {
        try self.init(Quantity.text(from: decoder, expectation: "a rate such as 20 MB/s"))
    }

    public var description: String { "\(ByteCount(bytes: bytesPerSecond))/s" }

    public static func < (left: Self, right: Self) -> Bool { left.bytesPerSecond < right.bytesPerSecond }
}

/// A length of time as an operator writes it: `500ms`, `5s`, `10m`, `2h`, `30d`.
public struct TimeSpan: Hashable, Sendable, Comparable, Decodable, CustomStringConvertible {
    public let milliseconds: Int64

    public init(milliseconds: Int64) { self.milliseconds = milliseconds }

    /// - Throws: `SettingsProblem` when the text is not a number and a unit.
    public init(_ text: String) throws(SettingsProblem) {
        guard let quantity = Quantity(text), let unit = Self.units.first(where: { $0.name == quantity.unit }) else {
            throw Quantity.problem(text, expected: Self.example, hint: "the units are ms, s, m, h and d")
        }
        milliseconds = try quantity.scaled(by: unit.value, writtenAs: text)
    }

    public init(from decoder: any Decoder) throws { try self.init(Quantity.text(from: decoder, expectation: Self.example)) }

    public var duration: Duration { .milliseconds(milliseconds) }

    public var description: String {
        guard milliseconds != 0 else { return "0s" }
        let unit = Self.units.first { milliseconds.isMultiple(of: $0.value) }
        return "\(milliseconds / (unit?.value ?? 1))\(unit?.name ?? "ms")"
    }

    public static func < (left: Self, right: Self) -> Bool { left.milliseconds < right.milliseconds }

    private static let example = "a time such as 5s, 10m or 30d"
    private static let units: [(name: String, value: Int64)] = [
        ("d", 86_400_000), ("h", 3_600_000), ("m", 60_000), ("s", 1_000), ("ms", 1),
    ]
}

/// A number, perhaps with a fraction, and the letters after it.
private struct Quantity {
    let whole: String
    let fraction: String
    let unit: String

    /// `nil` unless the text is digits, perhaps a point and digits, perhaps spaces, perhaps a unit.
    init?(_ text: String) {
        let number = text.prefix { $0.isASCII && ($0.isNumber || $0 == ".") }
        let parts = number.split(separator: ".", omittingEmptySubsequences: false)
        guard (1...2).contains(parts.count), parts.allSatisfy({ (1...18).contains($0.count) }) else { return nil }
        whole = String(parts[0])
        fraction = parts.count == 2 ? String(parts[1]) : ""
        let rest = text[number.endIndex...].drop { $0 == " " }
        guard rest.allSatisfy({ $0.isASCII && $0.isLetter }) else { return nil }
        unit = String(rest)
    }

    /// The number in units of `factor`, rounded down.
    func scaled(by factor: Int64, writtenAs text: String) throws(SettingsProblem) -> Int64 {
        // At most 18 digits each: they fit.
        let (product, isTooLarge) = (Int64(whole) ?? 0).multipliedReportingOverflow(by: factor)
        let places = fraction.reduce(into: Int64(1)) { power, _ in power *= 10 }
        let part = Int64(fraction).map { (Int64(places).dividingFullWidth(factor.multipliedFullWidth(by: $0)).quotient) } ?? 0
        let (sum, overflows) = product.addingReportingOverflow(part)
        guard !isTooLarge, !overflows else { throw SettingsProblem(at: [], "'\(VisibleText.escaped(text))' is too large") }
        return sum
    }

    static func problem(_ text: String, expected: String, hint: String? = nil) -> SettingsProblem {
        SettingsProblem(at: [], "expected \(expected), found '\(VisibleText.escaped(text))'", hint: hint)
    }

    /// The text of a scalar; a number that a format already took for one is written out again.
    static func text(from decoder: any Decoder, expectation: String) throws -> String {
        let container = try decoder.singleValueContainer()
        if let text = try? container.decode(String.self) { return text }
        if let number = try? container.decode(Int64.self) { return "\(number)" }
        throw SettingsProblem(at: [], "expected \(expectation)")
    }
}

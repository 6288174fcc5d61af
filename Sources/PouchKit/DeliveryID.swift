/// The unique name of one delivery, 32 hexadecimal digits. It travels in the object's metadata, so that a partner can
/// tell two copies of one delivery from two deliveries.
///
/// It is random, not ordered by time: its first eight digits tell apart files of the same name (see `WhenTaken.suffix`).
public struct DeliveryID: Hashable, Sendable, Codable, Comparable, CustomStringConvertible {
    public let description: String

    /// A new id from the system's random source.
    public static func random() -> DeliveryID {
        var generator = SystemRandomNumberGenerator()
        return DeliveryID(high: generator.next(), low: generator.next())
    }

    public init(high: UInt64, low: UInt64) {
        description = Hexadecimal.text(of: high) + Hexadecimal.text(of: low)
    }

    /// - Throws: `NameError` unless the text is 32 lower-case hexadecimal digits.
    public init(_ text: String) throws(NameError) {
        guard text.utf8.count == 32, text.utf8.allSatisfy(Hexadecimal.isLowerCaseDigit) else {
            throw NameError(text: text, expectation: "32 lower-case hexadecimal digits")
        }
        description = text
    }

    /// The eight digits that make a taken name unique.
    public var shortForm: String { String(description.prefix(8)) }

    public init(from decoder: any Decoder) throws { try self.init(decoder.singleValueContainer().decode(String.self)) }

    public func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(description)
    }

    public static func < (left: Self, right: Self) -> Bool { left.description < right.description }
}

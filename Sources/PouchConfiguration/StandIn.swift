import PouchKit

/// A type that has a value to go on with when the file's one is wrong. It never leaves the decoder.
protocol HasStandIn {
    static var standIn: Self? { get }
}

extension ByteCount: HasStandIn {
    static var standIn: ByteCount? { ByteCount(bytes: 0) }
}

extension ByteRate: HasStandIn {
    static var standIn: ByteRate? { ByteRate(bytesPerSecond: 1) }
}

extension TimeSpan: HasStandIn {
    static var standIn: TimeSpan? { TimeSpan(milliseconds: 0) }
}

extension SettingsPath: HasStandIn {
    static var standIn: SettingsPath? { try? SettingsPath("/", in: "/") }
}

extension ListenAddress: HasStandIn {
    static var standIn: ListenAddress? { ListenAddress(host: "", port: 0) }
}

extension HTTPAddress: HasStandIn {
    static var standIn: HTTPAddress? { HTTPAddress(description: "", isSecure: true) }
}

/// A text of a certain form, or a quantity within bounds, that is only needed while it is read.
protocol CheckedSetting: Decodable, HasStandIn {
    associatedtype Value: Decodable
    var value: Value { get }
    init(unchecked value: Value)
    /// Says what is wrong with the value.
    static func check(_ value: Value) throws
}

extension CheckedSetting {
    init(from decoder: any Decoder) throws {
        let value = try Value(from: decoder)
        try Self.check(value)
        self.init(unchecked: value)
    }
}

extension CheckedSetting where Value == String {
    static var standIn: Self? { Self(unchecked: "") }
}

extension CheckedSetting where Value == TimeSpan {
    static var standIn: Self? { Self(unchecked: TimeSpan(milliseconds: 0)) }
}

extension CheckedSetting where Value == Int {
    static var standIn: Self? { Self(unchecked: 0) }
}

extension String {
    /// Only ASCII letters, digits, and the others given.
    func hasOnlyLettersAndDigits(and others: String) -> Bool {
        allSatisfy { $0.isASCII && ($0.isLetter || $0.isNumber || others.contains($0)) }
    }

    var hasOnlyDigits: Bool { utf8.allSatisfy { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) } }
}

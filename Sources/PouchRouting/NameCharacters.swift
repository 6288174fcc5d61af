/// A name read as characters: Unicode scalars, and each byte that is not UTF-8 as a character of its own.
///
/// Patterns are written in characters and names are bytes: this is where the two meet, without losing a byte.
struct NameCharacters: Hashable, Sendable {
    /// A scalar's value, or `firstForeign` + the byte.
    private(set) var values: [UInt32]

    /// Beyond the last Unicode scalar.
    private static let firstForeign: UInt32 = 0x11_0000

    init(_ bytes: some Collection<UInt8>) {
        let bytes = Array(bytes)
        if let text = String(validating: bytes, as: UTF8.self) {
            values = text.unicodeScalars.map(\.value)
            return
        }
        values = []
        var index = 0
        while index < bytes.count {
            let (value, length) = Self.character(of: bytes, at: index)
            values.append(value)
            index += length
        }
    }

    init(_ text: some StringProtocol) { values = text.unicodeScalars.map(\.value) }

    var count: Int { values.count }

    /// The bytes of some of the characters, as they were.
    func bytes(in range: Range<Int>) -> [UInt8] {
        var bytes: [UInt8] = []
        for value in values[range] {
            if let scalar = Unicode.Scalar(value) {
                bytes += UTF8.encode(scalar).map(Array.init) ?? []
            } else {
                bytes.append(UInt8(truncatingIfNeeded: value - Self.firstForeign))
            }
        }
        return bytes
    }

    private static func character(of bytes: [UInt8], at index: Int) -> (value: UInt32, length: Int) {
        for length in 1...4 where index + length <= bytes.count {
            guard let text = String(validating: bytes[index..<index + length], as: UTF8.self) else { continue }
            return (text.unicodeScalars.first.map(\.value) ?? 0, length)
        }
        return (firstForeign + UInt32(bytes[index]), 1)
    }
}

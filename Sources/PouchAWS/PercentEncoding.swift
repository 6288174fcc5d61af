import PouchKit

/// Percent-encoding as AWS signs it: every byte but letters, digits and `-._~` becomes `%XX` in upper case.
package enum PercentEncoding {
    /// For the value of a query item, a form field, a header.
    package static func encoded(_ text: String) -> String { encoded(Array(text.utf8), keeping: []) }

    /// For a path and for `x-amz-copy-source`: as `encoded`, with `/` left as it is.
    package static func encodedPath(_ text: String) -> String { encoded(Array(text.utf8), keeping: [UInt8(ascii: "/")]) }

    /// For names in metadata: printable ASCII stays readable, so that a value takes no more room than it must.
    package static func encodedForMetadata(_ bytes: [UInt8]) -> String {
        // A space stays out: S3 trims values, and the canonical form collapses runs of spaces.
        encoded(bytes, keeping: (0x21...0x7E).filter { $0 != UInt8(ascii: "%") })
    }

    /// `nil` when a `%` is not followed by two hexadecimal digits.
    package static func decoded(_ text: some StringProtocol) -> [UInt8]? {
        let characters = Array(text.utf8)
        var bytes: [UInt8] = []
        bytes.reserveCapacity(characters.count)
        var index = 0
        while index < characters.count {
            guard characters[index] == UInt8(ascii: "%") else {
                bytes.append(characters[index])
                index += 1
                continue
            }
            guard index + 2 < characters.count,
                let byte = Hexadecimal.bytes(of: String(decoding: characters[index + 1...index + 2], as: UTF8.self))
            else { return nil }
            bytes.append(contentsOf: byte)
            index += 3
        }
        return bytes
    }

    private static let digits = Array("0123456789ABCDEF".utf8)

    private static let unreserved: [Bool] = (0..<256).map { byte in
        UInt8(byte).isLetterOrDigit || "-._~".utf8.contains(UInt8(byte))
    }

    private static func encoded(_ bytes: [UInt8], keeping extra: [UInt8]) -> String {
        var isKept = unreserved
        for byte in extra { isKept[Int(byte)] = true }
        if bytes.allSatisfy({ isKept[Int($0)] }) { return String(decoding: bytes, as: UTF8.self) }
        var result: [UInt8] = []
        result.reserveCapacity(bytes.count * 3)
        for byte in bytes {
            if isKept[Int(byte)] {
                result.append(byte)
            } else {
                result.append(UInt8(ascii: "%"))
                result.append(digits[Int(byte >> 4)])
                result.append(digits[Int(byte & 15)])
            }
        }
        return String(decoding: result, as: UTF8.self)
    }
}

import PouchKit

/// Percent-encoding as SigV4 wants it: everything but `A-Z a-z 0-9 - . _ ~` is encoded, in capitals.
package enum PercentEncoding {
    package static func encoded(_ bytes: some Sequence<UInt8>, keepingSlash: Bool = false) -> String {
        var result: [UInt8] = []
        for byte in bytes {
            if isUnreserved(byte) || (keepingSlash && byte == UInt8(ascii: "/")) {
                result.append(byte)
            } else {
                result.append(UInt8(ascii: "%"))
                result.append(contentsOf: Hexadecimal.text(of: [byte]).uppercased().utf8)
            }
        }
        return String(decoding: result, as: UTF8.self)
    }

    package static func encoded(_ text: String, keepingSlash: Bool = false) -> String {
        encoded(text.utf8, keepingSlash: keepingSlash)
    }

    /// A `%` that two hexadecimal digits do not follow stands for itself.
    package static func decoded(_ bytes: some Collection<UInt8>, plusIsSpace: Bool = false) -> [UInt8] {
        let source = Array(bytes)
        var result: [UInt8] = []
        result.reserveCapacity(source.count)
        var index = 0
        while index < source.count {
            let byte = source[index]
            if byte == UInt8(ascii: "%"), index + 2 < source.count,
                let value = Hexadecimal.bytes(of: String(decoding: source[index + 1...index + 2], as: UTF8.self))
            {
                result.append(contentsOf: value)
                index += 3
            } else {
                result.append(plusIsSpace && byte == UInt8(ascii: "+") ? UInt8(ascii: " ") : byte)
                index += 1
            }
        }
        return result
    }

    /// As text; bytes that are not UTF-8 become replacement characters.
    package static func decodedText(_ bytes: some Collection<UInt8>, plusIsSpace: Bool = false) -> String {
        String(decoding: decoded(bytes, plusIsSpace: plusIsSpace), as: UTF8.self)
    }

    private static func isUnreserved(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "0")...UInt8(ascii: "9"),
            UInt8(ascii: "-"), UInt8(ascii: "."), UInt8(ascii: "_"), UInt8(ascii: "~"):
            true
        default: false
        }
    }
}

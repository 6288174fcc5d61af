/// One JSON object, written field by field into one line. What the host says it knows beforehand: a general encoder takes longer over a
/// message than the pipe does.
struct JSONLine {
    private var bytes: [UInt8] = [UInt8(ascii: "{")]

    init() { bytes.reserveCapacity(512) }

    mutating func add(_ name: String, _ text: String) {
        begin(name)
        append(text)
    }

    /// Leaves the field out where there is nothing.
    mutating func add(_ name: String, _ text: String?) {
        if let text { add(name, text) }
    }

    mutating func add(_ name: String, _ number: some BinaryInteger) {
        begin(name)
        bytes.append(contentsOf: "\(number)".utf8)
    }

    mutating func add(_ name: String, _ isTrue: Bool) {
        begin(name)
        bytes.append(contentsOf: "\(isTrue)".utf8)
    }

    /// - Parameter number: finite.
    mutating func add(_ name: String, _ number: Double) {
        begin(name)
        bytes.append(contentsOf: "\(number)".utf8)
    }

    mutating func add(_ name: String, _ texts: [String]) {
        begin(name)
        bytes.append(UInt8(ascii: "["))
        for (index, text) in texts.enumerated() {
            if index > 0 { bytes.append(UInt8(ascii: ",")) }
            append(text)
        }
        bytes.append(UInt8(ascii: "]"))
    }

    mutating func add(_ name: String, _ fill: (inout JSONLine) -> Void) {
        begin(name)
        var inner = JSONLine()
        fill(&inner)
        bytes += inner.object
    }

    var object: [UInt8] { bytes + [UInt8(ascii: "}")] }

    private mutating func begin(_ name: String) {
        if bytes.count > 1 { bytes.append(UInt8(ascii: ",")) }
        append(name)
        bytes.append(UInt8(ascii: ":"))
    }

    private mutating func append(_ text: String) {
        bytes.append(UInt8(ascii: "\""))
        Self.escape(text, into: &bytes)
        bytes.append(UInt8(ascii: "\""))
    }

    /// As it stands between the quotes.
    static func escaped(_ text: String) -> [UInt8] {
        var bytes: [UInt8] = []
        escape(text, into: &bytes)
        return bytes
    }

    private static func escape(_ text: String, into bytes: inout [UInt8]) {
        for byte in text.utf8 {
            switch byte {
            case UInt8(ascii: "\""), UInt8(ascii: "\\"): bytes += [UInt8(ascii: "\\"), byte]
            case 0..<0x20:
                bytes.append(contentsOf: (byte < 0x10 ? "\\u000" : "\\u00").utf8)
                bytes.append(contentsOf: String(byte, radix: 16).utf8)
            default: bytes.append(byte)
            }
        }
    }
}

import PouchKit

/// A small file beside each delivered one, which appears when that one is whole and durable.
struct Sidecar: Hashable, Sendable {
    /// `.sha256`, `.done`
    let suffix: String

    /// `nil` unless the text is a dot and then at most 31 letters, digits, dots, dashes or underlines.
    init?(suffix text: String) {
        let isPlain = text.dropFirst().utf8.allSatisfy { byte in
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                UInt8(ascii: "0")...UInt8(ascii: "9"),
                UInt8(ascii: "."), UInt8(ascii: "-"), UInt8(ascii: "_"):
                true
            default: false
            }
        }
        guard text.hasPrefix("."), isPlain, (2...32).contains(text.utf8.count), text != "..", text != ".part" else { return nil }
        suffix = text
    }

    func name(for key: DeliveryKey) -> String { key.name + suffix }

    /// Whether it says whose the file is, or only what it is.
    var namesDelivery: Bool { suffix != ".sha256" }

    /// For `.sha256` what `sha256sum --check` reads; for any other the delivery's id.
    func contents(for key: DeliveryKey, sha256: SHA256Digest, delivery: DeliveryID) -> [UInt8] {
        namesDelivery ? naming(delivery) : Array(ChecksumLine.text(sha256, of: key.name).utf8)
    }

    /// Whether these bytes could be the sidecar of some delivery under that key.
    func isOne(_ bytes: [UInt8], for key: DeliveryKey) -> Bool {
        guard namesDelivery else { return ChecksumLine.isOne(bytes, for: key.name) }
        guard bytes.last == UInt8(ascii: "\n"), let text = String(validating: bytes.dropLast(), as: UTF8.self) else { return false }
        return (try? DeliveryID(text)) != nil
    }

    func naming(_ delivery: DeliveryID) -> [UInt8] { Array("\(delivery)\n".utf8) }
}

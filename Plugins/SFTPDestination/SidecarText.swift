import PouchKit

/// What stands in a sidecar.
enum SidecarText {
    /// None of ours is longer: a key's name and a digest.
    static let longest = 1_024

    static func of(
        _ kind: SFTPSettings.Sidecar, for key: DeliveryKey, _ delivery: DeliveryID, size: Int64, _ digest: SHA256Digest
    ) -> [UInt8] {
        switch kind {
        case .sha256: Array(ChecksumLine.text(digest, of: key.name).utf8)
        case .done: Array("delivery \(delivery)\nsize \(size)\nsha256 \(digest)\n".utf8)
        }
    }

    /// Whether these bytes could be the sidecar of some delivery under that key.
    static func isOne(_ bytes: [UInt8], _ kind: SFTPSettings.Sidecar, for key: DeliveryKey) -> Bool {
        switch kind {
        case .sha256: return ChecksumLine.isOne(bytes, for: key.name)
        case .done:
            let lines = bytes.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false)
            return lines.count == 4 && zip(lines, ["delivery ", "size ", "sha256 ", ""]).allSatisfy { $0.starts(with: $1.utf8) }
        }
    }
}

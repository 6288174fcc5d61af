import Glibc
import PouchKit
import Synchronization

/// Shows on the terminal what arrives in whose bucket, one line each.
package final class ArrivalConsole: Sendable {
    private let accounts: [String: String]
    private let bucketAccounts: [String: String]
    private let descriptor: Int32
    private let lastBucket = Mutex<String?>(nil)

    package init(scenario: SandboxScenario, descriptor: Int32 = STDOUT_FILENO) {
        accounts = Dictionary(uniqueKeysWithValues: scenario.accounts.map { ($0.id, $0.name) })
        bucketAccounts = Dictionary(
            uniqueKeysWithValues: scenario.accounts.flatMap { account in account.buckets.map { ($0.name, account.id) } })
        self.descriptor = descriptor
    }

    package func show(_ object: StoredObject) {
        let account = bucketAccounts[object.bucket] ?? ""
        let title = "\(accounts[account] ?? account) · \(object.bucket)"
        let isNew = lastBucket.withLock { last in
            defer { last = title }
            return last != title
        }
        write((isNew ? "\n\(title)\n" : "") + "  " + Self.line(object, owner: accounts[object.owner]) + "\n")
    }

    package func say(_ text: String) { write(text + "\n") }

    /// `12:03:44  from-orga/seeds.csv  12.5 MB  under 222222222222/11112222-…  owned by org B`
    static func line(_ object: StoredObject, owner: String?) -> String {
        let time = WireTime.iso8601Seconds(object.modified).dropFirst(11).prefix(8)
        let seal =
            switch object.attributes.encryption {
            case .none: "NOT ENCRYPTED"
            case .aes256: "under S3's own key"
            case .kms(let key, _, _): "under \(key)"
            }
        return [
            String(time), object.key.description, ByteCount.text(object.size), seal, "owned by \(owner ?? object.owner)",
        ].joined(separator: "  ")
    }

    /// Straight to the descriptor: `print` holds lines back when the output is a pipe.
    private func write(_ text: String) {
        var bytes = Array(text.utf8)[...]
        while !bytes.isEmpty {
            let count = bytes.withUnsafeBytes { Glibc.write(descriptor, $0.baseAddress, $0.count) }
            guard count > 0 else { return }
            bytes = bytes.dropFirst(count)
        }
    }
}

/// Sizes for people.
enum ByteCount {
    static func text(_ count: Int64) -> String {
        guard count >= 1_000 else { return "\(count) B" }
        var value = Double(count)
        var unit = -1
        repeat {
            value /= 1_000
            unit += 1
        } while value >= 999.95 && unit < 4
        let tenths = Int64((value * 10).rounded())
        return "\(tenths / 10).\(tenths % 10) \(["kB", "MB", "GB", "TB", "PB"][unit])"
    }
}

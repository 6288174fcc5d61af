import PouchCrypto
import PouchKit
import Synchronization

/// Keys derived for a day, a region and a service: four HMACs that need not be repeated for each request.
final class SigningKeys: Sendable {
    private struct Scope: Hashable {
        let secret: Secret
        let day: String
        let region: Region
        let service: String
    }

    /// Enough for the identities and regions of one client; a new day starts afresh.
    private static let mostKept = 32

    private let kept = Mutex<[Scope: [UInt8]]>([:])

    func key(secret: Secret, day: String, region: Region, service: String) -> [UInt8] {
        let scope = Scope(secret: secret, day: day, region: region, service: service)
        if let key = kept.withLock({ $0[scope] }) { return key }
        var key = Array("AWS4\(secret.reveal())".utf8)
        for part in [day, region.description, service, "aws4_request"] {
            key = HMACSHA256.code(for: Array(part.utf8), key: key)
        }
        let derived = key
        kept.withLock { keys in
            if keys.count >= Self.mostKept { keys.removeAll() }
            keys[scope] = derived
        }
        return derived
    }
}

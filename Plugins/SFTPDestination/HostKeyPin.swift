import PouchCrypto
package import PouchHTTP
import PouchKit

/// A host key that is trusted: itself, or its fingerprint.
package enum HostKeyPin: Hashable, Sendable {
    /// `SHA256:` and 43 characters of base64.
    case fingerprint(String)
    case key(SFTPHostKey)

    /// `SHA256:…`, or `ssh-ed25519 AAAA… comment` as it stands in a `.pub` file. `nil` for anything else.
    package init?(_ text: String) {
        let words = text.split(separator: " ")
        if words.count == 1, text.hasPrefix("SHA256:") {
            // Padding is what some tools write, and ssh-keygen does not.
            let digits = text.dropFirst("SHA256:".count).prefix { $0 != "=" }
            guard digits.utf8.count == 43, Base64.bytes(of: digits + "=") != nil else { return nil }
            self = .fingerprint("SHA256:" + digits)
            return
        }
        guard words.count >= 2, let bytes = Base64.bytes(of: words[1]) else { return nil }
        let key = SFTPHostKey(bytes: bytes)
        guard !key.type.isEmpty, key.type == words[0] else { return nil }
        self = .key(key)
    }

    func matches(_ key: SFTPHostKey) -> Bool {
        switch self {
        case .fingerprint(let text): key.fingerprint == text
        case .key(let own): own == key
        }
    }

    var type: String? {
        switch self {
        case .fingerprint: nil
        case .key(let key): key.type
        }
    }

    /// `SHA256:… (ssh-ed25519)`
    var visible: String {
        switch self {
        case .fingerprint(let text): text
        case .key(let key): key.visible
        }
    }
}

extension SFTPHostKey {
    /// As `ssh-keygen -lf` prints it.
    package var fingerprint: String {
        "SHA256:" + Base64.text(of: SHA256Hasher.digest(of: bytes).bytes).prefix { $0 != "=" }
    }

    var visible: String { "\(fingerprint) (\(VisibleText.escaped(type)))" }
}

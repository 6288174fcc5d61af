import PouchHTTP
import PouchKit

/// What can be said of a private key file without opening it up: its type, and whether it needs a passphrase.
package struct PrivateKeyFile: Hashable, Sendable {
    /// Why it cannot be one; `nil` when it looks right.
    package let flaw: String?
    /// `ssh-ed25519`; `nil` where only the passphrase would tell.
    package let type: String?
    /// The fingerprint of the public key, which the partner can compare; `nil` where the file does not hold it in the clear.
    package let fingerprint: String?
    package let needsPassphrase: Bool

    package init(_ text: String) {
        let lines = text.split(whereSeparator: \.isNewline).map(String.init)
        let header = lines.first { $0.hasPrefix("-----BEGIN ") } ?? ""
        let body = lines.drop { $0 != header }.dropFirst().prefix { !$0.hasPrefix("-----END ") }
        switch header {
        case "-----BEGIN OPENSSH PRIVATE KEY-----":
            var reader = SSHReader(Base64.bytes(of: body.joined()) ?? [])
            // PROTOCOL.key of OpenSSH: the public key stands before what is encrypted.
            guard reader.skip(Array("openssh-key-v1\0".utf8)), let cipher = reader.text(), reader.text() != nil,
                reader.text() != nil, reader.number() == 1, let key = reader.text().map({ SFTPHostKey(bytes: $0) })
            else {
                self.init(flaw: "it is damaged", type: nil)
                return
            }
            self.init(
                flaw: nil, type: key.type, fingerprint: key.fingerprint, needsPassphrase: !cipher.elementsEqual("none".utf8))
        case "-----BEGIN RSA PRIVATE KEY-----":
            self.init(flaw: nil, type: "ssh-rsa", needsPassphrase: body.contains { $0.contains("ENCRYPTED") })
        case "-----BEGIN EC PRIVATE KEY-----":
            self.init(flaw: nil, type: "ecdsa-sha2", needsPassphrase: body.contains { $0.contains("ENCRYPTED") })
        case "-----BEGIN PRIVATE KEY-----": self.init(flaw: nil, type: nil)
        case "-----BEGIN ENCRYPTED PRIVATE KEY-----": self.init(flaw: nil, type: nil, needsPassphrase: true)
        default:
            let isPublic = text.hasPrefix("ssh-") || text.hasPrefix("ecdsa-")
            self.init(
                flaw: isPublic ? "it is a public key: name the file without .pub" : "it does not look like a private key",
                type: nil)
        }
    }

    private init(flaw: String?, type: String?, fingerprint: String? = nil, needsPassphrase: Bool = false) {
        self.flaw = flaw
        self.type = type
        self.fingerprint = fingerprint
        self.needsPassphrase = needsPassphrase
    }

    package var isRSA: Bool { type == "ssh-rsa" }
}

/// Reads the strings and numbers of RFC 4251, section 5.
private struct SSHReader {
    private var rest: ArraySlice<UInt8>

    init(_ bytes: [UInt8]) { rest = bytes[...] }

    mutating func skip(_ start: [UInt8]) -> Bool {
        guard rest.starts(with: start) else { return false }
        rest = rest.dropFirst(start.count)
        return true
    }

    mutating func number() -> Int? {
        guard rest.count >= 4 else { return nil }
        defer { rest = rest.dropFirst(4) }
        return rest.prefix(4).reduce(0) { $0 << 8 | Int($1) }
    }

    mutating func text() -> [UInt8]? {
        guard let length = number(), length <= rest.count else { return nil }
        defer { rest = rest.dropFirst(length) }
        return Array(rest.prefix(length))
    }
}

import PouchCrypto
package import PouchHTTP
import PouchKit

/// What a known_hosts file says of one host (sshd(8), "SSH_KNOWN_HOSTS FILE FORMAT").
///
/// Read by us and not by libssh2: that one lets the first hashed line decide which type of key is asked for, whatever host the line
/// is for, and knows no `@revoked`.
package struct KnownHosts: Hashable, Sendable {
    package struct Entry: Hashable, Sendable {
        package let line: Int
        package let key: SFTPHostKey
    }

    package private(set) var trusted: [Entry] = []
    package private(set) var revoked: [Entry] = []

    /// As OpenSSH looks: under `[host]:port`, and where that is not there, under the host alone.
    package init(_ text: String, host: String, port: Int) {
        let host = host.lowercased()
        let lines = text.split(omittingEmptySubsequences: false, whereSeparator: \.isNewline).enumerated()
        let parsed = lines.compactMap { Line($1, number: $0 + 1) }
        for name in port == 22 ? [host] : ["[\(host)]:\(port)", host] {
            let matching = parsed.filter { $0.isAbout(name) }
            revoked += matching.filter { $0.marker == "@revoked" }.map(\.entry)
            if trusted.isEmpty { trusted = matching.filter { $0.marker == nil }.map(\.entry) }
        }
    }

    package func isTrusted(_ key: SFTPHostKey) -> Bool {
        trusted.contains { $0.key == key } && !revoked.contains { $0.key == key }
    }

    /// A line that makes the key known.
    package static func line(host: String, port: Int, key: SFTPHostKey) -> String {
        let name = port == 22 ? host.lowercased() : "[\(host.lowercased())]:\(port)"
        return "\(name) \(key.type) \(Base64.text(of: key.bytes))"
    }
}

private struct Line {
    let marker: String?
    let entry: KnownHosts.Entry
    private let names: [Substring]

    /// `nil` for a comment, an empty line, and what cannot be read.
    init?(_ text: Substring, number: Int) {
        var words = text.split(whereSeparator: { $0 == " " || $0 == "\t" })
        guard let first = words.first, !first.hasPrefix("#") else { return nil }
        marker = first.hasPrefix("@") ? String(words.removeFirst()) : nil
        guard words.count >= 3, let bytes = Base64.bytes(of: words[2]) else { return nil }
        let key = SFTPHostKey(bytes: bytes)
        guard key.type == words[1] else { return nil }
        names = words[0].split(separator: ",")
        entry = KnownHosts.Entry(line: number, key: key)
    }

    func isAbout(_ name: String) -> Bool {
        var isNamed = false
        for pattern in names {
            if pattern.hasPrefix("|1|") {
                isNamed = isNamed || Self.isHash(pattern, of: name)
            } else if pattern.hasPrefix("!") {
                if Self.matches(Array(pattern.dropFirst().lowercased().utf8)[...], Array(name.utf8)[...]) { return false }
            } else {
                isNamed = isNamed || Self.matches(Array(pattern.lowercased().utf8)[...], Array(name.utf8)[...])
            }
        }
        return isNamed
    }

    /// `|1|salt|HMAC-SHA1 of the name under the salt|`
    private static func isHash(_ text: Substring, of name: String) -> Bool {
        let parts = text.split(separator: "|")
        guard parts.count == 3, let salt = Base64.bytes(of: parts[1]), let hash = Base64.bytes(of: parts[2]) else { return false }
        return HMACSHA1.code(for: Array(name.utf8), key: salt) == hash
    }

    /// With `*` and `?`.
    private static func matches(_ pattern: ArraySlice<UInt8>, _ name: ArraySlice<UInt8>) -> Bool {
        var (pattern, name) = (pattern, name)
        var retry: (pattern: ArraySlice<UInt8>, name: ArraySlice<UInt8>)?
        while true {
            if pattern.first == UInt8(ascii: "*") {
                pattern = pattern.dropFirst()
                retry = (pattern, name)
            } else if let wanted = pattern.first, let found = name.first, wanted == found || wanted == UInt8(ascii: "?") {
                (pattern, name) = (pattern.dropFirst(), name.dropFirst())
            } else if pattern.isEmpty && name.isEmpty {
                return true
            } else if let last = retry, !last.name.isEmpty {
                // The last star takes one more.
                retry = (last.pattern, last.name.dropFirst())
                (pattern, name) = (last.pattern, last.name.dropFirst())
            } else {
                return false
            }
        }
    }
}

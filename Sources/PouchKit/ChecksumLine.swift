/// The line of a `.sha256` sidecar, as `sha256sum --check` reads it.
public enum ChecksumLine {
    public static func text(_ digest: SHA256Digest, of name: String) -> String {
        let (prefix, rest) = frame(name)
        return "\(prefix)\(digest)\(rest)"
    }

    /// Whether these bytes are such a line for a file of that name, whatever its digest.
    public static func isOne(_ bytes: [UInt8], for name: String) -> Bool {
        let (prefix, rest) = frame(name)
        guard bytes.starts(with: prefix.utf8) else { return false }
        let line = bytes.dropFirst(prefix.utf8.count)
        return line.prefix(64).count == 64 && line.prefix(64).allSatisfy(Hexadecimal.isLowerCaseDigit)
            && line.dropFirst(64).elementsEqual(rest.utf8)
    }

    /// What stands around the digest: a backslash in a name is doubled, and then the line begins with one.
    private static func frame(_ name: String) -> (prefix: String, rest: String) {
        let parts = name.utf8.split(separator: UInt8(ascii: "\\"), omittingEmptySubsequences: false).compactMap { String($0) }
        return (parts.count > 1 ? "\\" : "", "  " + parts.joined(separator: "\\\\") + "\n")
    }
}

import CCurl

/// The SSH library that libcurl was built with here: what it lacks decides what can be asked for.
package struct SFTPBackend: Hashable, Sendable, CustomStringConvertible {
    /// `7.88.1`
    package let curl: String
    /// `libssh2/1.10.0`, `libssh/0.10.6/openssl/zlib`; empty where libcurl speaks no SFTP.
    package let library: String

    package init(curl: String, library: String) {
        self.curl = curl
        self.library = library
    }

    package static let current: SFTPBackend = {
        guard let info = pouch_curl_version() else { return SFTPBackend(curl: "", library: "") }
        return SFTPBackend(
            curl: info.pointee.version.map { String(cString: $0) } ?? "",
            library: info.pointee.libssh_version.map { String(cString: $0) } ?? "")
    }()

    /// Only with libssh2 does libcurl ask us about the host key. With any other library nothing would be checked by us.
    package var asksAboutHostKeys: Bool { library.hasPrefix("libssh2/") }

    /// Before 1.11, libssh2 signs with SHA-1 where the key is RSA, and knows no other RSA host keys: servers refuse both since
    /// OpenSSH 8.8.
    package var isLimitedToOldRSA: Bool {
        guard asksAboutHostKeys else { return false }
        let numbers = library.dropFirst("libssh2/".count).split(separator: ".").prefix(2).map {
            Int($0.prefix { $0.isNumber }) ?? 0
        }
        return numbers.count == 2 && (numbers[0], numbers[1]) < (1, 11)
    }

    package var description: String { "libcurl \(curl) with \(library.isEmpty ? "no SSH library" : library)" }
}

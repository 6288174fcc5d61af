package import PouchHTTP
package import PouchKit

/// The settings, checked.
package struct SFTPPlan: Hashable, Sendable {
    package enum Login: Hashable, Sendable {
        case key(path: String, passphraseFile: String?)
        case password(file: String)
        case agent
    }

    package enum Trust: Hashable, Sendable {
        /// Any of these.
        case pins([HostKeyPin])
        /// Absolute path. With `addsFirst` the key of a host that the file does not name is believed once, and written down.
        case knownHosts(path: String, addsFirst: Bool)
    }

    package enum Naming: Hashable, Sendable {
        case hidden, part, direct
        /// The server's path, made as `base` is.
        case staging(String)
    }

    package let host: String
    package let port: Int
    package let user: String
    package let login: Login
    package let trust: Trust
    /// The server's path without a slash at its end; empty: the login's folder.
    package let base: String
    package let whenTaken: WhenTaken
    package let naming: Naming
    /// `nil`: as the server makes it.
    package let mode: UInt16?
    package let keepsTime: Bool
    package let sidecars: [SFTPSettings.Sidecar]
    package let makesFolders: Bool
    package let checksSize: Bool
    package let looksFirst: Bool
    package let resumes: Bool
    package let sessions: Int
    package let timeouts: SFTPTimeouts

    var server: SFTPServer { SFTPServer(host: host, port: port, user: user, timeouts: timeouts) }

    var target: TargetFingerprint { TargetFingerprint("sftp:\(user)@\(host):\(port):\(base)") }

    /// `sftp://orga@sftp.globex.example:22/inbox`, with `/~` for the login's folder.
    func location(of path: String) -> String {
        let name = host.contains(":") ? "[\(host)]" : host
        return "sftp://\(RemotePath.encoded(user))@\(name):\(port)" + RemotePath.encoded(path.hasPrefix("/") ? path : "/~/" + path)
    }

    var folderMode: UInt16 { mode.map(FileMode.ofFolders) ?? 0o755 }
}

/// Paths at the server.
enum RemotePath {
    static func joined(_ base: String, _ relative: String) -> String {
        if relative.isEmpty { return base }
        return base.isEmpty ? relative : base == "/" ? "/" + relative : base + "/" + relative
    }

    /// For people and records, as RFC 3986 has it.
    static func encoded(_ path: String) -> String {
        path.utf8.reduce(into: "") { text, byte in
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                UInt8(ascii: "0")...UInt8(ascii: "9"),
                UInt8(ascii: "/"), UInt8(ascii: "-"), UInt8(ascii: "."), UInt8(ascii: "_"), UInt8(ascii: "~"):
                text.unicodeScalars.append(Unicode.Scalar(byte))
            default: text += "%" + Hexadecimal.text(of: [byte]).uppercased()
            }
        }
    }
}

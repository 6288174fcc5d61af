package import PouchKit

/// A server, and who we are there.
package struct SFTPServer: Sendable {
    package var host: String
    package var port: Int
    package var user: String
    package var timeouts: SFTPTimeouts

    package init(host: String, port: Int, user: String, timeouts: SFTPTimeouts = SFTPTimeouts()) {
        self.host = host
        self.port = port
        self.user = user
        self.timeouts = timeouts
    }

    /// For messages.
    package var name: String { "\(user)@\(host):\(port)" }
}

/// How long a server may be silent.
package struct SFTPTimeouts: Hashable, Sendable {
    /// Name, connection, key exchange and login together.
    package var connect: Duration
    /// Without a single byte moving afterwards, in either direction.
    package var stall: Duration

    package init(connect: Duration = .seconds(20), stall: Duration = .seconds(60)) {
        self.connect = connect
        self.stall = stall
    }
}

/// What proves who we are.
package enum SFTPLogin: Sendable {
    /// A private key file; the public key is made from it.
    case key(path: String, passphrase: Secret?)
    /// As a password, or as the answer to the one question of keyboard-interactive.
    case password(Secret)
    /// The keys of the SSH agent that `SSH_AUTH_SOCK` names: libssh2 reads the variable itself.
    case agent
}

/// The key by which a server proves who it is, as it came in the key exchange.
package struct SFTPHostKey: Hashable, Sendable {
    /// The key's own encoding (RFC 4253, section 6.6): its type, then its numbers.
    package let bytes: [UInt8]

    package init(bytes: [UInt8]) { self.bytes = bytes }

    /// `ssh-ed25519`; empty when the bytes are no key.
    package var type: String {
        guard bytes.count >= 4 else { return "" }
        let length = bytes[..<4].reduce(0) { $0 << 8 | Int($1) }
        guard length <= 64, bytes.count >= 4 + length else { return "" }
        return String(validating: bytes[4..<4 + length], as: UTF8.self) ?? ""
    }
}

/// Decides about host keys. There is no default: without somebody who decides there is no connection.
package struct SFTPHostKeyJudge: Sendable {
    /// Whether this is the server's key. Called on the engine's thread once for each new connection, before anything of ours is
    /// sent; it may read a small file.
    package let isTrusted: @Sendable (SFTPHostKey) -> Bool
    /// The path of a file in the format of known_hosts with one line: libcurl asks the server for a key of that line's type. What
    /// the line says of the key itself is ignored. Without it, libssh2 takes ECDSA before Ed25519.
    package let typePreference: String?

    package init(typePreference: String? = nil, isTrusted: @escaping @Sendable (SFTPHostKey) -> Bool) {
        self.typePreference = typePreference
        self.isTrusted = isTrusted
    }
}

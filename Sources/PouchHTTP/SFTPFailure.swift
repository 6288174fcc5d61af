import CCurl

/// Why a request did not come to its end.
///
/// What is *not* a failure: that `look` finds nothing.
package struct SFTPFailure: Error, Hashable, Sendable, CustomStringConvertible {
    package enum Kind: Hashable, Sendable {
        /// It cannot be asked like this: a NUL or line break in a path, or libcurl speaks no SFTP or cannot check host keys.
        case badRequest
        /// The name of the host has no address.
        case resolve
        /// Refused, unreachable, or no answer in time.
        case connect
        /// Client and server have no algorithm in common.
        case noCommonAlgorithm
        /// The key exchange failed otherwise: no SSH, garbage, or the server hung up.
        case handshake
        /// The judge did not trust the host key.
        case hostKey(SFTPHostKey?)
        /// Key, agent or password were not accepted; a key that cannot be read or decrypted looks the same.
        case login
        /// A file or folder is not there.
        case missing
        case denied
        case full
        /// Something of that name is there. Few servers say so: most say `refused`.
        case taken
        /// The server does not know how.
        case unsupported
        /// The server said no, and not why.
        case refused
        /// No byte moved for `timeouts.stall`.
        case stalled
        /// The file to be verified has another size.
        case sizeDiffers
        /// The session ended in the middle; also what libcurl makes of a write that the server refused.
        case cut
        /// The body's file could not be read, or ended before `count` bytes.
        case sourceRead
        /// The taker of bytes wanted no more.
        case stopped
        case cancelled
        case shutDown
        /// libcurl itself failed: no memory, no descriptor.
        case broken
    }

    package let kind: Kind
    /// False when the session never came to the first command: nothing can have happened at the server.
    package let wasBegun: Bool
    /// What the server said no to was a command, not the transfer.
    package let isOfCommand: Bool
    /// It went over a connection that had been idle, which may have been dead for long.
    package let usedKeptConnection: Bool
    /// One line: what happened, with the library's and the server's own words.
    package let text: String

    package init(
        kind: Kind, wasBegun: Bool, isOfCommand: Bool = false, usedKeptConnection: Bool = false, text: String
    ) {
        self.kind = kind
        self.wasBegun = wasBegun
        self.isOfCommand = isOfCommand
        self.usedKeptConnection = usedKeptConnection
        self.text = text
    }

    package var description: String { text }
}

/// What libcurl's codes and words mean for a session.
enum SFTPVerdict {
    static func kind(of code: CURLcode, words: String, wasBegun: Bool) -> SFTPFailure.Kind {
        switch code {
        case CURLE_UNSUPPORTED_PROTOCOL, CURLE_URL_MALFORMAT, CURLE_NOT_BUILT_IN, CURLE_BAD_FUNCTION_ARGUMENT: .badRequest
        case CURLE_COULDNT_RESOLVE_PROXY, CURLE_COULDNT_RESOLVE_HOST: .resolve
        case CURLE_COULDNT_CONNECT, CURLE_INTERFACE_FAILED, CURLE_NO_CONNECTION_AVAILABLE, CURLE_PROXY: .connect
        case CURLE_OPERATION_TIMEDOUT: wasBegun ? .stalled : .connect
        case CURLE_FAILED_INIT where words.contains(": -5,") || words.contains(": -8,"):
            // LIBSSH2_ERROR_KEX_FAILURE and LIBSSH2_ERROR_KEY_EXCHANGE_FAILURE: libcurl has one code for all of a handshake.
            .noCommonAlgorithm
        case CURLE_FAILED_INIT: wasBegun ? .cut : .handshake
        case CURLE_PEER_FAILED_VERIFICATION: .hostKey(nil)
        case CURLE_LOGIN_DENIED: .login
        case CURLE_REMOTE_FILE_NOT_FOUND: .missing
        case CURLE_REMOTE_ACCESS_DENIED: .denied
        case CURLE_REMOTE_DISK_FULL: .full
        case CURLE_REMOTE_FILE_EXISTS: .taken
        case CURLE_QUOTE_ERROR, CURLE_UPLOAD_FAILED: kind(ofWords: words) ?? .refused
        case CURLE_SSH: kind(ofWords: words) ?? (wasBegun ? .cut : .handshake)
        case CURLE_PARTIAL_FILE, CURLE_GOT_NOTHING, CURLE_SEND_ERROR, CURLE_RECV_ERROR, CURLE_SEND_FAIL_REWIND:
            wasBegun ? .cut : .handshake
        case CURLE_BAD_DOWNLOAD_RESUME: .sizeDiffers
        case CURLE_READ_ERROR: .sourceRead
        default: .broken
        }
    }

    /// The words that libcurl has for the status codes of SFTP: for a command it hands on nothing else.
    private static func kind(ofWords words: String) -> SFTPFailure.Kind? {
        let meanings: [(String, SFTPFailure.Kind)] = [
            ("No such file or directory", .missing), ("File not found", .missing), ("Permission denied", .denied),
            ("File is write protected", .denied), ("File already exists", .taken), ("Disk full", .full),
            ("User quota exceeded", .full), ("Operation not supported", .unsupported), ("Operation failed", .refused),
            ("Connection to SFTP server lost", .cut), ("Not connected to SFTP server", .cut),
            ("This is not a directory", .missing), ("Invalid filename", .refused), ("Unknown error in libssh2", .refused),
        ]
        return meanings.first { words.contains($0.0) }?.1
    }

    static func text(of kind: SFTPFailure.Kind, code: CURLcode, words: String) -> String {
        let sentence =
            switch kind {
            case .badRequest: "this cannot be asked"
            case .resolve: "the name has no address"
            case .connect: "no connection"
            case .noCommonAlgorithm: "the server and this libcurl have no algorithm in common"
            case .handshake: "no SSH session came about"
            case .hostKey: "the server's host key is not trusted"
            case .login: "the server did not let us in"
            case .missing, .denied, .full, .taken, .unsupported, .refused: "the server refused"
            case .stalled: "the server did not answer in time"
            case .sizeDiffers: "the file there is not what was sent"
            case .cut: "the session ended in the middle"
            case .sourceRead: "the file could not be read"
            case .stopped, .cancelled, .shutDown, .broken: "libcurl failed"
            }
        return "\(sentence): \(words) (curl \(code.rawValue))"
    }
}

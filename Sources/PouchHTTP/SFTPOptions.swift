import CCurl
import PouchKit

/// What libcurl is told about a request and the server.
struct SFTPOptions {
    /// Each buffer goes out as packets that are not waited for one by one; above this the processor's caches suffer.
    private static let uploadBufferSize = 512 << 10
    /// libcurl waits for the answers that follow a transfer only where it has some limit; without one it asks the socket again and
    /// again. This is the longest that it takes, 24 days.
    private static let longestTransfer = Int(Int32.max)

    let request: SFTPRequest
    let server: SFTPServer
    let login: SFTPLogin
    let judge: SFTPHostKeyJudge

    func apply(to handle: EasyHandle) throws(TransferProblem) {
        try setConnection(handle)
        try setLogin(handle)
        try setTransfer(handle)
        if !request.before.isEmpty { try handle.set(CURLOPT_QUOTE, lines: request.before.map(\.line)) }
        if !request.after.isEmpty { try handle.set(CURLOPT_POSTQUOTE, lines: request.after.map(\.line)) }
    }

    private func setConnection(_ handle: EasyHandle) throws(TransferProblem) {
        try handle.set(CURLOPT_PROTOCOLS_STR, "sftp")
        try handle.set(CURLOPT_PATH_AS_IS, 1)
        try handle.set(CURLOPT_DISALLOW_USERNAME_IN_URL, 1)
        try handle.set(CURLOPT_NETRC, 0)
        // Empty texts, not missing ones: those would let libcurl read the environment.
        try handle.set(CURLOPT_PROXY, "")
        try handle.set(CURLOPT_NOPROXY, "")
        try handle.set(CURLOPT_NOSIGNAL, 1)
        try handle.set(CURLOPT_QUICK_EXIT, 1)
        try handle.set(CURLOPT_CONNECTTIMEOUT_MS, server.timeouts.connect.wholeMilliseconds)
        try handle.set(CURLOPT_TIMEOUT_MS, Self.longestTransfer)
        try handle.set(CURLOPT_TCP_NODELAY, 1)
        try handle.set(CURLOPT_TCP_KEEPALIVE, 1)
        try handle.set(CURLOPT_TCP_KEEPIDLE, 30)
        try handle.set(CURLOPT_TCP_KEEPINTVL, 15)
        guard let path = judge.typePreference else { return }
        try handle.set(CURLOPT_SSH_KNOWNHOSTS, path)
    }

    private func setLogin(_ handle: EasyHandle) throws(TransferProblem) {
        try handle.set(CURLOPT_USERNAME, server.user)
        switch login {
        case .key(let path, let passphrase):
            try handle.set(CURLOPT_SSH_AUTH_TYPES, 1)  // CURLSSH_AUTH_PUBLICKEY
            try handle.set(CURLOPT_SSH_PRIVATE_KEYFILE, path)
            // Empty: made from the private key. Unset, libcurl would look for one in the home folder.
            try handle.set(CURLOPT_SSH_PUBLIC_KEYFILE, "")
            try handle.set(CURLOPT_KEYPASSWD, passphrase?.reveal() ?? "")
        case .password(let password):
            try handle.set(CURLOPT_SSH_AUTH_TYPES, 2 | 8)  // CURLSSH_AUTH_PASSWORD, CURLSSH_AUTH_KEYBOARD
            try handle.set(CURLOPT_PASSWORD, password.reveal())
        case .agent:
            try handle.set(CURLOPT_SSH_AUTH_TYPES, 16)  // CURLSSH_AUTH_AGENT
        }
    }

    private func setTransfer(_ handle: EasyHandle) throws(TransferProblem) {
        switch request.transfer {
        case .nothing:
            // A folder without its list: libcurl stops before it opens anything.
            try setURL(handle, "/")
            try handle.set(CURLOPT_NOBODY, 1)
        case .look(let path, let withTime):
            try setURL(handle, path)
            try handle.set(CURLOPT_NOBODY, 1)
            try handle.set(CURLOPT_FILETIME, withTime ? 1 : 0)
        case .lookForFolder(let path):
            try setURL(handle, path.hasSuffix("/") ? path : path + "/")
            try handle.set(CURLOPT_NOBODY, 1)
            try handle.set(CURLOPT_FILETIME, 1)
        case .verify(let path, let size):
            try setURL(handle, path)
            // Nothing may come from there on; and where the file ends before, libcurl refuses by itself.
            try handle.set(CURLOPT_RESUME_FROM_LARGE, size: size)
        case .read(let path, let offset, let count, _):
            try setURL(handle, path)
            let last = count.map { String(offset + $0 - 1) } ?? ""
            try handle.set(CURLOPT_RANGE, "\(offset)-\(last)")
        case .upload(let upload): try setUpload(handle, upload)
        }
    }

    private func setUpload(_ handle: EasyHandle, _ upload: SFTPUpload) throws(TransferProblem) {
        try setURL(handle, upload.path)
        try handle.set(CURLOPT_UPLOAD, 1)
        try handle.set(CURLOPT_INFILESIZE_LARGE, size: upload.body.count)
        try handle.set(CURLOPT_RESUME_FROM_LARGE, size: upload.offset)
        try handle.set(CURLOPT_NEW_FILE_PERMS, Int(upload.mode))
        if let mode = upload.folderMode {
            try handle.set(CURLOPT_FTP_CREATE_MISSING_DIRS, Int(CURLFTP_CREATE_DIR.rawValue))
            try handle.set(CURLOPT_NEW_DIRECTORY_PERMS, Int(mode))
        }
        try handle.set(CURLOPT_UPLOAD_BUFFERSIZE, Self.uploadBufferSize)
    }

    private func setURL(_ handle: EasyHandle, _ path: String) throws(TransferProblem) {
        let host = server.host.contains(":") ? "[\(server.host)]" : server.host
        try handle.set(CURLOPT_URL, "sftp://\(host):\(server.port)" + Self.encoded(path))
    }

    /// As a path of a URL. `/~/` leads to the login's folder; a folder that is really called `~` needs a detour.
    static func encoded(_ path: String) -> String {
        let whole = !path.hasPrefix("/") ? "/~/" + path : path.hasPrefix("/~/") ? "/." + path : path
        return whole.utf8.reduce(into: "") { text, byte in
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

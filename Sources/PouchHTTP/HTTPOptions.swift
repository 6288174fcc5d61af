import CCurl
import PouchKit

/// What libcurl is told about a request and the network: every default that could surprise is set.
struct HTTPOptions {
    /// From 256 KiB on, the processor time per GiB does not fall any more; each transfer has a buffer of its own.
    private static let uploadBufferSize = 256 << 10

    let request: HTTPRequest
    let network: HTTPNetwork

    func apply(to handle: EasyHandle) throws(TransferProblem) {
        try setRequest(handle)
        try setConnection(handle)
        try setTrust(handle)
        try setProxy(handle)
    }

    private func setRequest(_ handle: EasyHandle) throws(TransferProblem) {
        try handle.set(CURLOPT_PROTOCOLS_STR, "http,https")
        try handle.set(CURLOPT_URL, request.url)
        // Signatures and keys with dots in them need the path as it was given.
        try handle.set(CURLOPT_PATH_AS_IS, 1)
        try handle.set(CURLOPT_DISALLOW_USERNAME_IN_URL, 1)
        // A redirect needs a new signature and perhaps another region: the caller decides.
        try handle.set(CURLOPT_FOLLOWLOCATION, 0)
        try handle.set(CURLOPT_NETRC, 0)
        try handle.set(CURLOPT_HTTP09_ALLOWED, 0)
        try handle.set(CURLOPT_SUPPRESS_CONNECT_HEADERS, 1)
        try setMethodAndBody(handle)
        try handle.set(CURLOPT_HTTPHEADER, lines: headerLines)
    }

    private func setMethodAndBody(_ handle: EasyHandle) throws(TransferProblem) {
        if request.method == "HEAD" {
            // Otherwise libcurl would wait for the body that Content-Length promises.
            try handle.set(CURLOPT_NOBODY, 1)
        } else if request.announcesLength {
            try handle.set(CURLOPT_UPLOAD, 1)
            try handle.set(CURLOPT_INFILESIZE_LARGE, size: request.body.count)
            try handle.set(CURLOPT_UPLOAD_BUFFERSIZE, Self.uploadBufferSize)
            try handle.set(CURLOPT_CUSTOMREQUEST, request.method)
        } else {
            try handle.set(CURLOPT_HTTPGET, 1)
            try handle.set(CURLOPT_CUSTOMREQUEST, request.method)
        }
    }

    /// Ours, in libcurl's notation: `Name;` sends an empty value, `Name:` takes away what libcurl would add.
    private var headerLines: [String] {
        let own = request.headers.map { header in
            header.value.isEmpty ? "\(header.name);" : "\(header.name): \(header.value)"
        }
        let names = HTTPHeaders(request.headers)
        return own + ["Accept", "Expect", "Content-Type"].filter { names[$0] == nil }.map { "\($0):" }
    }

    private func setConnection(_ handle: EasyHandle) throws(TransferProblem) {
        try handle.set(CURLOPT_NOSIGNAL, 1)
        // Ending a transfer must not wait for the resolver's thread, which may sit in DNS timeouts.
        try handle.set(CURLOPT_QUICK_EXIT, 1)
        try handle.set(CURLOPT_CONNECTTIMEOUT_MS, request.timeouts.connect.wholeMilliseconds)
        try handle.set(CURLOPT_HTTP_VERSION, Int(CURL_HTTP_VERSION_2TLS))
        try handle.set(CURLOPT_PIPEWAIT, 0)
        try handle.set(CURLOPT_TCP_KEEPALIVE, 1)
        try handle.set(CURLOPT_TCP_KEEPIDLE, 60)
        try handle.set(CURLOPT_TCP_KEEPINTVL, 30)
    }

    private func setTrust(_ handle: EasyHandle) throws(TransferProblem) {
        try handle.set(CURLOPT_SSL_VERIFYPEER, 1)
        try handle.set(CURLOPT_SSL_VERIFYHOST, 2)
        try handle.set(CURLOPT_SSLVERSION, Int(CURL_SSLVERSION_TLSv1_2))
        // An exchanged CA file is noticed without a restart.
        try handle.set(CURLOPT_CA_CACHE_TIMEOUT, 600)
        guard let caFile = network.caFile else { return }
        try handle.set(CURLOPT_CAINFO, caFile)
        try handle.set(CURLOPT_PROXY_CAINFO, caFile)
        // The system's folder of authorities is compiled in and would still be trusted.
        try handle.set(CURLOPT_CAPATH, nil)
        try handle.set(CURLOPT_PROXY_CAPATH, nil)
    }

    private func setProxy(_ handle: EasyHandle) throws(TransferProblem) {
        switch network.proxy {
        case .none:
            // Empty texts, not missing ones: those would let libcurl read http_proxy and its kin from the environment.
            try handle.set(CURLOPT_PROXY, "")
            try handle.set(CURLOPT_NOPROXY, "")
        case .through(let server):
            try handle.set(CURLOPT_PROXY, server.url)
            try handle.set(CURLOPT_NOPROXY, server.except.joined(separator: ","))
            guard let user = server.user else { return }
            try handle.set(CURLOPT_PROXYUSERNAME, user)
            try handle.set(CURLOPT_PROXYPASSWORD, server.password?.reveal() ?? "")
        }
    }
}

extension Duration {
    /// At least 1, since 0 means "the default" to libcurl.
    var wholeMilliseconds: Int {
        let (seconds, attoseconds) = components
        return max(1, Int(seconds) * 1_000 + Int(attoseconds / 1_000_000_000_000_000))
    }
}

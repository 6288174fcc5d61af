package import PouchKit

/// How to reach the world. It is all there is: the `*_proxy` variables, `SSL_CERT_FILE` and `~/.netrc` are not looked at.
package struct HTTPNetwork: Sendable {
    package enum Proxy: Sendable {
        case none
        case through(ProxyServer)
    }

    package var proxy: Proxy
    /// PEM file of the authorities to trust instead of the system's.
    package var caFile: String?

    package init(proxy: Proxy = .none, caFile: String? = nil) {
        self.proxy = proxy
        self.caFile = caFile
    }
}

/// A proxy. https goes through it by CONNECT, http by absolute URLs.
package struct ProxyServer: Sendable {
    /// `http://proxy.example:3128`; `https`, `socks5` and `socks5h` are understood as well.
    package var url: String
    package var user: String?
    package var password: Secret?
    /// Hosts that are reached directly: names (with what is below them), addresses, or `*`.
    package var except: [String]

    package init(url: String, user: String? = nil, password: Secret? = nil, except: [String] = []) {
        self.url = url
        self.user = user
        self.password = password
        self.except = except
    }
}

package import PouchKit

extension ListenAddress: Decodable {
    /// - Throws: `SettingsProblem` unless the text is `HOST:PORT`, with an IPv6 address in brackets.
    package init(_ text: String) throws(SettingsProblem) {
        let wrong = SettingsProblem(
            at: [], "expected an address such as 127.0.0.1:9321, found '\(Quoted.shortened(text))'",
            hint: text.contains(":") ? nil : "a port is missing")
        guard let (host, port) = HostAndPort.parts(of: text), let port else { throw wrong }
        self.host = host
        self.port = port
    }

    package init(from decoder: any Decoder) throws { try self.init(decoder.singleValueContainer().decode(String.self)) }
}

extension HTTPAddress: Decodable {
    /// - Throws: `SettingsProblem` unless the text is `http://HOST` or `https://HOST`, perhaps with a port, and nothing more.
    package init(_ text: String) throws(SettingsProblem) {
        let isSecure = text.hasPrefix("https://")
        guard isSecure || text.hasPrefix("http://") else {
            throw SettingsProblem(
                at: [], "expected an address such as https://127.0.0.1:4566, found '\(Quoted.shortened(text))'",
                hint: "it begins with https:// or http://")
        }
        var rest = text.dropFirst(isSecure ? 8 : 7)
        guard !rest.contains("@") else {
            // The text is not quoted: it holds a password.
            throw SettingsProblem(
                at: [], "credentials must not stand in an address", hint: "name a file that holds them: credentials: PATH")
        }
        if rest.hasSuffix("/") { rest.removeLast() }
        guard HostAndPort.parts(of: String(rest)) != nil else {
            throw SettingsProblem(
                at: [], "expected an address such as https://127.0.0.1:4566, found '\(Quoted.shortened(text))'",
                hint: rest.contains("/") || rest.contains("?") ? "an address has a host and perhaps a port, and no path" : nil)
        }
        self.isSecure = isSecure
        description = (isSecure ? "https://" : "http://") + rest
    }

    package init(from decoder: any Decoder) throws { try self.init(decoder.singleValueContainer().decode(String.self)) }
}

/// `host`, `host:port`, `[v6]:port`
private enum HostAndPort {
    /// `nil` when the text is none of them; no port when none is written.
    static func parts(of text: String) -> (host: String, port: Int?)? {
        if text.hasPrefix("[") {
            guard let end = text.firstIndex(of: "]") else { return nil }
            let host = text[text.index(after: text.startIndex)..<end]
            let isAddress = host.contains(":") && host.allSatisfy { $0.isHexDigit || $0 == ":" || $0 == "." }
            return isAddress ? port(after: text[text.index(after: end)...]).map { (String(host), $0) } : nil
        }
        let host = text.prefix { $0 != ":" }
        let isName =
            !host.isEmpty && host.utf8.count <= 253
            && host.allSatisfy { $0.isASCII && ($0.isLetter || $0.isNumber || $0 == "." || $0 == "-" || $0 == "_") }
        return isName ? port(after: text[host.endIndex...]).map { (String(host), $0) } : nil
    }

    /// `.some(nil)` for no text at all.
    private static func port(after text: Substring) -> Int?? {
        guard !text.isEmpty else { return .some(nil) }
        let digits = text.dropFirst()
        guard text.first == ":", !digits.isEmpty, digits.allSatisfy({ $0.isASCII && $0.isNumber }), let port = Int(digits),
            (0...65_535).contains(port)
        else { return nil }
        return .some(port)
    }
}

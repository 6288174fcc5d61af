package import PouchKit

/// Where a service is reached: scheme, host with port, and a path before all others.
package struct EndpointURL: Hashable, Sendable, CustomStringConvertible {
    package let isSecure: Bool
    /// As the `Host` header says it: in lower case, with the port unless it is the scheme's own.
    package let authority: String
    /// Empty, or `/…` without a slash at the end.
    package let basePath: String

    package var description: String { (isSecure ? "https://" : "http://") + authority + basePath }

    /// - Throws: `NameError` unless the text is `http(s)://host[:port][/path]`, without user, query and fragment.
    package init(_ text: String) throws(NameError) {
        let isSecure = text.hasPrefix("https://")
        guard isSecure || text.hasPrefix("http://") else { throw Self.refusal(of: text) }
        let rest = text.dropFirst(isSecure ? 8 : 7)
        let slash = rest.utf8.firstIndex(of: UInt8(ascii: "/")) ?? rest.endIndex
        let authority = rest[..<slash].lowercased()
        let (host, port) = Self.split(authority)
        let isHost =
            !host.isEmpty
            && host.utf8.allSatisfy { $0.isLowerCaseLetterOrDigit || "-._[]:".utf8.contains($0) }
            && (!host.utf8.contains(UInt8(ascii: ":")) || (host.hasPrefix("[") && host.hasSuffix("]")))
        guard isHost, port.map({ UInt16($0) ?? 0 > 0 }) ?? true else { throw Self.refusal(of: text) }
        var path = rest[slash...]
        while path.hasSuffix("/") { path.removeLast() }
        guard path.utf8.allSatisfy({ $0.isLetterOrDigit || "-._~/%".utf8.contains($0) }) else { throw Self.refusal(of: text) }
        self.isSecure = isSecure
        let isDefaultPort = port.map { UInt16($0) == (isSecure ? 443 : 80) } ?? true
        self.authority = isDefaultPort ? host : authority
        basePath = String(path)
    }

    /// Takes parts that are known to be right.
    package init(isSecure: Bool = true, authority: String, basePath: String = "") {
        self.isSecure = isSecure
        self.authority = authority
        self.basePath = basePath
    }

    private static func split(_ authority: String) -> (host: String, port: String?) {
        guard let colon = authority.utf8.lastIndex(of: UInt8(ascii: ":")), !authority.hasSuffix("]") else {
            return (authority, nil)
        }
        return (String(authority[..<colon]), String(authority[authority.utf8.index(after: colon)...]))
    }

    private static func refusal(of text: String) -> NameError {
        NameError(text: VisibleText.escaped(text), expectation: "an endpoint such as https://s3.example.com:9000")
    }
}

/// A host, and a path on it.
package struct ServiceAddress: Hashable, Sendable {
    package let endpoint: EndpointURL
    /// Encoded.
    package let path: String

    package init(endpoint: EndpointURL, path: String = "/") {
        self.endpoint = endpoint
        self.path = path
    }

    /// The region's own endpoint of a service that is spoken to at the root: all but S3.
    ///
    /// <https://docs.aws.amazon.com/general/latest/gr/rande.html>
    package static func regional(
        _ service: AWSService,
        in region: Region,
        custom: EndpointURL?,
        variant: EndpointVariant = .plain
    ) -> ServiceAddress {
        if let custom { return ServiceAddress(endpoint: custom, path: custom.basePath + "/") }
        let partition = region.partition
        let dualStackSuffix = variant.isDualStack ? partition.dualStackSuffix : nil
        // In the government's regions the plain hosts of these two are the validated ones.
        let isPlainValidated = partition == .government && [.sts, .sqs].contains(service) && dualStackSuffix == nil
        let name = service.rawValue + (variant.isFIPS && !isPlainValidated ? "-fips" : "")
        return ServiceAddress(endpoint: EndpointURL(authority: "\(name).\(region).\(dualStackSuffix ?? partition.hostSuffix)"))
    }
}

package import PouchKit

/// Where the agent of ECS or EKS hands out the credentials of a container, and what it wants to see.
package struct ContainerEndpoint: Hashable, Sendable {
    package enum Authorization: Hashable, Sendable {
        case none
        /// Read at each request.
        case file(String)
        case token(Secret)
    }

    let address: EndpointURL
    /// With its query.
    let path: String
    package let authorization: Authorization

    package var uri: String { (address.isSecure ? "https://" : "http://") + address.authority + path }

    /// - Throws: `NameError` unless it is an https address, or an http one that stays on this machine or its host: the answer holds
    ///   keys, and the request a token.
    package init(uri: String, authorization: Authorization) throws(NameError) {
        let schemeEnd = uri.firstRange(of: "://")?.upperBound ?? uri.startIndex
        let pathStart = uri[schemeEnd...].firstIndex(of: "/") ?? uri.endIndex
        let address = try EndpointURL(String(uri[..<pathStart]))
        let path = uri[pathStart...]
        guard address.isSecure || Self.isNear(address.authority) else {
            throw NameError(
                text: VisibleText.escaped(uri),
                expectation: "https, or http to this machine or to 169.254.170.2, 169.254.170.23 or [fd00:ec2::23]")
        }
        guard path.utf8.allSatisfy({ $0.isLetterOrDigit || "-._~/%?=&:@!$'()*+,;".utf8.contains($0) }) else {
            throw NameError(text: VisibleText.escaped(uri), expectation: "an address such as http://169.254.170.2/v2/credentials/…")
        }
        self.address = address
        self.path = path.isEmpty ? "/" : String(path)
        self.authorization = authorization
    }

    /// What ECS and EKS put into the environment of a container.
    ///
    /// - Throws: `CredentialFailure` when there is none of it, or an address that is refused.
    package init(environment: [String: String]) throws(CredentialFailure) {
        let step = "find the container's credentials"
        let uri: String
        if let relative = environment["AWS_CONTAINER_CREDENTIALS_RELATIVE_URI"] {
            uri = "http://169.254.170.2" + relative
        } else if let full = environment["AWS_CONTAINER_CREDENTIALS_FULL_URI"] {
            uri = full
        } else {
            throw CredentialFailure(
                step: step,
                cause: "neither AWS_CONTAINER_CREDENTIALS_RELATIVE_URI nor AWS_CONTAINER_CREDENTIALS_FULL_URI is set",
                hint: "ECS sets the first where the task has a role, EKS the second where the pod has an identity association")
        }
        let authorization: Authorization =
            if let file = environment["AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE"] {
                .file(file)
            } else if let token = environment["AWS_CONTAINER_AUTHORIZATION_TOKEN"] {
                .token(Secret(token))
            } else {
                .none
            }
        do throws(NameError) {
            try self.init(uri: uri, authorization: authorization)
        } catch {
            throw CredentialFailure(step: step, cause: "expected \(error.expectation), found '\(error.text)'")
        }
    }

    private static func isNear(_ authority: String) -> Bool {
        let host =
            authority.hasPrefix("[")
            ? String(authority.prefix { $0 != "]" }.dropFirst()) : String(authority.prefix { $0 != ":" })
        if ["localhost", "::1", "169.254.170.2", "169.254.170.23", "fd00:ec2::23"].contains(host) { return true }
        let parts = host.split(separator: ".", omittingEmptySubsequences: false)
        return parts.count == 4 && parts[0] == "127" && parts.allSatisfy { UInt8($0) != nil }
    }

    func authorizationHeader() throws(CredentialFailure) -> (name: String, value: String)? {
        let token: Secret
        switch authorization {
        case .none: return nil
        case .token(let fixed): token = fixed
        // Its mode is not looked at, as that of a web identity token: EKS mounts it readable for the whole container.
        case .file(let path): token = Secret(String(try SmallFile.text(at: path).trimmingSuffix(while: \.isNewline)))
        }
        guard !token.isEmpty, !token.reveal().unicodeScalars.contains(where: { $0.value < 0x20 || $0.value == 0x7F }) else {
            throw CredentialFailure(
                step: "read the authorization token of the container",
                cause: token.isEmpty ? "it is empty" : "it holds a line break or another control character")
        }
        return ("Authorization", token.reveal())
    }
}

extension String {
    fileprivate func trimmingSuffix(while predicate: (Character) -> Bool) -> Substring {
        var rest = self[...]
        while let last = rest.last, predicate(last) { rest.removeLast() }
        return rest
    }
}

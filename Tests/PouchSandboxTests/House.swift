import FoundationEssentials
import PouchCrypto
import PouchKit
import PouchSandbox
import PouchTestSupport
import Testing

/// A sandbox without sockets, and signed requests to it.
///
/// The signatures are made with the sandbox's own arithmetic, which `SignatureVectorTests` holds against others'.
struct House {
    static let key = "arn:aws:kms:eu-west-1:222222222222:key/11112222-3333-4444-5555-666677778888"
    static let now = Timestamp(
        seconds: CivilDate.secondsSince1970(year: 2026, month: 11, day: 23, hour: 12, minute: 0, second: 0))

    struct Identity {
        let accessKey: String
        let secret: String
        let token: String?
    }

    let folder: TemporaryFolder
    let sandbox: Sandbox

    init(faults: Bool = false, scenario: SandboxScenario? = nil, in folder: TemporaryFolder? = nil) throws {
        self.folder = try folder ?? TemporaryFolder("sandbox")
        sandbox = try Sandbox(
            configuration: SandboxConfiguration(
                folder: self.folder.path("sandbox"), scenario: scenario ?? .twoOrganisations, allowsFaults: faults,
                showsArrivals: false))
    }

    func user(_ profile: String) throws -> Identity {
        let lines = try folder.text("sandbox/credentials").split(separator: "\n").map(String.init)
        let start = try #require(lines.firstIndex(of: "[\(profile)]"))
        func value(_ line: Int) -> String { lines[start + line].split(separator: " ").last.map(String.init) ?? "" }
        return Identity(accessKey: value(1), secret: value(2), token: nil)
    }

    func role(_ name: String) async throws -> Identity {
        let form =
            "Action=AssumeRole&Version=2011-06-15&RoleArn=arn%3Aaws%3Aiam%3A%3A111111111111%3Arole%2F\(name)&RoleSessionName=test"
        let answer = try await post(form, service: "sts", as: user("edge"))
        let result = try #require(XMLElement(answer.body)?.children.first { $0.name == "AssumeRoleResult" })
        let credentials = try #require(result.children.first { $0.name == "Credentials" })
        return Identity(
            accessKey: credentials["AccessKeyId"] ?? "", secret: credentials["SecretAccessKey"] ?? "",
            token: credentials["SessionToken"])
    }

    /// A signed request to S3; the payload hash is the body's.
    func s3(
        _ method: String, _ target: String, as identity: Identity, _ headers: [String: String] = [:], body: [UInt8] = [],
        isSecure: Bool = true, payload: String? = nil
    ) async throws -> Answer {
        var headers = headers
        headers["x-amz-content-sha256"] = payload ?? SHA256Hasher.digest(of: body).description
        if headers["content-length"] == nil { headers["content-length"] = "\(body.count)" }
        return try await send(method, target, service: "s3", as: identity, headers, body: body, isSecure: isSecure)
    }

    func post(
        _ text: String, service: String, as identity: Identity, _ headers: [String: String] = [:]
    ) async throws -> Answer {
        var headers = headers
        if headers["content-type"] == nil { headers["content-type"] = "application/x-www-form-urlencoded; charset=utf-8" }
        return try await send("POST", "/", service: service, as: identity, headers, body: Array(text.utf8))
    }

    func kms(_ action: String, _ text: String, as identity: Identity) async throws -> Answer {
        try await post(
            text, service: "kms", as: identity,
            ["x-amz-target": "TrentService.\(action)", "content-type": "application/x-amz-json-1.1"])
    }

    func sqs(_ action: String, _ text: String, as identity: Identity) async throws -> Answer {
        try await post(
            text, service: "sqs", as: identity,
            ["x-amz-target": "AmazonSQS.\(action)", "content-type": "application/x-amz-json-1.0"])
    }

    func control(_ method: String, _ path: String, _ text: String = "", token: String? = nil) async throws -> Answer {
        let own = try folder.text("sandbox/token").split(separator: "\n").first.map(String.init) ?? ""
        let request = IncomingRequest(
            method: method, target: "/_sandbox/" + path, host: "127.0.0.1",
            headers: [("Authorization", "Bearer " + (token ?? own))],
            isSecure: true, received: SystemClock().now)
        return try await Answer(sandbox.endpoint.answer(request, body: IncomingBody(bytes: Array(text.utf8))), of: sandbox)
    }

    func send(
        _ method: String, _ target: String, service: String, as identity: Identity, _ headers: [String: String], body: [UInt8],
        isSecure: Bool = true
    ) async throws -> Answer {
        let draft = Draft(method, target, service: service, identity: identity, headers, body: body, isSecure: isSecure)
        return try await Answer(sandbox.endpoint.answer(draft.request, body: IncomingBody(bytes: body)), of: sandbox)
    }

    /// A PUT whose body comes in chunks that are signed one by one.
    func signedChunks(
        _ chunks: [String], to target: String, as identity: Identity, isChanged: Bool
    ) async throws -> Answer {
        let draft = Draft(
            "PUT", target, service: "s3", identity: identity,
            [
                "x-amz-content-sha256": "STREAMING-AWS4-HMAC-SHA256-PAYLOAD",
                "x-amz-decoded-content-length": "\(chunks.joined().utf8.count)", "content-encoding": "aws-chunked",
            ], body: [], isSecure: true)
        let empty = SHA256Hasher.digest(of: "").description
        var body = ""
        var signature = draft.signature
        for chunk in chunks + [""] {
            let lines = [
                "AWS4-HMAC-SHA256-PAYLOAD", draft.stamp, draft.scope.description, signature, empty,
                SHA256Hasher.digest(of: chunk).description,
            ]
            signature = SignatureVerifier().signature(
                of: lines.joined(separator: "\n"), secret: Secret(identity.secret), scope: draft.scope)
            let sent = isChanged ? chunk.uppercased() : chunk
            body += "\(String(chunk.utf8.count, radix: 16));chunk-signature=\(signature)\r\n\(sent)\r\n"
        }
        return try await Answer(sandbox.endpoint.answer(draft.request, body: IncomingBody(bytes: Array(body.utf8))), of: sandbox)
    }
}

/// A request with its signature.
private struct Draft {
    let request: IncomingRequest
    let signature: String
    let stamp: String
    let scope: CredentialScope

    init(
        _ method: String, _ target: String, service: String, identity: House.Identity, _ headers: [String: String],
        body: [UInt8], isSecure: Bool
    ) {
        let received = SystemClock().now
        stamp = WireTime.iso8601Seconds(received).filter { $0 != "-" && $0 != ":" }
        scope = CredentialScope(date: String(stamp.prefix(8)), region: "eu-west-1", service: service)
        var fields: [(name: String, value: String)] = headers.map { ($0.key, $0.value) }
        fields.append(("x-amz-date", stamp))
        if let token = identity.token { fields.append(("x-amz-security-token", token)) }
        let names = (fields.map(\.name) + ["host"]).sorted()
        let unsigned = IncomingRequest(
            method: method, target: target, host: "127.0.0.1", headers: fields, isSecure: isSecure, received: received)
        let canonical = CanonicalRequest(
            of: unsigned, signedHeaders: names,
            payloadHash: headers["x-amz-content-sha256"] ?? SHA256Hasher.digest(of: body).description,
            pathStyle: service == "s3" ? .asSent : .normalizedAndEncodedAgain)
        signature = SignatureVerifier().signature(
            of: "AWS4-HMAC-SHA256\n\(stamp)\n\(scope)\n\(SHA256Hasher.digest(of: canonical.text))", secret: Secret(identity.secret),
            scope: scope)
        fields.append(
            (
                "authorization",
                "AWS4-HMAC-SHA256 Credential=\(identity.accessKey)/\(scope), SignedHeaders=\(names.joined(separator: ";")), "
                    + "Signature=\(signature)"
            ))
        request = IncomingRequest(
            method: method, target: target, host: "127.0.0.1", headers: fields, isSecure: isSecure, received: received)
    }
}

/// An answer with its body read.
struct Answer {
    let status: Int
    let headers: [String: String]
    let body: [UInt8]

    init(_ reply: Reply, of sandbox: Sandbox) async throws {
        status = reply.status
        headers = Dictionary(reply.headers.map { ($0.name, $0.value) }) { first, _ in first }
        switch reply.body {
        case .none: body = []
        case .bytes(let bytes): body = bytes
        case .object(let object, let range):
            var bytes: [UInt8] = []
            try await sandbox.store.forEachBlock(of: object, in: range) { bytes += $0 }
            body = bytes
        }
    }

    var text: String { String(decoding: body, as: UTF8.self) }

    /// Of an error document, whichever service wrote it.
    var code: String? {
        if let root = XMLElement(body) { return root["Code"] ?? root.children.first { $0.name == "Error" }?["Code"] }
        return (try? JSONDecoder().decode([String: String].self, from: Data(body)))?["__type"]
    }

    func element(_ name: String) -> String? { XMLElement(body)?[name] }
}

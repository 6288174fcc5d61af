import FoundationEssentials
import PouchCrypto
import PouchKit
import PouchSandbox
import PouchTestSupport
import Testing

/// Who is no user and wants to be a role. That right ones are let in, `IdentityTests` of the scenarios show; here are the others.
@Suite("The sandbox's identity provider, Roles Anywhere, instance and container")
struct FederationTests {
    private static let role = "arn:aws:iam::111111111111:role/generator"
    private static let anchor = "arn:aws:rolesanywhere:eu-west-1:111111111111:trust-anchor/a"
    private static let profile = "arn:aws:rolesanywhere:eu-west-1:111111111111:profile/b"
    private static let issuer = "https://issuer.example"

    @Test("takes a token of its issuer, signed with RSA or on a curve, and no other", arguments: TestPKI.Kind.allCases)
    func tokens(_ kind: TestPKI.Kind) async throws {
        let pki = try TestPKI()
        try pki.leaf("issuer", kind)
        try pki.leaf("stranger", kind)
        let house = try House(scenario: scenario(pki))
        let good: [String: Any] = ["iss": Self.issuer, "sub": "edge", "aud": "pouch", "exp": Self.now + 60]
        let answer = try await assume(token(good, kind, by: "issuer", pki), house)
        #expect(answer.status == 200, "\(answer.text)")
        #expect(answer.text.contains("<AccessKeyId>ASIA"))

        let wrong: [(change: [String: Any], code: String)] = [
            (["aud": "other"], "InvalidIdentityToken"), (["iss": "https://other.example"], "InvalidIdentityToken"),
            (["exp": Self.now - 1], "ExpiredTokenException"), (["nbf": Self.now + 3_600], "InvalidIdentityToken"),
            (["sub": "somebody"], "AccessDenied"),
        ]
        for (change, code) in wrong {
            let claims = good.merging(change) { $1 }
            #expect(try await assume(token(claims, kind, by: "issuer", pki), house).code == code)
        }
        #expect(try await assume(token(good, kind, by: "stranger", pki), house).code == "InvalidIdentityToken")
        let other: TestPKI.Kind = kind == .rsa ? .ec : .rsa
        #expect(try await assume(token(good, other, by: "issuer", pki), house).code == "InvalidIdentityToken")
        #expect(try await assume("a.b.c", house).code == "InvalidIdentityToken")
    }

    @Test("takes a signature by a certificate of its authority, and refuses each change to it")
    func certificates() async throws {
        let pki = try TestPKI()
        try pki.leaf("issuer", .ec)
        try pki.leaf("edge", .ec)
        try pki.leaf("impostor", .ec, commonName: "edge-02")
        try pki.leaf("authority", .ec, extensions: "authority.cnf")
        let stranger = try TestPKI()
        try stranger.leaf("edge", .ec)
        let house = try House(scenario: scenario(pki))
        #expect(try await ask(CertificateDraft(pki, "edge"), house).status == 201)

        var drafts: [(String, CertificateDraft)] = []
        func add(_ name: String, _ leaf: String, in pki: TestPKI, _ change: (inout CertificateDraft) -> Void = { _ in }) throws {
            var draft = try CertificateDraft(pki, leaf)
            change(&draft)
            drafts.append((name, draft))
        }
        try add("a common name that the trust policy does not take", "impostor", in: pki)
        try add("an authority's own certificate", "authority", in: pki)
        try add("a stranger's authority", "edge", in: stranger)
        try add("no chain", "edge", in: pki) { $0.chain = nil }
        try add("another serial number", "edge", in: pki) { $0.serial = "1" }
        try add("another algorithm", "edge", in: pki) { $0.algorithm = "AWS4-X509-RSA-SHA256" }
        try add("another region", "edge", in: pki) { $0.region = "us-east-1" }
        try add("an old time", "edge", in: pki) { $0.age = .seconds(16 * 60) }
        try add("an unsigned header", "edge", in: pki) { $0.unsigned = "x-amz-x509-chain" }
        try add("a body that was not signed", "edge", in: pki) { $0.sentBody = #"{"durationSeconds":901}"# }
        try add("a session name that the profile does not take", "edge", in: pki) { $0.body = #"{"roleSessionName":"me"}"# }
        try add("a role that is not in the profile", "edge", in: pki) { $0.role = "arn:aws:iam::111111111111:role/publisher" }
        try add("too long a session", "edge", in: pki) { $0.body = #"{"durationSeconds":43201}"# }
        for (name, draft) in drafts {
            let answer = try await ask(draft, house)
            #expect([400, 403, 404].contains(answer.status), "\(name): \(answer.status) \(answer.text)")
        }
    }

    @Test("the metadata service wants a token of its own, and the container's agent the task's")
    func metadata() async throws {
        let pki = try TestPKI()
        try pki.leaf("issuer", .ec)
        let house = try House(scenario: scenario(pki))
        let folder = "/latest/meta-data/iam/security-credentials/"
        #expect(try await plain("GET", folder, [:], house).status == 401)
        #expect(try await plain("PUT", "/latest/api/token", [:], house).status == 400)
        let ttl = ["x-aws-ec2-metadata-token-ttl-seconds": "60"]
        #expect(try await plain("PUT", "/latest/api/token", ttl.merging(["x-forwarded-for": "::1"]) { $1 }, house).status == 403)
        let token = try await plain("PUT", "/latest/api/token", ttl, house)
        let header = ["x-aws-ec2-metadata-token": token.text]
        #expect(try await plain("GET", folder, header, house).text == "generator")
        #expect(try await plain("GET", folder + "generator", header, house).text.contains(#""Code":"Success""#))
        #expect(try await plain("GET", folder + "publisher", header, house).status == 404)
        #expect(try await plain("GET", folder, ["x-aws-ec2-metadata-token": "made up"], house).status == 401)

        #expect(try await plain("GET", "/v2/credentials/x", [:], house).status == 401)
        #expect(try await plain("GET", "/v2/credentials/x", ["authorization": "wrong"], house).status == 403)
        let refused = try await plain("GET", "/v2/credentials/x", ["authorization": "right"], house)
        #expect(refused.text.contains("AssumeRoleUnauthorizedAccess"), "its trust policy names ec2 only: \(refused.text)")
    }

    @Test("a tag on a session needs sts:TagSession on both sides, and policies see it")
    func tags() async throws {
        let house = try House()
        let form =
            "Action=AssumeRole&Version=2011-06-15&RoleArn=arn%3Aaws%3Aiam%3A%3A111111111111%3Arole%2Fgenerator&RoleSessionName=test"
        let edge = try house.user("edge")
        #expect(try await house.post(form, service: "sts", as: edge).status == 200)
        let tagged = try await house.post(form + "&Tags.member.1.Key=a&Tags.member.1.Value=b", service: "sts", as: edge)
        #expect(tagged.code == "AccessDenied")
        #expect(tagged.text.contains("sts:TagSession"))
        let half = try await house.post(form + "&Tags.member.1.Key=a", service: "sts", as: edge)
        #expect(half.code == "ValidationError")
    }

    // MARK: Asking

    private static let now = Int(SystemClock().now.seconds)

    private func plain(_ method: String, _ path: String, _ headers: [String: String], _ house: House) async throws -> Answer {
        let request = IncomingRequest(
            method: method, target: path, host: "127.0.0.1", headers: headers.map { ($0.key, $0.value) }, isSecure: false,
            received: SystemClock().now)
        return try await Answer(house.sandbox.endpoint.answer(request, body: IncomingBody(bytes: [])), of: house.sandbox)
    }

    private func assume(_ token: String, _ house: House) async throws -> Answer {
        let form =
            "Action=AssumeRoleWithWebIdentity&Version=2011-06-15&RoleSessionName=test&RoleArn="
            + Self.role.replacing(":", with: "%3A").replacing("/", with: "%2F") + "&WebIdentityToken=\(token)"
        let request = IncomingRequest(
            method: "POST", target: "/", host: "127.0.0.1", headers: [("content-type", "application/x-www-form-urlencoded")],
            isSecure: true, received: SystemClock().now)
        return try await Answer(
            house.sandbox.endpoint.answer(request, body: IncomingBody(bytes: Array(form.utf8))), of: house.sandbox)
    }

    private func ask(_ draft: CertificateDraft, _ house: House) async throws -> Answer {
        let (request, body) = try draft.request(anchor: Self.anchor, profile: Self.profile)
        return try await Answer(house.sandbox.endpoint.answer(request, body: IncomingBody(bytes: body)), of: house.sandbox)
    }

    /// Signed by the OpenSSL command line, an ECDSA signature taken out of its DER.
    private func token(_ claims: [String: Any], _ kind: TestPKI.Kind, by name: String, _ pki: TestPKI) throws -> String {
        func encoded(_ bytes: [UInt8]) -> String {
            Base64.text(of: bytes).replacing("+", with: "-").replacing("/", with: "_").replacing("=", with: "")
        }
        let header = #"{"typ":"JWT","alg":"\#(kind == .rsa ? "RS256" : "ES256")"}"#
        let parts = claims.sorted { $0.key < $1.key }.map { name, value in
            "\"\(name)\":" + ((value as? Int).map { "\($0)" } ?? "\"\(value)\"")
        }
        let text = encoded(Array(header.utf8)) + "." + encoded(Array("{\(parts.joined(separator: ","))}".utf8))
        try pki.folder.write(text, to: "token")
        try pki.openssl(["dgst", "-sha256", "-sign", "\(name).key", "-out", "token.signature", "token"])
        let signature = try pki.folder.read("token.signature")
        return text + "." + encoded(kind == .rsa ? signature : Self.numbers(ofDER: signature))
    }

    /// Of what is no such signature, as many bytes as one has.
    private static func numbers(ofDER bytes: [UInt8]) -> [UInt8] {
        guard bytes.count < 80 else { return Array(bytes.prefix(64)) }
        var rest = bytes.dropFirst(2)
        return (0..<2).flatMap { _ -> [UInt8] in
            let count = Int(rest[rest.startIndex + 1])
            let number = rest.dropFirst(2).prefix(count).drop { $0 == 0 }
            rest = rest.dropFirst(2 + count)
            return Array(repeating: 0, count: max(0, 32 - number.count)) + number
        }
    }

    private func scenario(_ pki: TestPKI) throws -> SandboxScenario {
        try pki.folder.write(try pki.openssl(["x509", "-in", "issuer.pem", "-noout", "-pubkey"]), to: "issuer.pub")
        let trust = """
            { "Version": "2012-10-17", "Statement": [
              { "Effect": "Allow", "Action": "sts:AssumeRole", "Principal": { "Service": "ec2.amazonaws.com" } },
              { "Effect": "Allow", "Action": "sts:AssumeRoleWithWebIdentity",
                "Principal": { "Federated": "arn:aws:iam::111111111111:oidc-provider/issuer.example" },
                "Condition": { "StringEquals": { "issuer.example:sub": "edge" } } },
              { "Effect": "Allow", "Action": ["sts:AssumeRole", "sts:TagSession", "sts:SetSourceIdentity"],
                "Principal": { "Service": "rolesanywhere.amazonaws.com" },
                "Condition": { "StringEquals": { "aws:PrincipalTag/x509Subject/CN": "edge-01" } } } ] }
            """
        let json = """
            { "accounts": [ { "id": "111111111111",
              "roles": [ { "name": "generator", "trust": \(trust) }, { "name": "publisher", "trust": \(trust) } ],
              "federation": {
                "providers": [ { "issuer": "\(Self.issuer)", "clientIDs": ["pouch"], "key": "issuer.pub" } ],
                "trustAnchors": [ { "id": "a", "region": "eu-west-1", "certificate": "root.pem" } ],
                "profiles": [ { "id": "b", "region": "eu-west-1", "roles": ["generator"] } ],
                "instanceRole": "generator",
                "tasks": [ { "path": "/v2/credentials/x", "token": "right", "role": "generator" } ] } } ] }
            """
        return try SandboxScenario(json: Array(json.utf8), folder: pki.folder.path)
    }
}

/// A request for a session, signed with a certificate, and what can be wrong with it.
private struct CertificateDraft {
    private let leaf: Certificate
    private let key: SigningKey
    var chain: String?
    var serial: String
    var algorithm: String
    var region = "eu-west-1"
    var age: Duration = .zero
    /// Sent, and not signed.
    var unsigned: String?
    var role = "arn:aws:iam::111111111111:role/generator"
    var body = #"{"durationSeconds":900}"#
    /// `nil`: the body that is signed.
    var sentBody: String?

    init(_ pki: TestPKI, _ name: String) throws {
        leaf = try Certificate.all(in: pki.folder.text(name + ".pem"))[0]
        key = try SigningKey(pem: Secret(pki.folder.text(name + ".key")))
        chain = Base64.text(of: try Certificate.all(in: pki.folder.text("middle.pem"))[0].der)
        serial = leaf.serial
        algorithm = key.kind == .rsa ? "AWS4-X509-RSA-SHA256" : "AWS4-X509-ECDSA-SHA256"
    }

    func request(anchor: String, profile: String) throws -> (IncomingRequest, [UInt8]) {
        let now = SystemClock().now
        let stamp = WireTime.iso8601Seconds(now.advanced(by: .zero - age)).filter { $0 != "-" && $0 != ":" }
        let scope = CredentialScope(date: String(stamp.prefix(8)), region: region, service: "rolesanywhere")
        var fields = [(name: "x-amz-date", value: stamp), (name: "x-amz-x509", value: Base64.text(of: leaf.der))]
        if let chain { fields.append(("x-amz-x509-chain", chain)) }
        let query = [("profileArn", profile), ("roleArn", role), ("trustAnchorArn", anchor)].map { name, value in
            "\(name)=\(value.replacing(":", with: "%3A").replacing("/", with: "%2F"))"
        }
        func incoming(_ fields: [(name: String, value: String)]) -> IncomingRequest {
            IncomingRequest(
                method: "POST", target: "/sessions?" + query.joined(separator: "&"), host: "127.0.0.1", headers: fields,
                isSecure: true, received: now)
        }
        let names = (fields.map(\.name) + ["host"]).filter { $0 != unsigned }.sorted()
        let canonical = CanonicalRequest(
            of: incoming(fields), signedHeaders: names, payloadHash: SHA256Hasher.digest(of: body).description,
            pathStyle: .normalizedAndEncodedAgain)
        let text = [algorithm, stamp, scope.description, SHA256Hasher.digest(of: canonical.text).description].joined(
            separator: "\n")
        let signature = Hexadecimal.text(of: try key.signature(of: Array(text.utf8)))
        let authorization =
            "\(algorithm) Credential=\(serial)/\(scope), SignedHeaders=\(names.joined(separator: ";")), Signature=\(signature)"
        return (incoming(fields + [("authorization", authorization)]), Array((sentBody ?? body).utf8))
    }
}

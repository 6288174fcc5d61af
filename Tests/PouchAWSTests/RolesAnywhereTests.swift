import FoundationEssentials
import PouchAWS
import PouchCrypto
import PouchHTTP
import PouchKit
import PouchTestSupport
import Testing

@Suite("IAM Roles Anywhere")
struct RolesAnywhereTests {
    private static let role = "arn:aws:iam::111111111111:role/generator"
    private static let id = "11112222-3333-4444-5555-666677778888"
    /// 0xA1B2C3D4E5F60718293A4B5C6D7E8F90
    private static let serial = "214933908099603316458134831733103562640"

    /// The canonical request is written out here from AWS's description, the signature judged by the OpenSSL command line: our
    /// signer has no part in either.
    @Test("signs a request that the OpenSSL command line verifies with the certificate alone", arguments: TestPKI.Kind.allCases)
    func verifiedByOpenSSL(_ kind: TestPKI.Kind) throws {
        let pki = try TestPKI()
        try pki.leaf("edge", kind)
        let leaf = try Certificate.all(in: pki.folder.text("edge.pem"))
        let chain = try Certificate.all(in: pki.folder.text("middle.pem"))
        let key = try SigningKey(pem: Secret(pki.folder.text("edge.key")))
        let body = #"{"durationSeconds":3600}"#
        let request = SignableRequest(
            method: "POST", host: "rolesanywhere.eu-west-1.amazonaws.com", path: "/sessions",
            query: [QueryItem("roleArn", Self.role), QueryItem("profileArn", "p")],
            headers: [("content-type", "application/json")])
        let signature = try CertificateSigner(leaf: leaf[0], intermediates: chain, key: key).sign(
            request, payload: .digest(SHA256Hasher.digest(of: body).description), in: Region("eu-west-1"),
            at: Timestamp(seconds: 1_795_435_200))

        let x509 = try der("edge", pki)
        let canonical = """
            POST
            /sessions
            profileArn=p&roleArn=arn%3Aaws%3Aiam%3A%3A111111111111%3Arole%2Fgenerator
            content-type:application/json
            host:rolesanywhere.eu-west-1.amazonaws.com
            x-amz-date:20261123T120000Z
            x-amz-x509:\(x509)
            x-amz-x509-chain:\(try der("middle", pki))

            content-type;host;x-amz-date;x-amz-x509;x-amz-x509-chain
            \(try sha256(body, pki))
            """
        #expect(signature.canonicalRequest == canonical)
        let algorithm = kind == .rsa ? "AWS4-X509-RSA-SHA256" : "AWS4-X509-ECDSA-SHA256"
        let stringToSign = """
            \(algorithm)
            20261123T120000Z
            20261123/eu-west-1/rolesanywhere/aws4_request
            \(try sha256(canonical, pki))
            """
        let authorization = try #require(signature.headers.first { $0.name == "Authorization" }?.value)
        let fields = authorization.split(separator: " ").map(String.init)
        #expect(fields[0] == algorithm)
        #expect(fields[1] == "Credential=\(Self.serial)/20261123/eu-west-1/rolesanywhere/aws4_request,")
        #expect(fields[2] == "SignedHeaders=content-type;host;x-amz-date;x-amz-x509;x-amz-x509-chain,")

        let value = try #require(Hexadecimal.bytes(of: fields[3].dropFirst("Signature=".count)))
        try pki.folder.write(stringToSign, to: "string-to-sign")
        try pki.folder.write(value, to: "signature")
        try pki.folder.write(try pki.openssl(["x509", "-in", "edge.pem", "-noout", "-pubkey"]), to: "edge.pub")
        let verify = ["dgst", "-sha256", "-verify", "edge.pub", "-signature", "signature", "string-to-sign"]
        #expect(try pki.openssl(verify) == "Verified OK\n")
        try pki.folder.write(stringToSign + " ", to: "string-to-sign")
        #expect(throws: TestPKI.Failure.self) { try pki.openssl(verify) }
    }

    private func der(_ name: String, _ pki: TestPKI) throws -> String {
        try pki.openssl(["x509", "-in", "\(name).pem", "-outform", "DER", "-out", "\(name).der"])
        return try pki.openssl(["base64", "-A", "-in", "\(name).der"])
    }

    private func sha256(_ text: String, _ pki: TestPKI) throws -> String {
        try pki.folder.write(text, to: "hashed")
        return String(try pki.openssl(["dgst", "-sha256", "-r", "hashed"]).prefix(64))
    }

    @Test("asks for a session with the ARNs in the query, and takes the session by the service's clock")
    func session() async throws {
        let pki = try TestPKI()
        try pki.leaf("edge", .ec)
        let transport = ScriptedTransport([Self.granted("ONE", until: "2026-11-23T13:00:00Z")])
        let source = try source(pki, transport, clock: Self.today())
        let credentials = try await source.credentials()
        #expect(credentials.accessKeyID == "ONE")
        #expect(credentials.expiration?.description == "2026-11-23T13:00:00.000Z")
        let request = transport.requests[0]
        #expect(
            request.url == "https://rolesanywhere.eu-west-1.amazonaws.com/sessions"
                + "?profileArn=arn%3Aaws%3Arolesanywhere%3Aeu-west-1%3A111111111111%3Aprofile%2F\(Self.id)"
                + "&roleArn=arn%3Aaws%3Aiam%3A%3A111111111111%3Arole%2Fgenerator"
                + "&trustAnchorArn=arn%3Aaws%3Arolesanywhere%3Aeu-west-1%3A111111111111%3Atrust-anchor%2F\(Self.id)")
        guard case .bytes(let body) = request.body else {
            Issue.record("expected a body")
            return
        }
        #expect(String(decoding: body, as: UTF8.self) == #"{"durationSeconds":3600}"#)
    }

    @Test("a certificate that was renewed is picked up at the next refresh, without a restart")
    func renewed() async throws {
        let pki = try TestPKI()
        try pki.leaf("edge", .ec, serial: "1001")
        let clock = Self.today()
        let transport = ScriptedTransport([
            Self.granted("ONE", until: "2026-11-23T13:00:00Z"),
            Self.granted("TWO", until: "2026-11-23T14:00:00Z", date: "Mon, 23 Nov 2026 12:50:00 GMT"),
        ])
        let source = try source(pki, transport, clock: clock)
        _ = try await source.credentials()
        try pki.leaf("edge", .rsa, serial: "1002")
        clock.advance(by: .seconds(50 * 60))
        #expect(try await source.credentials().accessKeyID == "TWO")
        let authorizations = transport.requests.compactMap { $0.header("authorization") }
        #expect(authorizations[0].hasPrefix("AWS4-X509-ECDSA-SHA256 Credential=1001/"))
        #expect(authorizations[1].hasPrefix("AWS4-X509-RSA-SHA256 Credential=1002/"))
    }

    @Test("a root in the chain is left at home, and the certificate's own file may hold the chain")
    func chain() async throws {
        let pki = try TestPKI()
        try pki.leaf("edge", .ec)
        try pki.folder.write(
            try pki.folder.text("edge.pem") + pki.folder.text("middle.pem") + pki.folder.text("root.pem"), to: "bundle.pem")
        let files = CertificateFiles(certificate: pki.path("bundle.pem"), key: pki.path("edge.key"), chain: nil)
        let report = try files.report(at: Self.today().now)
        #expect(report.intermediates == ["CN=Test Middle,O=Org A"])
        #expect(report.subject == "CN=edge-01,O=Org A")
        #expect(report.serial == Self.serial)
        #expect(report.kind == .ec)
    }

    @Test("what is wrong with the files is told with the file and the fix, before anybody is asked")
    func wrongFiles() async throws {
        let pki = try TestPKI()
        try pki.leaf("edge", .ec)
        try pki.leaf("other", .ec)
        try pki.leaf("authority", .ec, extensions: "authority.cnf")
        try pki.folder.write("keyUsage=critical,keyEncipherment\n", to: "encipher.cnf")
        try pki.leaf("encipher", .ec, extensions: "encipher.cnf")
        try pki.folder.write("no certificate", to: "empty.pem")
        try FileManager.default.setAttributes([.posixPermissions: 0o600], ofItemAtPath: pki.path("empty.pem"))
        try pki.openssl(["pkey", "-in", "edge.key", "-aes256", "-passout", "pass:x", "-out", "locked.key"])
        let cases: [(certificate: String, key: String, expected: String)] = [
            ("missing.pem", "edge.key", "No such file or directory"), ("empty.pem", "edge.key", "no -----BEGIN CERTIFICATE-----"),
            ("edge.pem", "other.key", "is not the certificate's"), ("authority.pem", "authority.key", "it is an authority's"),
            ("encipher.pem", "encipher.key", "does not include digitalSignature"),
            ("edge.pem", "locked.key", "protected by a passphrase"), ("edge.pem", "empty.pem", "the key cannot be read"),
        ]
        for (certificate, key, expected) in cases {
            let files = CertificateFiles(certificate: pki.path(certificate), key: pki.path(key), chain: nil)
            let failure = #expect(throws: CredentialFailure.self) { try files.report(at: Self.today().now) }
            #expect(failure?.description.contains(expected) == true, "\(String(describing: failure))")
            #expect(failure?.description.contains(pki.folder.path) == true)
        }
    }

    @Test("an expired certificate, one of tomorrow, and a key that others may read are refused with the fix")
    func refused() async throws {
        let pki = try TestPKI()
        try pki.leaf("edge", .ec)
        let files = CertificateFiles(certificate: pki.path("edge.pem"), key: pki.path("edge.key"), chain: nil)
        let now = Self.today().now
        let expired = #expect(throws: CredentialFailure.self) { try files.report(at: now.advanced(by: .seconds(86_400 * 30))) }
        #expect(expired?.cause.hasPrefix("it expired at ") == true)
        #expect(expired?.hint?.contains("without a restart") == true)
        let early = #expect(throws: CredentialFailure.self) { try files.report(at: now.advanced(by: .seconds(-86_400 * 30))) }
        #expect(early?.cause.hasPrefix("it is not valid before ") == true)
        #expect(expired?.isTemporary == true && early?.isTemporary == true, "a clock that is wrong at boot holds nobody")
        try FileManager.default.setAttributes([.posixPermissions: 0o644], ofItemAtPath: pki.path("edge.key"))
        let open = #expect(throws: CredentialFailure.self) { try files.report(at: now) }
        #expect(open?.cause == "its mode is 0644: others may read or change it")
        #expect(open?.hint?.hasPrefix("chmod 600 \(pki.path("edge.key"))") == true)
    }

    @Test("a refusal says which step it was and what to look at")
    func denied() async throws {
        let pki = try TestPKI()
        try pki.leaf("edge", .ec)
        let denied = HTTPResponse(403, [("x-amzn-errortype", "AccessDeniedException")], #"{"message":"Untrusted certificate"}"#)
        let source = try source(pki, ScriptedTransport([denied]), clock: Self.today())
        let failure = await #expect(throws: CredentialFailure.self) { try await source.credentials() }
        #expect(failure?.step == "get a session of \(Self.role) from Roles Anywhere")
        #expect(failure?.cause == "AccessDeniedException (403): Untrusted certificate")
        #expect(failure?.hint?.contains("trust anchor") == true)
        #expect(failure?.isTemporary == false)
    }

    /// Today, since OpenSSL makes certificates that begin now; the answers' dates are their own.
    private static func today() -> StandingClock { StandingClock(SystemClock().now.advanced(by: .seconds(60))) }

    private func source(_ pki: TestPKI, _ transport: ScriptedTransport, clock: StandingClock) throws -> any CredentialSource {
        let arn = "arn:aws:rolesanywhere:eu-west-1:111111111111:"
        let request = RolesAnywhere.SessionRequest(
            role: try RoleARN(Self.role),
            trustAnchor: try RolesAnywhereARN(arn + "trust-anchor/\(Self.id)", kind: .trustAnchor),
            profile: try RolesAnywhereARN(arn + "profile/\(Self.id)", kind: .profile))
        let files = CertificateFiles(
            certificate: pki.path("edge.pem"), key: pki.path("edge.key"), chain: pki.path("middle.pem"))
        return try Sample.surroundings(transport, clock: clock).rolesAnywhere(request, with: files)
    }

    private static func granted(
        _ id: String, until expiration: String, date: String = "Mon, 23 Nov 2026 12:00:00 GMT"
    ) -> HTTPResponse {
        HTTPResponse(
            201, [("Date", date)],
            """
            {"credentialSet":[{"credentials":{"accessKeyId":"\(id)","secretAccessKey":"s","sessionToken":"t",
            "expiration":"\(expiration)"},"roleArn":"r"}],"subjectArn":"s"}
            """)
    }
}

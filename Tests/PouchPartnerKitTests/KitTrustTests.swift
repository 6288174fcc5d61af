import FoundationEssentials
import PouchAWS
import PouchCrypto
import PouchKit
import PouchPartnerKit
import PouchSandbox
import PouchTestSupport
import S3SecureInbox
import Testing

/// A way into the roles besides a user's keys.
enum WayIn: String, Sendable, CaseIterable, CustomTestStringConvertible {
    case certificate, token

    static let provider = "issuer.example/cluster"
    static let subject = "system:serviceaccount:edge:pouch"
    static let anchor = "arn:aws:rolesanywhere:eu-west-1:111111111111:trust-anchor/aaaaaaaa-1111-2222-3333-444444444444"
    static let profile = "arn:aws:rolesanywhere:eu-west-1:111111111111:profile/bbbbbbbb-1111-2222-3333-444444444444"

    var testDescription: String { rawValue }

    var trust: Trust {
        switch self {
        case .certificate: .rolesAnywhere(.init(trustAnchor: Self.anchor, commonName: "edge-01"))
        case .token: .webIdentity(.init(provider: Self.provider, subject: Self.subject, audience: "sts.amazonaws.com"))
        }
    }

    /// What `doctor` and a delivery that waits say when the trust policy lacks its statement.
    var hint: String {
        switch self {
        case .certificate: "the role's trust policy lets rolesanywhere.amazonaws.com do sts:AssumeRole"
        case .token: "the role's trust policy must let the provider do sts:AssumeRoleWithWebIdentity"
        }
    }
}

@Suite("a kit for an edge without keys")
struct KitTrustTests {
    private let pki: TestPKI

    init() throws {
        pki = try TestPKI()
        try pki.leaf("edge", .ec)
        try pki.openssl(["genrsa", "-out", "issuer.key", "2048"])
        try pki.folder.write(try pki.openssl(["pkey", "-in", "issuer.key", "-pubout"]), to: "issuer.pub")
        try pki.folder.write(try token(), to: "token")
    }

    @Test("lets it in: files arrive, and doctor finds nothing wrong", arguments: WayIn.allCases)
    func suffices(_ way: WayIn) async throws {
        let house = try house(for: way)
        let destination = try house.destination(credentials: source(way))
        _ = try await house.deliver(destination)
        #expect(house.delivered() == ["from-orga/reports/north.csv"])
        let findings = await destination.check()
        #expect(findings.firstFailure == nil, "\(findings.story)")
    }

    @Test(
        "needs the statement that lets it in, for either role: without it nothing arrives, and doctor says where to look",
        arguments: WayIn.allCases, ["generator", "publisher"])
    func isNeeded(_ way: WayIn, _ role: String) async throws {
        let house = try house(for: way, without: role)
        let destination = try house.destination(credentials: source(way))
        let failure = await #expect(throws: DeliveryFailure.self) { try await house.deliver(destination) }
        #expect(failure?.remedy == .hold)
        #expect(failure?.description.contains(way.hint) == true, "\(failure?.description ?? "")")
        #expect(house.delivered().isEmpty)
        let findings = await destination.check()
        let first = try #require(findings.firstFailure, "\(findings.story)")
        #expect(first.step == "identity" && first.text.contains("role/\(role)"), "\(first.text)")
        #expect(first.hint?.contains(way.hint) == true, "\(first.hint ?? "")")
    }

    /// - Parameter role: whose trust policy has no statement.
    private func house(for way: WayIn, without role: String? = nil) throws -> KitHouse {
        try KitHouse(KitVariant.usual.kit()) { scenario in
            for index in scenario.accounts[0].roles.indices {
                let name = scenario.accounts[0].roles[index].name
                let policy = way.trust.policy(of: try RoleARN("arn:aws:iam::111111111111:role/\(name)"))
                let document = try JSONDecoder().decode(PolicyDocument.self, from: Data(policy.json.pretty().utf8))
                scenario.accounts[0].roles[index].trust = PolicySource(
                    name == role ? PolicyDocument(statements: []) : document)
            }
            scenario.accounts[0].federation = try JSONDecoder().decode(
                FederationSettings.self,
                from: Data(
                    """
                    { "providers": [
                        { "issuer": "https://\(WayIn.provider)", "clientIDs": ["sts.amazonaws.com"], "key": "\(pki.path("issuer.pub"))" } ],
                      "trustAnchors": [
                        { "id": "\(Self.id(WayIn.anchor))", "region": "eu-west-1", "certificate": "\(pki.path("root.pem"))" } ],
                      "profiles": [
                        { "id": "\(Self.id(WayIn.profile))", "region": "eu-west-1", "roles": ["generator", "publisher"] } ] }
                    """.utf8))
        }
    }

    private static func id(_ arn: String) -> String { arn.split(separator: "/").last.map(String.init) ?? "" }

    private func source(_ way: WayIn) -> (String, AWSLink) throws -> any CredentialSource {
        { name, link in
            let role = try RoleARN("arn:aws:iam::111111111111:role/\(name)")
            switch way {
            case .certificate:
                let request = RolesAnywhere.SessionRequest(
                    role: role, trustAnchor: try RolesAnywhereARN(WayIn.anchor, kind: .trustAnchor),
                    profile: try RolesAnywhereARN(WayIn.profile, kind: .profile), sessionName: nil, duration: nil)
                let files = CertificateFiles(
                    certificate: pki.path("edge.pem"), key: pki.path("edge.key"), chain: pki.path("middle.pem"))
                return RefreshingCredentials.rolesAnywhere(request, with: files, endpoint: nil, link: link)
            case .token:
                return RefreshingCredentials.webIdentity(
                    STS.WebIdentityRequest(role: role, sessionName: "pouch", duration: nil), tokenFile: pki.path("token"),
                    region: try Region("eu-west-1"), endpoint: nil, link: link)
            }
        }
    }

    /// A JSON Web Token of the issuer.
    private func token() throws -> String {
        func encoded(_ bytes: [UInt8]) -> String {
            Base64.text(of: bytes).replacing("+", with: "-").replacing("/", with: "_").replacing("=", with: "")
        }
        let now = SystemClock().now.seconds
        let claims = """
            {"iss":"https://\(WayIn.provider)","sub":"\(WayIn.subject)","aud":["sts.amazonaws.com"],"iat":\(now),"exp":\(now + 3_600)}
            """
        let text = encoded(Array(#"{"alg":"RS256","typ":"JWT"}"#.utf8)) + "." + encoded(Array(claims.utf8))
        let key = try SigningKey(pem: Secret(pki.folder.text("issuer.key")))
        return text + "." + encoded(try key.signature(of: Array(text.utf8)))
    }
}

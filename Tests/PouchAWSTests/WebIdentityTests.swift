import PouchAWS
import PouchHTTP
import PouchKit
import Testing

@Suite("Credentials for a web identity token")
struct WebIdentityTests {
    private static let role = "arn:aws:iam::111111111111:role/generator"

    @Test("are asked for without a signature, with the token that is in the file at that moment")
    func asks() async throws {
        let file = try TemporaryFile("one.two.three\n", mode: 0o644)
        let clock = StandingClock()
        let transport = ScriptedTransport([
            Self.granted("ONE", until: "2026-11-23T13:00:00Z"), Self.granted("TWO", until: "2026-11-23T15:00:00Z"),
        ])
        let source = try source(file, transport, clock: clock)
        #expect(try await source.credentials().accessKeyID == "ONE")
        #expect(transport.requests[0].url == "https://sts.us-east-1.amazonaws.com/")
        #expect(transport.requests[0].header("authorization") == nil)
        #expect(
            Self.text(transport.requests[0])
                == "Action=AssumeRoleWithWebIdentity&Version=2011-06-15"
                + "&RoleArn=arn%3Aaws%3Aiam%3A%3A111111111111%3Arole%2Fgenerator&RoleSessionName=pouch&WebIdentityToken=one.two.three"
        )
        try file.replace("four.five.six")
        clock.advance(by: .seconds(50 * 60))
        #expect(try await source.credentials().accessKeyID == "TWO")
        #expect(Self.text(transport.requests[1]).hasSuffix("four.five.six"))
    }

    @Test("a busy identity provider is asked again, an expired token is told with who must act")
    func failures() async throws {
        let file = try TemporaryFile("one.two.three")
        let busy = HTTPResponse(400, [], "<ErrorResponse><Error><Code>IDPCommunicationError</Code></Error></ErrorResponse>")
        let expired = HTTPResponse(400, [], "<ErrorResponse><Error><Code>ExpiredTokenException</Code></Error></ErrorResponse>")
        let transport = ScriptedTransport([busy, expired])
        let failure = await #expect(throws: CredentialFailure.self) {
            try await source(file, transport, clock: StandingClock()).credentials()
        }
        #expect(transport.requests.count == 2)
        #expect(failure?.step == "assume the role \(Self.role) with the token in \(file.path)")
        #expect(failure?.hint?.hasPrefix("whoever writes \(file.path) has stopped") == true)
        #expect(failure?.description.contains("one.two.three") == false)
    }

    @Test("a file without a token is told by its name", arguments: ["", "\n", "two words"])
    func noToken(_ text: String) async throws {
        let file = try TemporaryFile(text)
        let failure = await #expect(throws: CredentialFailure.self) {
            try await source(file, ScriptedTransport([HTTPResponse]()), clock: StandingClock()).credentials()
        }
        #expect(failure?.step == "read the web identity token in \(file.path)")
    }

    private func source(_ file: TemporaryFile, _ transport: ScriptedTransport, clock: StandingClock) throws -> any CredentialSource
    {
        let request = STS.WebIdentityRequest(role: try RoleARN(Self.role), sessionName: "pouch")
        return try Sample.surroundings(transport, clock: clock).webIdentity(request, tokenFile: file.path)
    }

    private static func text(_ request: HTTPRequest) -> String {
        guard case .bytes(let body) = request.body else { return "" }
        return String(decoding: body, as: UTF8.self)
    }

    private static func granted(_ id: String, until expiration: String) -> HTTPResponse {
        HTTPResponse(
            200, [("Date", "Mon, 23 Nov 2026 12:00:00 GMT")],
            """
            <AssumeRoleWithWebIdentityResponse><AssumeRoleWithWebIdentityResult><Credentials>
            <AccessKeyId>\(id)</AccessKeyId><SecretAccessKey>s</SecretAccessKey><SessionToken>t</SessionToken>
            <Expiration>\(expiration)</Expiration></Credentials></AssumeRoleWithWebIdentityResult></AssumeRoleWithWebIdentityResponse>
            """)
    }
}

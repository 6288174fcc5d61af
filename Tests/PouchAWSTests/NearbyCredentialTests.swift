import PouchAWS
import PouchHTTP
import PouchKit
import Testing

@Suite("Credentials from a container's agent")
struct ContainerCredentialTests {
    private static let answer = HTTPResponse(
        200, [("Date", "Mon, 23 Nov 2026 12:00:00 GMT")],
        #"{"AccessKeyId":"ASIA","SecretAccessKey":"s","Token":"t","Expiration":"2026-11-23T13:00:00Z","RoleArn":"r"}"#)

    @Test("are asked for at the address of the environment, with the token that is in the file at that moment")
    func fromEnvironment() async throws {
        let file = try TemporaryFile("first\n", mode: 0o644)
        let clock = StandingClock()
        let transport = ScriptedTransport([Self.answer, Self.answer])
        let environment = [
            "AWS_CONTAINER_CREDENTIALS_FULL_URI": "http://169.254.170.23/v1/credentials",
            "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE": file.path,
        ]
        let source = try Sample.surroundings(transport, clock: clock, environment: environment).container()
        let credentials = try await source.credentials()
        #expect(credentials.accessKeyID == "ASIA")
        #expect(credentials.sessionToken?.reveal() == "t")
        #expect(transport.requests[0].url == "http://169.254.170.23/v1/credentials")
        #expect(transport.requests[0].header("authorization") == "first")
        try file.replace("second")
        clock.advance(by: .seconds(3_600))
        _ = try? await source.credentials()
        #expect(transport.requests[1].header("authorization") == "second")
    }

    @Test("a relative address is one of ECS, and comes before a full one")
    func relative() throws {
        let endpoint = try ContainerEndpoint(environment: [
            "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI": "/v2/credentials/x?a=b", "AWS_CONTAINER_CREDENTIALS_FULL_URI": "https://x/y",
            "AWS_CONTAINER_AUTHORIZATION_TOKEN": "t",
        ])
        #expect(endpoint.uri == "http://169.254.170.2/v2/credentials/x?a=b")
        #expect(endpoint.authorization == .token(Secret("t")))
    }

    @Test(
        "an http address must be this machine's or its host's; over https it may be any",
        arguments: [
            ("http://127.0.0.1:8080/x", true), ("http://127.8.9.1/x", true), ("http://[::1]:80/x", true),
            ("http://localhost/x", true), ("http://169.254.170.2/x", true), ("http://[fd00:ec2::23]/x", true),
            ("https://credentials.example/x", true), ("http://credentials.example/x", false), ("http://10.0.0.1/x", false),
            ("http://127.0.0.1.example.com/x", false), ("http://169.254.169.254/x", false), ("ftp://127.0.0.1/x", false),
            ("127.0.0.1/x", false),
        ])
    func addresses(_ uri: String, _ isTaken: Bool) {
        let endpoint = try? ContainerEndpoint(uri: uri, authorization: .none)
        #expect((endpoint != nil) == isTaken)
    }

    @Test("nothing in the environment, a token with a line break, and a refusal say what to do")
    func failures() async throws {
        let nothing = await #expect(throws: CredentialFailure.self) {
            try await Sample.surroundings(ScriptedTransport([HTTPResponse]())).container().credentials()
        }
        #expect(nothing?.cause.contains("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI") == true)
        let file = try TemporaryFile("a\nb")
        let broken = try ContainerEndpoint(uri: "http://127.0.0.1/x", authorization: .file(file.path))
        let token = await #expect(throws: CredentialFailure.self) {
            try await Sample.surroundings(ScriptedTransport([HTTPResponse]())).container(broken).credentials()
        }
        #expect(token?.cause == "it holds a line break or another control character")
        let plain = try ContainerEndpoint(uri: "http://127.0.0.1/x", authorization: .none)
        let refused = await #expect(throws: CredentialFailure.self) {
            let transport = ScriptedTransport([HTTPResponse(401, [], #"{"code":"x","message":"y"}"#)])
            return try await Sample.surroundings(transport).container(plain).credentials()
        }
        #expect(refused?.hint == "the agent of the container does not take the authorization token")
    }
}

@Suite("Credentials from the instance metadata service")
struct InstanceCredentialTests {
    private static let answer = HTTPResponse(
        200, [],
        #"{"Code":"Success","AccessKeyId":"ASIA","SecretAccessKey":"s","Token":"t","Expiration":"2026-11-23T18:00:00Z"}"#)

    @Test("are asked for with a token of the service's own, version 2 alone")
    func asks() async throws {
        let transport = ScriptedTransport([HTTPResponse(200, [], "TOKEN"), HTTPResponse(200, [], "edge\n"), Self.answer])
        let credentials = try await Sample.surroundings(transport).instance().credentials()
        #expect(credentials.accessKeyID == "ASIA")
        #expect(transport.requests.map(\.method) == ["PUT", "GET", "GET"])
        let folder = "http://169.254.169.254/latest/meta-data/iam/security-credentials/"
        #expect(transport.requests.map(\.url) == ["http://169.254.169.254/latest/api/token", folder, folder + "edge"])
        #expect(transport.requests[0].header("x-aws-ec2-metadata-token-ttl-seconds") == "21600")
        #expect(transport.requests[2].header("x-aws-ec2-metadata-token") == "TOKEN")
        #expect(transport.requests.allSatisfy { $0.header("authorization") == nil })
    }

    @Test("a role that is named is not looked for, and another endpoint is asked instead of the usual one")
    func named() async throws {
        let transport = ScriptedTransport([HTTPResponse(200, [], "TOKEN"), Self.answer])
        let source = try Sample.surroundings(transport).instance(role: "mine", at: EndpointURL("http://127.0.0.1:1338"))
        _ = try await source.credentials()
        #expect(transport.requests[1].url == "http://127.0.0.1:1338/latest/meta-data/iam/security-credentials/mine")
    }

    @Test(
        "what the service refuses is told with what to do",
        arguments: [
            ([HTTPResponse(403, [], "")], "switched off"),
            ([HTTPResponse(200, [], "T"), HTTPResponse(404, [], "")], "attach an instance profile"),
            ([HTTPResponse(200, [], "T"), HTTPResponse(200, [], "")], "attach an instance profile"),
            (
                [
                    HTTPResponse(200, [], "T"), HTTPResponse(200, [], "edge"),
                    HTTPResponse(200, [], #"{"Code":"AssumeRoleUnauthorizedAccess","Message":"no"}"#),
                ], "AssumeRoleUnauthorizedAccess: no"
            ),
        ])
    func failures(_ answers: [HTTPResponse], _ expected: String) async throws {
        let failure = await #expect(throws: CredentialFailure.self) {
            try await Sample.surroundings(ScriptedTransport(answers)).instance().credentials()
        }
        #expect(failure?.description.contains(expected) == true, "\(String(describing: failure))")
    }

    @Test("a machine without the service is told so after a few seconds' worth of tries")
    func absent() async throws {
        let steps = Array<ScriptedTransport.Step>(repeating: { _ in .failure(.refused) }, count: 3)
        let failure = await #expect(throws: CredentialFailure.self) {
            try await Sample.surroundings(ScriptedTransport(steps)).instance().credentials()
        }
        #expect(failure?.isTemporary == true)
        #expect(failure?.hint?.hasPrefix("this works only on an EC2 instance") == true)
    }
}

import Foundation
import PouchCrypto
import PouchKit
import PouchTestSupport
import Testing

/// A sandbox that takes every kind of identity, and the material for each: certificates, tokens, files with keys.
struct IdentityGround: Sendable {
    @TaskLocal static var current: IdentityGround?

    static let account = "111111111111"
    static let issuer = "https://issuer.example/cluster"
    static let anchor = "arn:aws:rolesanywhere:eu-west-1:111111111111:trust-anchor/aaaaaaaa-1111-2222-3333-444444444444"
    static let profile = "arn:aws:rolesanywhere:eu-west-1:111111111111:profile/bbbbbbbb-1111-2222-3333-444444444444"
    static let taskToken = "task-token-of-a-container"

    let pki: TestPKI

    init() throws {
        pki = try TestPKI()
        for kind in TestPKI.Kind.allCases { try pki.leaf(kind.rawValue, kind) }
        try pki.openssl(["genrsa", "-out", "issuer.key", "2048"])
        try pki.folder.write(try pki.openssl(["pkey", "-in", "issuer.key", "-pubout"]), to: "issuer.pub")
        try pki.folder.write(try token(), to: "web-identity-token")
        try pki.folder.write(Self.taskToken, to: "task-token")
    }

    func path(_ name: String) -> String { pki.path(name) }

    /// A file that only its owner may read.
    func secretFile(_ text: String, _ name: String) throws -> String {
        let path = try pki.folder.write(text, to: name)
        try FileManager.default.setAttributes([.posixPermissions: 0o600], ofItemAtPath: path)
        return path
    }

    /// The edge user's keys, as the sandbox made them.
    func keys() throws -> (id: String, secret: String) {
        let lines = try String(
            contentsOf: #require(SandboxProcess.running).folder.appendingPathComponent("credentials"), encoding: .utf8
        )
        .split(separator: "\n").map(String.init)
        let start = try #require(lines.firstIndex(of: "[edge]"))
        func value(_ line: String) -> String { line.split(separator: " ").last.map(String.init) ?? "" }
        return (value(lines[start + 1]), value(lines[start + 2]))
    }

    /// A JSON Web Token of the issuer.
    private func token() throws -> String {
        func encoded(_ bytes: [UInt8]) -> String {
            Base64.text(of: bytes).replacing("+", with: "-").replacing("/", with: "_").replacing("=", with: "")
        }
        let now = Int(Date().timeIntervalSince1970)
        let claims = """
            {"iss":"\(Self.issuer)","sub":"system:serviceaccount:edge:pouch","aud":["sts.amazonaws.com"],"iat":\(now),"exp":\(now + 3_600)}
            """
        let text = encoded(Array(#"{"alg":"RS256","typ":"JWT"}"#.utf8)) + "." + encoded(Array(claims.utf8))
        let key = try SigningKey(pem: Secret(pki.folder.text("issuer.key")))
        return text + "." + encoded(try key.signature(of: Array(text.utf8)))
    }

    /// The two organisations, whose roles trust more than a user's keys.
    func scenario() async throws -> String {
        let ending = try await PouchProcess(folder: URL(fileURLWithPath: pki.folder.path)).run("sandbox", "scenario")
        var scenario = try #require(try JSONSerialization.jsonObject(with: Data(ending.output.utf8)) as? [String: Any])
        var accounts = try #require(scenario["accounts"] as? [[String: Any]])
        let index = try #require(accounts.firstIndex { $0["id"] as? String == Self.account })
        accounts[index]["federation"] = [
            "providers": [["issuer": Self.issuer, "clientIDs": ["sts.amazonaws.com"], "key": path("issuer.pub")]],
            "trustAnchors": [["id": Self.id(Self.anchor), "region": "eu-west-1", "certificate": path("root.pem")]],
            "profiles": [["id": Self.id(Self.profile), "region": "eu-west-1", "roles": ["generator", "publisher"]]],
            "instanceRole": "edge-base",
            "tasks": [["path": "/v2/credentials/edge", "token": Self.taskToken, "role": "edge-base"]],
        ]
        var roles = try #require(accounts[index]["roles"] as? [[String: Any]])
        for role in roles.indices { roles[role]["trust"] = Self.trust }
        roles.append(Self.base)
        accounts[index]["roles"] = roles
        var users = try #require(accounts[index]["users"] as? [[String: Any]])
        users[0]["policies"] = Self.mayBecome
        accounts[index]["users"] = users
        scenario["accounts"] = accounts
        let bytes = try JSONSerialization.data(withJSONObject: scenario)
        return try pki.folder.write(Array(bytes), to: "scenario.json")
    }

    private static func id(_ arn: String) -> String { arn.split(separator: "/").last.map(String.init) ?? "" }

    private static var trust: [String: Any] {
        [
            "Version": "2012-10-17",
            "Statement": [
                [
                    "Effect": "Allow", "Action": ["sts:AssumeRole", "sts:TagSession"],
                    "Principal": ["AWS": ["arn:aws:iam::111111111111:user/edge", "arn:aws:iam::111111111111:role/edge-base"]],
                ],
                [
                    "Effect": "Allow", "Action": ["sts:AssumeRole", "sts:TagSession", "sts:SetSourceIdentity"],
                    "Principal": ["Service": "rolesanywhere.amazonaws.com"],
                    "Condition": [
                        "StringEquals": ["aws:PrincipalTag/x509Subject/CN": "edge-01"], "ArnEquals": ["aws:SourceArn": anchor],
                    ],
                ],
                webIdentity,
            ] as [[String: Any]],
        ]
    }

    private static var webIdentity: [String: Any] {
        [
            "Effect": "Allow", "Action": "sts:AssumeRoleWithWebIdentity",
            "Principal": ["Federated": "arn:aws:iam::111111111111:oidc-provider/issuer.example/cluster"],
            "Condition": [
                "StringEquals": [
                    "issuer.example/cluster:sub": "system:serviceaccount:edge:pouch",
                    "issuer.example/cluster:aud": "sts.amazonaws.com",
                ]
            ],
        ]
    }

    private static var mayBecome: [[String: Any]] {
        [
            [
                "Version": "2012-10-17",
                "Statement": [
                    [
                        "Effect": "Allow", "Action": ["sts:AssumeRole", "sts:TagSession"],
                        "Resource": ["generator", "publisher", "edge-base"].map { "arn:aws:iam::111111111111:role/\($0)" },
                    ]
                ],
            ]
        ]
    }

    /// What a machine or a container is, before it becomes the generator or the publisher.
    private static var base: [String: Any] {
        [
            "name": "edge-base", "policies": mayBecome,
            "trust": [
                "Version": "2012-10-17",
                "Statement": [
                    [
                        "Effect": "Allow", "Action": "sts:AssumeRole",
                        "Principal": [
                            "Service": ["ec2.amazonaws.com", "ecs-tasks.amazonaws.com"],
                            "AWS": "arn:aws:iam::111111111111:user/edge",
                        ],
                    ],
                    webIdentity,
                ] as [[String: Any]],
            ],
        ]
    }
}

/// Makes the ground, and runs the sandbox on it for the time of a suite.
struct RunningIdentityGround: SuiteTrait, TestScoping {
    func provideScope(
        for test: Test,
        testCase: Test.Case?,
        performing body: @Sendable () async throws -> Void
    ) async throws {
        let ground = try IdentityGround()
        let sandbox = RunningSandbox(arguments: ["--scenario", try await ground.scenario()])
        try await sandbox.provideScope(for: test, testCase: testCase) {
            try await IdentityGround.$current.withValue(ground, operation: body)
        }
    }
}

extension Trait where Self == RunningIdentityGround {
    static var identityGround: RunningIdentityGround { RunningIdentityGround() }
}

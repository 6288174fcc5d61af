import Foundation
import PouchTestSupport
import Testing

extension Scenarios {
    @Suite("with an identity from anywhere", .serialized, .identityGround)
    enum Identities {}
}

/// A source of credentials, as an operator writes it.
struct IdentitySample: Sendable, CustomTestStringConvertible {
    let testDescription: String
    /// Of both identities; `ROLE` stands for `generator` and `publisher`.
    let text: @Sendable (IdentityGround) throws -> String
    /// What `pouch identity show` calls the steps.
    let kinds: [String]
    var environment: @Sendable (IdentityGround) throws -> [String: String] = { _ in [:] }

    static let role = #"role: "arn:aws:iam::111111111111:role/ROLE""#

    static let all: [IdentitySample] = [
        IdentitySample(
            testDescription: "a file with keys",
            text: { ground in
                let keys = try ground.keys()
                let path = try ground.secretFile(
                    "[default]\naws_access_key_id = \(keys.id)\naws_secret_access_key = \(keys.secret)\n", "keys")
                return #"{ \#(role), from: { file: "\#(path)" } }"#
            }, kinds: ["file", "role"]),
        IdentitySample(
            testDescription: "the environment", text: { _ in "{ \(role), from: { environment: true } }" },
            kinds: ["environment", "role"],
            environment: { ground in
                let keys = try ground.keys()
                return ["AWS_ACCESS_KEY_ID": keys.id, "AWS_SECRET_ACCESS_KEY": keys.secret]
            }),
        IdentitySample(
            testDescription: "a profile whose role is assumed with another profile's keys, then another role",
            text: { ground in
                let keys = try ground.keys()
                let path = try ground.secretFile(
                    """
                    [profile keys]
                    aws_access_key_id = \(keys.id)
                    aws_secret_access_key = \(keys.secret)
                    [profile chained]
                    role_arn = arn:aws:iam::111111111111:role/edge-base
                    source_profile = keys
                    """, "chained")
                return #"{ \#(role), from: { profile: chained, file: "\#(path)" } }"#
            }, kinds: ["profile", "keys", "role", "role"]),
        IdentitySample(
            testDescription: "a profile with a web identity",
            text: { ground in
                let path = try ground.pki.folder.write(
                    """
                    [profile web]
                    role_arn = arn:aws:iam::111111111111:role/edge-base
                    web_identity_token_file = \(ground.path("web-identity-token"))
                    """, to: "web-profile")
                return #"{ \#(role), from: { profile: web, file: "\#(path)" } }"#
            }, kinds: ["profile", "web-identity", "role"]),
        IdentitySample(
            testDescription: "a profile with a credential process",
            text: { ground in
                let path = try ground.pki.folder.write(
                    "[profile process]\ncredential_process = /bin/cat \"\(try document(ground))\"\n", to: "process-profile")
                return #"{ \#(role), from: { profile: process, file: "\#(path)" } }"#
            }, kinds: ["profile", "process", "role"]),
        IdentitySample(
            testDescription: "a program",
            text: { #"{ \#(role), from: { process: [/bin/cat, "\#(try document($0))"] } }"# }, kinds: ["process", "role"]),
        IdentitySample(
            testDescription: "a web identity",
            text: { #"{ from: { web-identity: { token-file: "\#($0.path("web-identity-token"))", \#(role) } } }"# },
            kinds: ["web-identity"]),
        IdentitySample(testDescription: "Roles Anywhere, RSA", text: { anywhere("rsa", $0) }, kinds: ["roles-anywhere"]),
        IdentitySample(testDescription: "Roles Anywhere, elliptic curve", text: { anywhere("ec", $0) }, kinds: ["roles-anywhere"]),
        IdentitySample(
            testDescription: "a container that the configuration names",
            text: { ground in
                let uri = try endpoint() + "/v2/credentials/edge"
                return #"{ \#(role), from: { container: { uri: "\#(uri)", token-file: "\#(ground.path("task-token"))" } } }"#
            }, kinds: ["container", "role"]),
        IdentitySample(
            testDescription: "a container that the environment names", text: { _ in "{ \(role), from: { container: true } }" },
            kinds: ["container", "role"],
            environment: { _ in
                [
                    "AWS_CONTAINER_CREDENTIALS_FULL_URI": try endpoint() + "/v2/credentials/edge",
                    "AWS_CONTAINER_AUTHORIZATION_TOKEN": IdentityGround.taskToken,
                ]
            }),
        IdentitySample(
            testDescription: "the instance metadata service",
            text: { _ in #"{ \#(role), from: { imds: { endpoint: "\#(try endpoint())" } } }"# }, kinds: ["imds", "role"]),
        IdentitySample(
            testDescription: "a role with tags, narrowed to the partner",
            text: { ground in
                let path = try #require(SandboxProcess.running).folder.path + "/credentials"
                return
                    #"{ \#(role), session-policy: partner, tags: { site: edge-01 }, from: { profile: edge, file: "\#(path)" } }"#
            }, kinds: ["profile", "keys", "role"]),
    ]

    private static func anywhere(_ name: String, _ ground: IdentityGround) -> String {
        """
        { from: { roles-anywhere: { certificate: "\(ground.path("\(name).pem"))", key: "\(ground.path("\(name).key"))", \
        chain: "\(ground.path("middle.pem"))", trust-anchor: "\(IdentityGround.anchor)", profile: "\(IdentityGround.profile)", \(role) } } }
        """
    }

    private static func endpoint() throws -> String { try #require(SandboxProcess.running).endpoint }

    private static func document(_ ground: IdentityGround) throws -> String {
        let keys = try ground.keys()
        return try ground.secretFile(
            #"{"Version": 1, "AccessKeyId": "\#(keys.id)", "SecretAccessKey": "\#(keys.secret)"}"#, "document with keys.json")
    }
}

extension Scenarios.Identities {
    @Suite("and a file to deliver", .serialized)
    struct Deliveries {
        @Test("delivers it, and explains where the credentials came from without showing one", arguments: IdentitySample.all)
        func delivers(_ sample: IdentitySample) async throws {
            let ground = try #require(IdentityGround.current)
            let text = try sample.text(ground)
            let inbox = try SecureInboxWorkshop(
                identities: ["generator", "publisher"].map { "\($0): " + text.replacing("ROLE", with: $0) }.joined(separator: "\n"))
            try inbox.workshop.feed(2)
            var pouch = inbox.workshop.pouch()
            pouch.environment = try sample.environment(ground)
            let ending = try await pouch.run("run", "--once", "--log-level", "warning")
            #expect(ending.status == 0, "\(ending.errors)")
            #expect(try await inbox.judge() == Workshop.Verdict())
            try await inbox.workshop.expectRecorded(2)

            let shown = try await pouch.run("identity", "show", "generator", "--json")
            #expect(shown.status == 0, "\(shown.output) \(shown.errors)")
            let report = try #require(try JSONSerialization.jsonObject(with: Data(shown.output.utf8)) as? [String: Any])
            #expect((report["steps"] as? [[String: Any]])?.compactMap { $0["kind"] as? String } == sample.kinds)
            #expect((report["caller"] as? String)?.hasPrefix("arn:aws:sts::111111111111:assumed-role/generator/") == true)
            let people = try await pouch.run("identity", "show", "generator")
            let secrets = [try ground.keys().secret, IdentityGround.taskToken, try ground.pki.folder.text("web-identity-token")]
            for secret in secrets { #expect(!(shown.output + people.output + ending.errors).contains(secret)) }
        }

        @Test("and too few descriptors for the program that prints credentials, says so, and does not crash")
        func shortOfDescriptors() async throws {
            let ground = try #require(IdentityGround.current)
            let sample = try #require(IdentitySample.all.first { $0.kinds == ["process", "role"] })
            let text = try sample.text(ground)
            let inbox = try SecureInboxWorkshop(
                identities: ["generator", "publisher"].map { "\($0): " + text.replacing("ROLE", with: $0) }.joined(separator: "\n"))
            var pouch = inbox.workshop.pouch()
            var complaints = 0
            for descriptors in 8...32 {
                pouch.descriptors = descriptors
                let shown = try await pouch.run("identity", "show", "generator")
                #expect(!shown.hasCrashed, "with \(descriptors) descriptors: \(shown.errors.suffix(2_000))")
                if shown.output.contains("it could not be run: Too many open files (EMFILE)") { complaints += 1 }
                if shown.status == 0 { break }
            }
            #expect(complaints > 0)
            pouch.descriptors = 64
            #expect(try await pouch.run("identity", "show", "generator").status == 0)
        }

        @Test("and nobody who vouches for us, holds the partner and says which step it was, and delivers after the fix")
        func refused() async throws {
            let ground = try #require(IdentityGround.current)
            try ground.pki.leaf("stranger", .ec, commonName: "edge-02")
            let sample = try #require(IdentitySample.all.first { $0.kinds == ["roles-anywhere"] })
            let text = try sample.text(ground).replacing("/rsa.", with: "/stranger.")
            let inbox = try SecureInboxWorkshop(
                identities: ["generator", "publisher"].map { "\($0): " + text.replacing("ROLE", with: $0) }.joined(separator: "\n"))
            try inbox.workshop.feed(1)
            let refused = try await inbox.workshop.pouch().run("run", "--once", "--log-level", "warning")
            #expect(refused.status == 1)
            let status = try await inbox.workshop.pouch().run("status")
            #expect(
                status.output.contains("could not get a session of arn:aws:iam::111111111111:role/generator from Roles Anywhere"))
            #expect(try await inbox.objects().isEmpty)
            let shown = try await inbox.workshop.pouch().run("identity", "show", "generator")
            #expect(shown.status == 1)
            #expect(shown.output.contains("CN=edge-02"))
            #expect(shown.output.contains("hint: look in this order"))

            try ground.pki.leaf("stranger", .ec, commonName: "edge-01")
            _ = try await inbox.workshop.pouch().run("release", "acme")
            let delivered = try await inbox.workshop.deliverAll()
            #expect(delivered.status == 0, "\(delivered.errors)")
            #expect(try await inbox.judge() == Workshop.Verdict())
        }
    }
}

import Foundation
import Testing

/// A workshop whose partner is org B of the sandbox, with prefixes of its own in both buckets.
struct SecureInboxWorkshop: Sendable {
    let workshop: Workshop
    let sandbox: SandboxProcess
    private let name = UUID().uuidString.lowercased()
    private let identities: String?
    /// What else stands under `deliver:`.
    private let delivery: String

    private let storing: String

    /// - Parameters:
    ///   - inboxPrefix: what stands in the agent's configuration; `nil`: the right one.
    ///   - identities: what stands under `identities:`; `nil`: both roles, assumed with the keys of a user.
    ///   - delivery: what else stands under `deliver:`.
    ///   - storing: more settings of the repository.
    init(
        watch: String = "then: delete", inboxPrefix: String? = nil, identities: String? = nil, delivery: String = "",
        storing: String = ""
    ) throws {
        self.identities = identities
        self.storing = storing.isEmpty ? "" : ", " + storing
        sandbox = try #require(SandboxProcess.running)
        workshop = try Workshop()
        self.delivery = delivery
        try configure(watch: watch, inboxPrefix: inboxPrefix)
    }

    var inboxPrefix: String { "from-orga/\(name)/" }
    var repositoryPrefix: String { "acme/\(name)/" }

    func configure(
        watch: String = "then: delete", inboxPrefix: String? = nil, partners: String = "", routes: String = Self.routes,
        rest: String = ""
    ) throws {
        try workshop.configure(
            watch: watch, partners: partner(inboxPrefix: inboxPrefix ?? self.inboxPrefix) + "\n" + partners, routes: routes,
            rest: services + "\n" + rest)
    }

    static let routes = #"{ name: all, when: { path: "**" }, to: [acme], as: "{path}" }"#

    func partner(inboxPrefix: String) -> String {
        let repository =
            #"{ bucket: orga-repository, region: eu-west-1, prefix: "\#(repositoryPrefix)", key: "\#(SandboxProcess.key)", as: generator\#(storing) }"#
        let inbox =
            #"{ bucket: acme-inbox, region: eu-west-1, owner: "222222222222", prefix: "\#(inboxPrefix)", key: "\#(SandboxProcess.key)", as: publisher }"#
        return
            "acme: { deliver: { with: s3-secure-inbox\(delivery.isEmpty ? "" : ", " + delivery), repository: \(repository), inbox: \(inbox) }, limits: { at-once: 8 } }"
    }

    var services: String {
        let from = #"from: { profile: edge, file: "\#(sandbox.folder.path)/credentials" }"#
        let usual = """
            generator: { role: "arn:aws:iam::111111111111:role/generator", \(from) }
            publisher: { role: "arn:aws:iam::111111111111:role/publisher", \(from) }
            """
        return """
            aws: { endpoint: "\(sandbox.endpoint)", ca-file: "\(sandbox.folder.path)/ca.pem" }
            identities:
              \((identities ?? usual).split(separator: "\n").joined(separator: "\n  "))
            """
    }

    /// What lies in org B's inbox, every version of it, by the sandbox's own account.
    func objects() async throws -> [SandboxProcess.Object] { try await sandbox.objects(below: inboxPrefix) }

    /// The feeder's ledger against the inbox: one version of one object for each file, under org B's key, owned by org B, and one delivery
    /// each.
    func judge(isOver: Bool = true) async throws -> Workshop.Verdict {
        let objects = try await objects()
        var verdict = workshop.judge(objects.map { Workshop.Found(place: $0.key, sha256: $0.sha256 ?? "") }, isOver: isOver)
        var deliveries: Set<String> = []
        for object in objects {
            let delivery = object.metadata["pouch-delivery"]
            if !deliveries.insert(delivery ?? "").inserted { verdict.duplicate.append(object.key) }
            if delivery == nil || object.metadata["pouch-sha256"] != object.sha256 || object.keyARN != SandboxProcess.key
                || !object.owner.contains("222222222222")
            {
                verdict.foreign.append(object.key)
            }
        }
        return verdict
    }
}

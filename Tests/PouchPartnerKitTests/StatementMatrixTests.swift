import PouchAWS
import PouchKit
import PouchPartnerKit
import PouchSandbox
import PouchTestSupport
import S3SecureInbox
import Testing

/// What somebody suffers when one statement of a kit was not applied, and what is said about it.
struct MissingStatement: Sendable, CustomTestStringConvertible {
    enum Consequence: Sendable {
        /// Deliveries are held, `doctor` fails in this step, prints the statement, and says so.
        case nothingArrives(step: String, saying: String)
        /// Files arrive; `doctor` notes in this step what is not possible, and prints the statement.
        case noted(step: String)
        /// Files arrive. It is a guard: without it, what must be refused is not. `doctor` sees that and prints the statement.
        case guardIsDown(saying: String)
        /// Files arrive, and org B's own people cannot open them.
        case partnerCannotRead
        /// Files arrive, and the bucket answers over a line that is not encrypted.
        case plainHTTP(bucket: String)
        /// Files arrive; whether the partner has them is never learned, and `doctor` says so.
        case receiptsUnread
        /// The edge hands over, and the publisher's service, which is another machine's, says this, and the statement's action.
        case publisherSays(String)
        /// S3 refuses to set the notification up.
        case notifiesNobody
    }

    let path: String
    let name: StatementName
    let consequence: Consequence
    /// A policy that somebody gave the generator besides, against which the guard stands.
    var carelessly = false
    /// The kit that it was taken from.
    var variant = KitVariant.usual

    var testDescription: String { "\(path) without \(name.rawValue), \(variant.rawValue)" }

    static let all: [MissingStatement] = [
        .init(
            path: "org-a/generator-policy.json", name: .storeSealed,
            consequence: .nothingArrives(step: "store", saying: "not authorized to perform: s3:PutObject")),
        .init(
            path: "org-a/generator-policy.json", name: .sealForPartner,
            consequence: .nothingArrives(step: "store", saying: "your own organisation: allow kms:GenerateDataKey")),
        .init(path: "org-a/generator-policy.json", name: .preflightMayDescribe, consequence: .noted(step: "key")),
        .init(
            path: "org-a/generator-policy.json", name: .neverRead,
            consequence: .guardIsDown(saying: "generator can read what it stored"), carelessly: true),
        .init(
            path: "org-a/generator-trust.json", name: .edgeBecomesThisRole,
            consequence: .nothingArrives(step: "identity", saying: "not authorized to perform: sts:AssumeRole")),
        .init(
            path: "org-a/publisher-trust.json", name: .edgeBecomesThisRole,
            consequence: .nothingArrives(step: "identity", saying: "not authorized to perform: sts:AssumeRole")),
        .init(
            path: "org-a/publisher-policy.json", name: .readRepository,
            consequence: .nothingArrives(step: "publish", saying: "s3:GetObjectVersion")),
        .init(
            path: "org-a/publisher-policy.json", name: .openRepositoryObjects,
            consequence: .nothingArrives(step: "publish", saying: "your own organisation: allow kms:Decrypt")),
        .init(
            path: "org-a/publisher-policy.json", name: .deliverIntoInbox,
            consequence: .nothingArrives(step: "publish", saying: "AccessDenied (403): Access Denied")),
        .init(
            path: "org-a/publisher-policy.json", name: .sealInboxObjects,
            consequence: .nothingArrives(step: "publish", saying: "your own organisation: allow kms:GenerateDataKey")),
        .init(path: "org-a/publisher-policy.json", name: .askWhoseAnObjectIs, consequence: .noted(step: "read back")),
        .init(path: "org-a/publisher-policy.json", name: .preflightMayDescribe, consequence: .noted(step: "key")),
        .init(
            path: "org-a/repository-bucket-policy.json", name: .denyInsecureTransport,
            consequence: .plainHTTP(bucket: "orga-repository")),
        .init(
            path: "org-b/inbox-bucket-policy.json", name: .denyInsecureTransport, consequence: .plainHTTP(bucket: "acme-inbox")),
        .init(
            path: "org-b/inbox-bucket-policy.json", name: .publisherDelivers,
            consequence: .nothingArrives(step: "publish", saying: "AccessDenied (403): Access Denied")),
        .init(
            path: "org-b/inbox-bucket-policy.json", name: .publisherAsksWhoseAnObjectIs, consequence: .noted(step: "read back")),
        .init(
            path: "org-b/inbox-bucket-policy.json", name: .refuseOtherKeys,
            consequence: .guardIsDown(saying: "under a key that is not the partner's")),
        .init(
            path: "org-b/inbox-bucket-policy.json", name: .refuseOtherEncryption,
            consequence: .guardIsDown(saying: "not encrypted under a key of the partner's")),
        .init(
            path: "org-b/inbox-bucket-policy.json", name: .newKeysOnly,
            consequence: .guardIsDown(saying: "lets publisher write over an object")),
        .init(path: "org-b/key-policy.json", name: .ownerAdministersThroughIAM, consequence: .partnerCannotRead),
        .init(
            path: "org-b/key-policy.json", name: .generatorSealsIntoRepository,
            consequence: .nothingArrives(step: "store", saying: "the key's owner: allow")),
        .init(
            path: "org-b/key-policy.json", name: .publisherOpensRepository,
            consequence: .nothingArrives(step: "publish", saying: "kms:Decrypt in the key policy")),
        .init(
            path: "org-b/key-policy.json", name: .publisherSealsIntoInbox,
            consequence: .nothingArrives(step: "publish", saying: "kms:GenerateDataKey in the key policy")),
        .init(path: "org-b/key-policy.json", name: .preflightMayDescribe, consequence: .noted(step: "key")),
        .init(
            path: "org-a/publisher-policy.json", name: .handOverOwnership,
            consequence: .nothingArrives(step: "publish", saying: "without the ACL it passes"), variant: .handingOver),
        .init(
            path: "org-b/inbox-bucket-policy.json", name: .publisherHandsOverOwnership,
            consequence: .nothingArrives(step: "publish", saying: "without the ACL it passes"), variant: .handingOver),
        .init(
            path: "org-a/generator-policy.json", name: .storeInParts,
            consequence: .nothingArrives(step: "store", saying: "not authorized to perform: s3:PutObject"), variant: .storingInParts
        ),
        .init(
            path: "org-a/generator-policy.json", name: .refuseOtherKeysInRepository,
            consequence: .guardIsDown(saying: "generator can store under keys that are not the partner's"), variant: .storingInParts
        ),
        .init(
            path: "org-a/generator-policy.json", name: .reopenOwnParts,
            consequence: .nothingArrives(step: "store", saying: "uploads in parts need kms:Decrypt"), variant: .storingInParts),
        .init(
            path: "org-b/key-policy.json", name: .generatorReopensParts,
            consequence: .nothingArrives(step: "store", saying: "uploads in parts need kms:Decrypt"), variant: .storingInParts),
        .init(
            path: "org-a/publisher-policy.json", name: .joinSegments, consequence: .noted(step: "segments"),
            variant: .joiningSegments),
        .init(
            path: "org-b/inbox-bucket-policy.json", name: .publisherJoinsSegments, consequence: .noted(step: "segments"),
            variant: .joiningSegments),
        .init(
            path: "org-a/publisher-policy.json", name: .reopenJoinedParts,
            consequence: .nothingArrives(step: "segments", saying: "uploads in parts need kms:Decrypt"), variant: .joiningSegments),
        .init(
            path: "org-b/key-policy.json", name: .publisherReopensJoinedParts,
            consequence: .nothingArrives(step: "segments", saying: "uploads in parts need kms:Decrypt"), variant: .joiningSegments),
        .init(
            path: "org-a/publisher-policy.json", name: .receiveEvents, consequence: .publisherSays("sqs:receivemessage"),
            variant: .byEvents),
        .init(
            path: "org-a/publisher-policy.json", name: .findWhatNoEventTold, consequence: .publisherSays("s3:ListBucket"),
            variant: .byEvents),
        .init(
            path: "org-a/publisher-policy.json", name: .leaveReceipts, consequence: .publisherSays("s3:PutObject"),
            variant: .byEvents),
        .init(
            path: "org-a/generator-policy.json", name: .readReceipts, consequence: .receiptsUnread, variant: .takingReceiptsIn),
        .init(
            path: "org-a/queue-policy.json", name: .repositoryMayNotify, consequence: .notifiesNobody, variant: .byEvents),
    ]
}

@Suite("a kit's policies, applied in a sandbox")
struct StatementMatrixTests {
    @Test("suffice: files arrive, doctor finds nothing wrong, and what must be refused is refused", arguments: KitVariant.allCases)
    func suffices(_ variant: KitVariant) async throws {
        let house = try KitHouse(variant.kit())
        let destination = try house.destination { variant.adapt(&$0) }
        _ = try await house.deliver(destination, size: variant.fileSize)
        #expect(house.delivered() == ["from-orga/reports/north.csv"])
        let findings = await destination.check()
        let remarks: Set<String> =
            variant == .joiningSegments ? ["attestation", "bucket", "read back"] : ["attestation", "bucket"]
        #expect(findings.allSatisfy { $0.severity == .good || remarks.contains($0.step) }, "\(findings.story)")
        #expect(findings.count { $0.proof == .refused } == variant.refusals, "\(findings.story)")
        #expect(!findings.contains { $0.proof == .excessive || $0.proof == .unproven })
        let place = try house.place("acme-inbox")
        _ = try await house.reader().headObject(in: place, key: "from-orga/reports/north.csv", wantsChecksum: true)
    }

    @Test("are each needed: the table names every one that any kit holds")
    func isComplete() throws {
        let kept = Set(MissingStatement.all.map { "\($0.variant.rawValue): \($0.path) \($0.name.rawValue)" })
        #expect(kept.count == MissingStatement.all.count, "each once")
        var held: Set<String> = []
        for variant in KitVariant.allCases {
            for document in try variant.kit().documents {
                for statement in document.policy.statements {
                    let (own, usual) = (variant.rawValue, KitVariant.usual.rawValue)
                    let names = [own, usual].map { "\($0): \(document.path) \(statement.name.rawValue)" }
                    #expect(names.contains(where: kept.contains), "\(names[0])")
                    held.formUnion(names)
                }
            }
        }
        #expect(kept.isSubset(of: held), "\(kept.subtracting(held))")
        #expect(Set(MissingStatement.all.map(\.name)) == Set(StatementName.allCases))
    }

    @Test("are each needed: without one, something breaks, and is explained", arguments: MissingStatement.all)
    func isNeeded(_ missing: MissingStatement) async throws {
        let kit = try missing.variant.kit()
        if case .notifiesNobody = missing.consequence {
            let problem = #expect(throws: ScenarioProblem.self) { try KitHouse(kit, without: (missing.path, missing.name)) }
            #expect(problem?.what.contains("does not let s3.amazonaws.com do sqs:SendMessage") == true)
            return
        }
        let house = try KitHouse(kit, without: (missing.path, missing.name)) { scenario in
            if missing.carelessly { try scenario.give("generator", "s3:GetObject*") }
            try scenario.addLister()
        }
        let destination = try house.destination { missing.variant.adapt(&$0) }
        let size = missing.variant.fileSize
        switch missing.consequence {
        case .nothingArrives(let step, let words):
            let failure = await #expect(throws: DeliveryFailure.self) { try await house.deliver(destination, size: size) }
            #expect(failure?.remedy == .hold, "\(String(describing: failure))")
            #expect(house.delivered().isEmpty)
            let findings = await destination.check()
            let first = try #require(findings.firstFailure, "\(findings.story)")
            #expect(first.step == step, "\(findings.story)")
            #expect("\(first.text)\n\(first.hint ?? "")".contains(words), "\(first.text)\n\(first.hint ?? "")")
            expectFix(first, missing)
        case .noted(let step):
            try await expectArrival(house, destination, size)
            let findings = await destination.check()
            #expect(findings.firstFailure == nil, "\(findings.story)")
            let note = try #require(findings.first { $0.step == step && $0.severity == .note }, "\(findings.story)")
            expectFix(note, missing)
        case .guardIsDown(let words):
            if missing.carelessly {
                let guarded = try KitHouse(kit) { scenario in try scenario.give("generator", "s3:GetObject*") }
                let findings = try await guarded.destination().check()
                #expect(findings.firstFailure == nil, "the guard holds: \(findings.story)")
            }
            try await expectArrival(house, destination, size)
            let findings = await destination.check()
            let found = try #require(findings.finding(in: "refusals", saying: words), "\(findings.story)")
            #expect(found.proof == .excessive)
            #expect(found.severity == (missing.path.hasPrefix("org-a") ? .failure : .warning))
            expectFix(found, missing)
        case .partnerCannotRead:
            try await expectArrival(house, destination, size)
            let place = try house.place("acme-inbox")
            let refusal = await #expect(throws: AWSFailure.self) {
                try await house.reader().headObject(in: place, key: "from-orga/reports/north.csv", wantsChecksum: true)
            }
            #expect(refusal?.status == 403)
        case .plainHTTP(let bucket):
            try await expectArrival(house, destination, size)
            #expect(try await house.status(ofPlainListingOf: bucket) == 200)
            let guarded = try KitHouse(kit) { scenario in try scenario.addLister() }
            #expect(try await guarded.status(ofPlainListingOf: bucket) == 403, "with the statement it is refused")
        case .publisherSays(let words):
            let whole = try await KitHouse(kit).publishElsewhere()
            #expect(whole == [], "with the statement nothing is wrong")
            let troubles = try await house.publishElsewhere()
            #expect(troubles.contains { $0.contains(words) }, "\(troubles)")
        case .receiptsUnread:
            let findings = try await house.storing(neighbours: [], reader: "generator").check()
            let failure = try #require(findings.firstFailure, "\(findings.story)")
            #expect(failure.step == "receipts", "\(findings.story)")
            expectFix(failure, missing)
        case .notifiesNobody: break
        }
    }

    @Test("a generator that could decrypt is not attested")
    func seesDecrypt() async throws {
        let house = try KitHouse(KitHouse.kit()) { scenario in try scenario.giveGeneratorDecrypt() }
        let findings = try await house.destination().check()
        let found = try #require(findings.finding(in: "refusals", saying: "can decrypt under"), "\(findings.story)")
        #expect(found.proof == .unproven)
        #expect(found.hint?.contains("kms:Decrypt") == true)
    }

    private func expectArrival(_ house: KitHouse, _ destination: S3SecureInbox, _ size: Int) async throws {
        _ = try await house.deliver(destination, size: size)
        #expect(house.delivered() == ["from-orga/reports/north.csv"])
    }

    /// The statement stands there word for word, with the place, and the organisation whose place it is.
    private func expectFix(_ finding: Finding, _ missing: MissingStatement) {
        let whose =
            missing.path.hasPrefix("org-a") ? "your own organisation (account 111111111111)" : "the partner (account 222222222222)"
        #expect(
            finding.fixes.contains { $0.by == whose && $0.addition.contains("\"Sid\": \"\(missing.name.rawValue)\"") },
            "\(finding.text): \(finding.fixes)")
    }
}

extension SandboxScenario {
    /// What a generous colleague might attach to a role one day.
    mutating func give(_ role: String, _ actions: String..., on resource: String = "arn:aws:s3:::*") throws {
        for action in actions {
            let policies = try Self.account(
                #""roles": [ { "name": "r", "trust": { "Statement": [] }, "policies": [ \#(Self.allowing(action, on: resource)) ] } ]"#
            ).roles[0].policies
            for index in accounts[0].roles.indices where accounts[0].roles[index].name == role {
                accounts[0].roles[index].policies += policies
            }
        }
    }

    /// On both sides, as it takes.
    ///
    /// - Parameter service: Through which alone it may be used.
    mutating func giveGeneratorDecrypt(through service: String? = nil) throws {
        try give("generator", "kms:Decrypt", on: "*")
        let conditions = [service].compactMap { service in
            service.flatMap { PolicyCondition(operatorName: "StringEquals", key: "kms:ViaService", values: [$0]) }
        }
        let grant = PolicyStatement(
            sid: "Generous", effect: .allow, principals: .everybody, actions: ["kms:Decrypt"], conditions: conditions)
        let statements = accounts[1].keys[0].policy.document.statements
        accounts[1].keys[0].policy = PolicySource(PolicyDocument(statements: statements + [grant]))
    }

    /// Removes what NeverRead guards against.
    mutating func dropNeverRead() {
        for index in accounts[0].roles.indices where accounts[0].roles[index].name == "generator" {
            accounts[0].roles[index].policies = accounts[0].roles[index].policies.map { source in
                PolicySource(PolicyDocument(statements: source.document.statements.filter { $0.sid != "NeverRead" }))
            }
        }
    }

    /// Somebody of org A who may list.
    fileprivate mutating func addLister() throws {
        accounts[0].users += try Self.account(
            #""users": [ { "name": "lister", "profile": "lister-a", "policies": [ \#(Self.allowing("s3:ListBucket")) ] } ]"#
        ).users
    }

    private static func account(_ content: String) throws -> AccountSettings {
        let json = #"{ "accounts": [ { "id": "111111111111", \#(content) } ] }"#
        return try SandboxScenario(json: Array(json.utf8)).accounts[0]
    }

    private static func allowing(_ action: String, on resource: String = "arn:aws:s3:::*") -> String {
        #"{ "Version": "2012-10-17", "Statement": { "Effect": "Allow", "Action": "\#(action)", "Resource": "\#(resource)" } }"#
    }
}

extension KitHouse {
    /// What an HTTP request without TLS is answered, asked by somebody who may list the bucket.
    fileprivate func status(ofPlainListingOf bucket: String) async throws -> Int {
        let place = try place(bucket, endpoint: "http://127.0.0.1")
        let profile = bucket == "acme-inbox" ? "reader-b" : "lister-a"
        let s3 = S3(credentials: CredentialsFile(path: folder.path("sandbox/credentials"), section: profile), link: link())
        do throws(AWSFailure) {
            _ = try await s3.headBucket(place)
            return 200
        } catch {
            return error.status ?? 0
        }
    }
}

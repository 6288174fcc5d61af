import PouchCrypto
import PouchKit
import PouchSandbox
import PouchTestSupport
import S3SecureInbox
import Testing

/// What every destination promises, kept between two organisations that refuse what AWS refuses.
///
/// One after the other: the faults of one promise are nobody else's.
@Suite(.serialized, .sharedSandboxes)
struct S3SecureInboxConformanceTests {
    @Test("an S3 secure inbox keeps every promise of a destination", arguments: DestinationRequirement.all)
    func keepsPromise(_ requirement: DestinationRequirement) async throws {
        let sandboxes = try #require(SharedSandboxes.running)
        // Org B's policy lets nobody write over what lies there; `when-taken: replace` is for a partner who allows it.
        let isAboutReplacing = ["taken-replace", "again-where-replace", "stopped-where-replace"].contains(requirement.id)
        let harness = InboxHarness(isAboutReplacing ? sandboxes.permissive : sandboxes.strict)
        if requirement.needs != .fullDisk {
            #expect(requirement.applies(to: harness), "the sandbox can make that go wrong")
        }
        try await requirement.verify(harness)
    }
}

/// Org B's inbox as org B sees it, below a prefix of one promise's own.
private struct InboxHarness: DestinationHarness {
    private let world: TwoOrganisations
    private let name = DeliveryID.random().description

    init(_ world: TwoOrganisations) { self.world = world }

    private var inboxPrefix: String { "from-orga/\(name)/" }
    private var repositoryPrefix: String { "acme/\(name)/" }

    func destination(whenTaken: WhenTaken) async throws -> any Destination {
        try world.destination { settings in
            settings.whenTaken = whenTaken
            settings.repository.prefix = repositoryPrefix
            settings.inbox?.prefix = inboxPrefix
        }
    }

    func visible() async throws -> [DeliveryKey: SeenObject] {
        var seen: [DeliveryKey: SeenObject] = [:]
        // Versions of one key come one after the other, the latest first.
        for object in world.store.everything() where object.bucket == "acme-inbox" && object.key.text.hasPrefix(inboxPrefix) {
            // What a check leaves, it names, and no delivery lies there.
            if object.key.text.hasPrefix(inboxPrefix + ".pouch-probe/") { continue }
            let key = try DeliveryKey(String(object.key.text.utf8.dropFirst(inboxPrefix.utf8.count)) ?? "")
            guard seen[key] == nil, !object.isDeleteMarker else { continue }
            try #require(object.attributes.encryption.keyARN == TwoOrganisations.key, "under another key: \(key)")
            let digest = try await world.store.lend(object.body) {
                try await world.store.checksum(of: object.body, by: .sha256)
            }
            let sha256 = try #require(SHA256Digest(bytes: digest))
            seen[key] = SeenObject(sha256: sha256, size: object.size)
        }
        return seen
    }

    func key(of receipt: Receipt) throws -> DeliveryKey {
        try #require(receipt.key.utf8.starts(with: inboxPrefix.utf8))
        return try DeliveryKey(String(receipt.key.utf8.dropFirst(inboxPrefix.utf8.count)) ?? "")
    }

    func occupy(_ key: DeliveryKey, with bytes: [UInt8]) async throws {
        try await world.occupy(inboxPrefix + key.description, with: bytes)
    }

    /// What lies in the repository is kept on purpose; uploads that nobody ended are not, but for those that a check names.
    func leftovers() async throws -> [String] {
        ["acme-inbox", "orga-repository"].flatMap { bucket in
            world.store.uploads(in: bucket).filter { !$0.key.text.contains(".pouch-probe/") }.map(\.id)
        }
    }

    let faults: Set<DestinationFault> = [.lostReplyAfterEffect, .refusePermission, .slow, .cut]

    func inject(_ fault: DestinationFault) async throws {
        switch fault {
        case .lostReplyAfterEffect: try await copies(#"{"kind":"reset","afterEffect":true}"#)
        case .refusePermission: try await copies(#"{"kind":"error","code":"AccessDenied","status":403}"#, times: 0)
        case .slow:
            try await uploads(#"{"kind":"stall","seconds":2}"#, times: 0)
            try await copies(#"{"kind":"stall","seconds":2}"#, times: 0)
        case .cut: try await uploads(#"{"kind":"reset"}"#)
        case .fullDisk: break
        }
    }

    func heal() async throws { try await world.removeFaults() }

    func hostileNames() throws -> [String] { try Vectors.naughtyStrings() }

    /// Org B's key does not seal any more.
    func breakTarget() async throws { try await uploads(#"{"kind":"key-disabled"}"#, times: 0) }

    private func copies(_ deed: String, times: Int = 1) async throws { try await add(deed, "CopyObject", inboxPrefix, times) }

    private func uploads(_ deed: String, times: Int = 1) async throws { try await add(deed, "PutObject", repositoryPrefix, times) }

    private func add(_ deed: String, _ action: String, _ prefix: String, _ times: Int) async throws {
        try await world.add(#"{"match":{"action":"\#(action)","keyPrefix":"\#(prefix)","times":\#(times)},"do":\#(deed)}"#)
    }
}

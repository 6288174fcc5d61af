import PouchFiles
import PouchKit
import PouchTestSupport
import SFTPDestination
import Testing

/// What every destination promises, kept at a real sshd.
@Suite(.sshd)
struct SFTPConformanceTests {
    @Test("an SFTP server keeps every promise of a destination", arguments: DestinationRequirement.all)
    func keepsPromise(_ requirement: DestinationRequirement) async throws {
        let harness = try SFTPHarness(try #require(RunningServer.running))
        if requirement.needs != .fullDisk {
            #expect(requirement.applies(to: harness), "the relay can make that go wrong")
        }
        try await requirement.verify(harness)
    }
}

/// A partner's inbox as the partner sees it.
private final class SFTPHarness: DestinationHarness {
    private let partner: PartnerFolder

    init(_ server: SSHServer) throws { partner = try PartnerFolder(server) }

    func destination(whenTaken: WhenTaken) async throws -> any Destination {
        try partner.destination { $0.whenTaken = whenTaken }
    }

    func visible() async throws -> [DeliveryKey: SeenObject] {
        var seen: [DeliveryKey: SeenObject] = [:]
        for path in try files() where !PartnerFolder.isTemporary(path) {
            seen[try DeliveryKey(path)] = SeenObject(try partner.folder.read("inbox/" + path))
        }
        return seen
    }

    func key(of receipt: Receipt) throws -> DeliveryKey { try DeliveryKey(receipt.key) }

    func occupy(_ key: DeliveryKey, with bytes: [UInt8]) async throws { try partner.folder.write(bytes, to: "inbox/\(key)") }

    func leftovers() async throws -> [String] { try files().filter(PartnerFolder.isTemporary) }

    var faults: Set<DestinationFault> {
        TemporaryFolder.mayMount ? Set(DestinationFault.allCases) : Set(DestinationFault.allCases).subtracting([.fullDisk])
    }

    func inject(_ fault: DestinationFault) async throws {
        let (partner, relay) = (partner, partner.relay)
        switch fault {
        case .fullDisk: try partner.folder.mountSmall(on: "inbox")
        case .slow: relay.change { $0.milliseconds = 150 }
        case .cut: relay.change { $0.cutAfter = 2 << 20 }
        case .refusePermission:
            let readOnly = try SSHServer(isReadOnly: true, identity: partner.server)
            readOnlyServers.append(readOnly)
            relay.change { $0.target = readOnly.port }
            relay.cutAll()
        case .lostReplyAfterEffect:
            // What the server says once the file has its final name does not arrive.
            relay.change { behaviour in
                behaviour.cutsAnswer = { (try? partner.names().contains { !PartnerFolder.isTemporary($0) }) == true }
            }
        }
    }

    private let readOnlyServers = Servers()

    func heal() async throws {
        partner.folder.unmount("inbox")
        partner.relay.change { $0 = Relay.Behaviour(target: self.partner.server.port) }
        partner.relay.cutAll()
    }

    func hostileNames() throws -> [String] { try Vectors.naughtyStrings() }

    /// A file where the folder must be.
    func breakTarget() async throws {
        try partner.folder.handle().removeFolder(Array("inbox".utf8))
        try partner.folder.write("in the way", to: "inbox")
    }

    private func files() throws -> [String] {
        try partner.folder.files(in: "inbox").map { try #require(String(validating: $0, as: UTF8.self)) }
    }
}

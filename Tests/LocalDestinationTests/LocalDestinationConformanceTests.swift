import LocalDestination
import PouchFiles
import PouchKit
import PouchTestSupport
import Testing

/// What every destination promises, kept in a folder of this machine.
struct LocalDestinationConformanceTests {
    @Test("a folder keeps every promise of a destination", arguments: DestinationRequirement.all)
    func keepsPromise(_ requirement: DestinationRequirement) async throws {
        try await requirement.verify(FolderHarness())
    }

    @Test("so does one with a sidecar beside each file, and one that is not synced", arguments: DestinationRequirement.all)
    func keepsPromiseWithSidecar(_ requirement: DestinationRequirement) async throws {
        try await requirement.verify(FolderHarness(sidecar: ".sha256"))
        try await requirement.verify(FolderHarness(sidecar: ".done", fsync: false))
    }

    @Test("there are at least 25 promises, each with a name of its own")
    func isComplete() {
        #expect(DestinationRequirement.all.count >= 25)
        #expect(Set(DestinationRequirement.all.map(\.id)).count == DestinationRequirement.all.count)
    }
}

/// A partner's inbox as the partner sees it: whole files under their names. Part files begin with a dot and end in `.part`.
private final class FolderHarness: DestinationHarness {
    private let folder: TemporaryFolder
    private let sidecar: String?
    private let fsync: Bool?

    init(sidecar: String? = nil, fsync: Bool? = nil) throws {
        self.sidecar = sidecar
        self.fsync = fsync
        folder = try TemporaryFolder("local")
        try folder.makeFolder("inbox")
    }

    func destination(whenTaken: WhenTaken) async throws -> any Destination {
        try LocalDestination.make(
            LocalSettings(path: folder.path("inbox"), whenTaken: whenTaken.rawValue, sidecar: sidecar, fsync: fsync),
            relativeTo: folder.path)
    }

    func visible() async throws -> [DeliveryKey: SeenObject] {
        var seen: [DeliveryKey: SeenObject] = [:]
        for path in try folder.files(in: "inbox") where !Self.isPart(path) {
            let text = try #require(String(validating: path, as: UTF8.self))
            if let sidecar, text.hasSuffix(sidecar) { continue }
            seen[try DeliveryKey(text)] = SeenObject(try folder.read("inbox/" + text))
        }
        return seen
    }

    func key(of receipt: Receipt) throws -> DeliveryKey { try DeliveryKey(receipt.key) }

    func occupy(_ key: DeliveryKey, with bytes: [UInt8]) async throws { try folder.write(bytes, to: "inbox/\(key)") }

    func leftovers() async throws -> [String] {
        try folder.files(in: "inbox").filter(Self.isPart).map { VisibleText.escaped($0) }
    }

    let faults: Set<DestinationFault> = TemporaryFolder.mayMount ? [.fullDisk, .refusePermission] : []

    /// A file system of a megabyte, or one that may not be written to, in the place of the folder.
    func inject(_ fault: DestinationFault) async throws {
        try folder.mountSmall(on: "inbox", isReadOnly: fault == .refusePermission)
    }

    func heal() async throws { folder.unmount("inbox") }

    func hostileNames() throws -> [String] { try Vectors.naughtyStrings() }

    /// A file where the folder must be.
    func breakTarget() async throws {
        try folder.handle().removeFolder(Array("inbox".utf8))
        try folder.write("in the way", to: "inbox")
    }

    private static func isPart(_ path: [UInt8]) -> Bool {
        let name = path.split(separator: UInt8(ascii: "/")).last ?? []
        return name.first == UInt8(ascii: ".")
            && (name.suffix(5).elementsEqual(".part".utf8) || name.starts(with: ".pouch-probe".utf8))
    }
}

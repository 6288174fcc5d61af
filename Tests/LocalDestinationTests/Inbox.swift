import Foundation
import LocalDestination
import PouchCrypto
import PouchFiles
import PouchKit
import PouchTestSupport
import Synchronization

/// A file to send and a folder to deliver to, of one test, gone with it.
final class Inbox: Sendable {
    private let temporary: TemporaryFolder
    let base: String
    let path: String

    init() throws {
        temporary = try TemporaryFolder("local")
        base = temporary.path
        path = base + "/inbox"
        _ = try DirectoryHandle.create(path)
    }

    func destination(
        whenTaken: String? = nil, mode: String? = nil, owner: String? = nil, createFolders: Bool? = nil, path: String? = nil,
        mount: String? = nil, sidecar: String? = nil, fsync: Bool? = nil
    ) throws -> LocalDestination {
        try LocalDestination.make(
            LocalSettings(
                path: path ?? self.path, whenTaken: whenTaken, mode: mode, owner: owner, createFolders: createFolders, mount: mount,
                sidecar: sidecar, fsync: fsync),
            relativeTo: base)
    }

    /// All that lies in the inbox, part files included.
    func names() -> [String] {
        let all = FileManager.default.enumerator(atPath: path)?.compactMap { $0 as? String } ?? []
        return all.filter { !isFolder($0) }.sorted()
    }

    func text(_ name: String) -> String? {
        FileManager.default.contents(atPath: path + "/" + name).map { String(decoding: $0, as: UTF8.self) }
    }

    func put(_ name: String, _ text: String) throws {
        let target = path + "/" + name
        try FileManager.default.createDirectory(
            atPath: (target as NSString).deletingLastPathComponent, withIntermediateDirectories: true)
        try text.write(toFile: target, atomically: false, encoding: .utf8)
    }

    private func isFolder(_ name: String) -> Bool {
        (try? FileManager.default.attributesOfItem(atPath: path + "/" + name)[.type] as? FileAttributeType) == .typeDirectory
    }
}

/// A source file, as the agent would lend it, and what its delivery saves.
final class Consignor: Sendable {
    let delivery: DeliveryID
    let path: String
    private let source: SharedFile
    private let size: Int64
    private let digests: FileDigests
    private let claimed: FileIdentity
    private let checkpoints = Mutex<[Checkpoint]>([])
    private let onSave = Mutex<(@Sendable (Checkpoint) throws(DeliveryFailure) -> Void)?>(nil)

    /// - Parameter lyingSize: What the file is said to have.
    init(_ inbox: Inbox, _ text: String = "contents", lyingSize: Int64? = nil, delivery: DeliveryID = .random()) throws {
        self.delivery = delivery
        path = inbox.base + "/source-\(delivery)"
        try text.write(toFile: path, atomically: false, encoding: .utf8)
        source = try OpenFile.open(path).shared()
        claimed = try source.status().identity
        size = lyingSize ?? claimed.size
        digests = try FileHasher.digests(ofFile: source.descriptor, size: claimed.size)
    }

    var saved: [Checkpoint] { checkpoints.withLock { $0 } }

    /// Runs at each save, after the checkpoint was noted; what it throws is what the journal would throw.
    func whenSaving(_ action: @escaping @Sendable (Checkpoint) throws(DeliveryFailure) -> Void) {
        onSave.withLock { $0 = action }
    }

    func send(
        to destination: LocalDestination, as key: String = "file.csv", from checkpoint: Checkpoint? = nil, attempt: Int = 1,
        limits: TransferBudget.Limits = TransferBudget.Limits()
    ) async throws -> Receipt {
        let context = DeliveryContext(
            delivery: delivery, partner: try PartnerName("acme"), route: try RouteName("all"), agent: "edge",
            key: try DeliveryKey(key), attempt: attempt, budget: TransferBudget(limits),
            saving: { checkpoint async throws(DeliveryFailure) in
                self.checkpoints.withLock { $0.append(checkpoint) }
                let action = self.onSave.withLock { $0 }
                try action?(checkpoint)
            },
            durable: {}, progress: { _ in })
        guard case .delivered(let receipt) = try await destination.deliver(file(), from: checkpoint, in: context) else {
            throw DeliveryFailure(.quarantine, code: "test", attempt: "deliver", cause: "handed over")
        }
        return receipt
    }

    /// The failure that sending ends with; `nil` when it is delivered.
    func failure(
        to destination: LocalDestination, as key: String = "file.csv", from checkpoint: Checkpoint? = nil, attempt: Int = 1,
        limits: TransferBudget.Limits = TransferBudget.Limits()
    ) async throws -> DeliveryFailure? {
        do {
            _ = try await send(to: destination, as: key, from: checkpoint, attempt: attempt, limits: limits)
            return nil
        } catch let failure as DeliveryFailure {
            return failure
        }
    }

    func change(to text: String) throws { try text.write(toFile: path, atomically: false, encoding: .utf8) }

    private func file() throws -> OutgoingFile {
        let (digests, claimed, source) = (digests, claimed, source)
        return OutgoingFile(
            path: try DropPath("in/file.csv"), size: size, modified: Timestamp(nanoseconds: claimed.modified),
            descriptor: source.descriptor,
            digests: { () async throws(DeliveryFailure) in digests },
            verifyUnchanged: { () throws(DeliveryFailure) in
                guard (try? source.status().identity) == claimed else {
                    throw DeliveryFailure(.sourceChanged, code: "source-changed", attempt: "look", cause: "changed")
                }
            })
    }
}

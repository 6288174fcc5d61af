import Foundation
import PouchAgent
import PouchFiles
import PouchKit
import PouchTestSupport
import Synchronization

/// A drop folder and a state folder of one test, gone with it.
final class ClaimGround: Sendable {
    let base: String
    let drop: String
    let state: String
    let claims: ClaimRoots
    private let temporary: TemporaryFolder
    private let noticed: NoticeLog

    /// - Parameter dropParent: Where the drop folder lies; the state lies in the temporary folder.
    init(dropParent: String? = nil) throws {
        temporary = try TemporaryFolder("claims")
        base = temporary.path
        drop = (dropParent.map { $0 + "/pouch-claims-\(UUID().uuidString)" } ?? base) + "/drop"
        state = base + "/state"
        _ = try DirectoryHandle.create(drop)
        _ = try DirectoryHandle.create(state)
        let log = NoticeLog()
        noticed = log
        claims = ClaimRoots(folder: drop, state: state) { notice in log.note(notice) }
    }

    /// A drop folder on another mount than the state; `nil` on a machine that has no second one.
    static func acrossMounts() throws -> ClaimGround? {
        let here = try DirectoryHandle.open(NSTemporaryDirectory()).status().identity.device
        guard let there = try? DirectoryHandle.open("/dev/shm").status().identity.device, here != there else {
            print("there is no second mount at /dev/shm: not tested")
            return nil
        }
        return try ClaimGround(dropParent: "/dev/shm")
    }

    deinit {
        if !drop.hasPrefix(base) { try? FileManager.default.removeItem(atPath: (drop as NSString).deletingLastPathComponent) }
    }

    var notices: [ClaimNotice] { noticed.all }

    /// The claims that an agent would make after a restart.
    func afterRestart() -> ClaimRoots { ClaimRoots(folder: drop, state: state) { _ in } }

    func put(_ path: String, _ text: String = "contents") throws -> (DropPath, FileIdentity) {
        let drop = try DropPath(path)
        let folder = try DirectoryHandle.open(self.drop)
        let parent = try folder.createFolders(drop.parent?.bytes ?? [])
        let file = try parent.createFile(drop.name)
        try file.write(Array(text.utf8))
        return (drop, try file.status().identity)
    }

    func claimed(_ path: String, _ text: String = "contents") throws -> Claim {
        let (drop, identity) = try put(path, text)
        return try claims.claim(drop, expected: identity)
    }

    func text(at path: String) -> String? {
        FileManager.default.contents(atPath: path).map { String(decoding: $0, as: UTF8.self) }
    }

    /// All files below a folder, relative to it.
    func files(in folder: String) -> [String] {
        guard let walker = FileManager.default.enumerator(atPath: folder) else { return [] }
        return walker.compactMap { $0 as? String }.filter { path in
            (try? FileManager.default.attributesOfItem(atPath: folder + "/" + path)[.type] as? FileAttributeType) != .typeDirectory
        }.sorted()
    }

    func entries(in folder: String) -> [String] { ((try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? []).sorted() }

    func survey(_ claims: ClaimRoots) throws -> [FoundClaim] {
        let survey = try claims.orphans()
        var all: [FoundClaim] = []
        while case let found = try survey.next(upTo: 3), !found.isEmpty { all += found }
        return all
    }
}

private final class NoticeLog: Sendable {
    private let notices = Mutex<[ClaimNotice]>([])

    var all: [ClaimNotice] { notices.withLock { $0 } }

    func note(_ notice: ClaimNotice) { notices.withLock { $0.append(notice) } }
}

import Glibc
import Logging
import PouchFiles
import PouchKit
import PouchWatch

/// A drop folder beside a folder for claims, removed with all that is in it at the end.
final class Scratch: Sendable {
    struct Problem: Error {
        let operation: String
        let code: Int32
    }

    let base: String
    var drop: String { base + "/drop" }
    var claims: String { base + "/claims" }

    init() throws {
        var template = Array("/tmp/pouch-watch-XXXXXX".utf8CString)
        guard mkdtemp(&template) != nil else { throw Problem(operation: "mkdtemp", code: errno) }
        base = String(decoding: template.dropLast().map(UInt8.init(bitPattern:)), as: UTF8.self)
        try makeFolder("drop")
        try makeFolder("claims")
    }

    deinit {
        Self.empty(base)
        rmdir(base)
    }

    /// Runs the watcher for as long as the body runs; the body begins after the first sweep.
    func watching(
        recursive: Bool = true,
        ready: Readiness = .closed,
        ignore: IgnorePatterns = IgnorePatterns(),
        sweepEvery: Duration = .seconds(86_400),
        capacities: WatchCapacities = WatchCapacities(),
        keeps: Bool = false,
        refusals: Int = 0,
        clock: any AgentClock = SystemClock(),
        _ body: (ClaimingReceiver, DropWatcher) async throws -> Void
    ) async throws {
        let receiver = ClaimingReceiver(drop: drop, claims: claims, keeps: keeps, refusals: refusals)
        let folder = WatchedFolder(path: drop, recursive: recursive, ready: ready, ignore: ignore, sweepEvery: sweepEvery)
        let watcher = DropWatcher(
            folders: [folder], clock: clock, receiver: receiver, logger: Logger(label: "watch"), capacities: capacities)
        try await withThrowingTaskGroup { group in
            group.addTask { try await watcher.run() }
            await receiver.until { !$0.sweeps.isEmpty || !$0.notices.isEmpty }
            try await body(receiver, watcher)
            group.cancelAll()
        }
    }

    func makeFolder(_ relative: String) throws { try check(mkdir("\(base)/\(relative)", 0o755), "mkdir \(relative)") }

    /// Makes the folder and those on its way.
    func makeFolders(_ relative: String) throws {
        var path = base
        for part in relative.split(separator: "/") {
            path += "/" + part
            if mkdir(path, 0o755) != 0, errno != EEXIST { throw Problem(operation: "mkdir \(path)", code: errno) }
        }
    }

    /// Creates, writes and closes.
    func write(_ relative: String, _ text: String = "contents") throws {
        try open(relative, writing: text).close()
    }

    /// Leaves the file open.
    func open(_ relative: String, writing text: String = "") throws -> Writer {
        try Writer(Array("\(base)/\(relative)".utf8), text)
    }

    func write(bytes relative: [UInt8]) throws { try Writer(Array("\(drop)/".utf8) + relative, "contents").close() }

    func rename(_ from: String, _ to: String) throws {
        try check(Glibc.rename("\(base)/\(from)", "\(base)/\(to)"), "rename \(from)")
    }

    func removeTree(_ relative: String) {
        Self.empty("\(base)/\(relative)")
        rmdir("\(base)/\(relative)")
    }

    func emptyDrop() { Self.empty(drop) }

    func check(_ answer: Int32, _ operation: String) throws {
        guard answer == 0 else { throw Problem(operation: operation, code: errno) }
    }

    static func remove(_ path: String) { unlink(path) }

    private static func empty(_ path: String) {
        guard let folder = try? DirectoryHandle.open(path) else { return }
        empty(folder)
    }

    private static func empty(_ folder: DirectoryHandle) {
        guard var entries = try? folder.entries() else { return }
        while let entry = try? entries.next() {
            if entry.kind == .directory {
                if let inner = try? folder.openFolder(entry.name) { empty(inner) }
                try? folder.removeFolder(entry.name)
            } else {
                try? folder.remove(entry.name)
            }
        }
    }
}

/// A file that somebody writes.
struct Writer: ~Copyable {
    let descriptor: Int32

    init(_ path: [UInt8], _ text: String) throws {
        descriptor = (path + [0]).withUnsafeBytes { path in
            Glibc.open(path.assumingMemoryBound(to: CChar.self).baseAddress!, O_RDWR | O_CREAT | O_CLOEXEC, 0o644)
        }
        guard descriptor >= 0 else { throw Scratch.Problem(operation: "open", code: errno) }
        try write(text)
    }

    func write(_ text: String) throws {
        guard Glibc.write(descriptor, text, text.utf8.count) == text.utf8.count else {
            throw Scratch.Problem(operation: "write", code: errno)
        }
    }

    consuming func close() { Glibc.close(descriptor) }
}

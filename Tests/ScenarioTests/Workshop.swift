import Foundation
import PouchCrypto
import PouchKit
import Synchronization

/// A place with a drop folder, a partner's inbox and an agent.yaml, and the feeder's own ledger of what was dropped.
///
/// The judge compares the ledger with what lies in the inbox. It never asks the agent.
final class Workshop: Sendable {
    let folder: URL
    let drop: URL
    let inbox: URL
    /// Names by the SHA-256 of what was dropped under them.
    private let ledger = Mutex<[String: String]>([:])

    /// - Parameters:
    ///   - watch: what is said of the drop folder besides its path.
    ///   - rest: further sections of agent.yaml.
    init(
        watch: String = "then: delete",
        partners: String = "desk: { deliver: { with: local, path: ./inbox }, limits: { at-once: 8 } }",
        routes: String = #"{ name: all, when: { path: "**" }, to: [desk], as: "{path}" }"#,
        rest: String = ""
    ) throws {
        folder = FileManager.default.temporaryDirectory.appendingPathComponent("pouch-scenario-\(UUID().uuidString)")
        drop = folder.appendingPathComponent("drop")
        inbox = folder.appendingPathComponent("inbox")
        for place in [folder, drop, inbox] { try FileManager.default.createDirectory(at: place, withIntermediateDirectories: true) }
        try configure(watch: watch, partners: partners, routes: routes, rest: rest)
    }

    deinit { try? FileManager.default.removeItem(at: folder) }

    func configure(
        watch: String = "then: delete",
        partners: String = "desk: { deliver: { with: local, path: ./inbox }, limits: { at-once: 8 } }",
        routes: String = #"{ name: all, when: { path: "**" }, to: [desk], as: "{path}" }"#,
        rest: String = ""
    ) throws {
        try write(
            configuration: """
                agent: { name: scenario, state: ./state }
                partners:
                  \(partners.split(separator: "\n").joined(separator: "\n  "))
                folders:
                  - { watch: ./drop, \(watch) }
                routes:
                  - \(routes.split(separator: "\n").joined(separator: "\n  - "))
                \(rest)
                """)
    }

    func write(configuration: String) throws {
        let path = folder.appendingPathComponent("agent.yaml")
        try Data(configuration.utf8).write(to: path)
        try FileManager.default.setAttributes([.posixPermissions: 0o600], ofItemAtPath: path.path)
    }

    func pouch(crashAt point: CrashPoint? = nil, count: Int = 1) -> PouchProcess {
        var process = PouchProcess(folder: folder)
        if let point { process.environment["POUCH_CRASH_AT"] = "\(point.rawValue):\(count)" }
        return process
    }

    // MARK: The feeder

    /// Bytes that no two places have alike: 1 MiB.
    private static let noise: Data = {
        var generator = SystemRandomNumberGenerator()
        return (0..<131_072).reduce(into: Data(capacity: 1 << 20)) { data, _ in
            withUnsafeBytes(of: generator.next()) { data.append(contentsOf: $0) }
        }
    }()

    /// Drops files with unique bodies: written elsewhere, noted in the ledger, then moved in.
    func feed(_ count: Int, prefix: String = "file", sizes: ClosedRange<Int> = 0...4_096) throws {
        for number in 0..<count {
            var body = Data("\(folder.lastPathComponent)/\(prefix)/\(number)\n".utf8)
            let size = Int.random(in: sizes)
            let start = Int.random(in: 0...(Self.noise.count - size))
            body.append(Self.noise[start..<start + size])
            try put(body, as: "\(prefix)-\(number).bin")
        }
    }

    /// Drops one file, in folders where the name has some.
    func put(_ body: Data, as name: String) throws {
        let staging = folder.path + "/staging-\(UUID().uuidString)"
        try Self.write(body, to: staging)
        ledger.withLock { $0[SHA256Hasher.digest(of: Array(body)).description] = name }
        let target = drop.path + "/" + name
        if name.contains("/") {
            try FileManager.default.createDirectory(
                at: URL(fileURLWithPath: target).deletingLastPathComponent(), withIntermediateDirectories: true)
        }
        guard rename(staging, target) == 0 else { throw CocoaError(.fileWriteUnknown) }
    }

    /// Drops one large file, a MiB of noise again and again with the number of each before it.
    func putLarge(_ size: Int, as name: String) throws {
        let staging = folder.path + "/staging-\(UUID().uuidString)"
        guard FileManager.default.createFile(atPath: staging, contents: nil) else { throw CocoaError(.fileWriteUnknown) }
        let file = try FileHandle(forWritingTo: URL(fileURLWithPath: staging))
        var hasher = SHA256Hasher()
        var written = 0
        while written < size {
            let block = Data((Array("\(written)\n".utf8) + Self.noise).prefix(min(1 << 20, size - written)))
            try file.write(contentsOf: block)
            hasher.update(Array(block))
            written += block.count
        }
        try file.close()
        ledger.withLock { $0[hasher.finish().description] = name }
        guard rename(staging, drop.path + "/" + name) == 0 else { throw CocoaError(.fileWriteUnknown) }
    }

    /// Without the fsync of `Data.write`, which would make a slow feeder.
    private static func write(_ body: Data, to path: String) throws {
        let descriptor = open(path, O_CREAT | O_WRONLY | O_EXCL | O_CLOEXEC, 0o644)
        guard descriptor >= 0 else { throw CocoaError(.fileWriteUnknown) }
        defer { close(descriptor) }
        guard body.withUnsafeBytes({ Foundation.write(descriptor, $0.baseAddress, $0.count) }) == body.count else {
            throw CocoaError(.fileWriteUnknown)
        }
    }

    func put(_ text: String, as name: String) throws { try put(Data(text.utf8), as: name) }

    // MARK: The judge

    struct Found: Sendable {
        let place: String
        let sha256: String
    }

    struct Verdict: Equatable, CustomStringConvertible {
        var lost: [String] = []
        var duplicate: [String] = []
        /// Something in the inbox that nobody dropped: corrupt, or half a file.
        var foreign: [String] = []

        var description: String {
            "lost \(lost.count), duplicate \(duplicate.count), foreign \(foreign.count): \(lost.prefix(3)) \(duplicate.prefix(3)) \(foreign.prefix(3))"
        }
    }

    /// - Parameter isOver: false while more may come: then nothing is lost yet.
    func judge(isOver: Bool = true) throws -> Verdict { judge(try found(), isOver: isOver) }

    func judge(_ found: [Found], isOver: Bool) -> Verdict {
        let ledger = ledger.withLock { $0 }
        var verdict = Verdict()
        var seen: Set<String> = []
        for object in found {
            if ledger[object.sha256] == nil { verdict.foreign.append(object.place) }
            if !seen.insert(object.sha256).inserted { verdict.duplicate.append(object.place) }
        }
        if isOver { verdict.lost = ledger.filter { !seen.contains($0.key) }.map(\.value).sorted() }
        return verdict
    }

    /// What the partner sees in the inbox of this machine. What a delivery is still writing bears a hidden name.
    private func found() throws -> [Found] {
        try Self.files(below: inbox).filter { !($0.split(separator: "/").last ?? "").hasPrefix(".") }.map { name in
            let body = try Data(contentsOf: inbox.appendingPathComponent(name))
            return Found(place: name, sha256: SHA256Hasher.digest(of: Array(body)).description)
        }
    }

    /// The files below a folder of the workshop by their relative paths, sorted; none where there is no folder.
    func files(_ relative: String) -> [String] { Self.files(below: folder.appendingPathComponent(relative)) }

    private static func files(below folder: URL) -> [String] {
        let all = (try? FileManager.default.subpathsOfDirectory(atPath: folder.path)) ?? []
        return all.filter { name in
            var isFolder: ObjCBool = false
            return FileManager.default.fileExists(atPath: folder.path + "/" + name, isDirectory: &isFolder) && !isFolder.boolValue
        }.sorted()
    }

    func text(_ relative: String) throws -> String {
        try String(contentsOf: folder.appendingPathComponent(relative), encoding: .utf8)
    }

    /// What must be gone when everything is delivered: half-written files, open claims, drops.
    func leftovers() -> [String] {
        files("inbox").filter { $0.hasSuffix(".part") } + files("state/claims") + files("drop")
    }

    // MARK: The records

    /// The manifest's lines, as they lie in the file.
    func manifest() throws -> [String] {
        files("state/manifest").filter { $0.hasSuffix(".jsonl") }
            .flatMap { (try? text("state/manifest/" + $0))?.split(separator: "\n").map(String.init) ?? [] }
    }

    func manifestEntries() throws -> [[String: Any]] {
        try manifest().compactMap { try JSONSerialization.jsonObject(with: Data($0.utf8)) as? [String: Any] }
    }

    func manifestDeliveries() throws -> [String] { try manifestEntries().compactMap { $0["delivery"] as? String } }

    /// `status --json`; empty before the first run has made a journal.
    func status() async throws -> [String: Any] {
        let ending = try await pouch().run("status", "--json")
        guard ending.status == 0 else { return [:] }
        return try JSONSerialization.jsonObject(with: Data(ending.output.utf8)) as? [String: Any] ?? [:]
    }

    /// A number of `status --json`, by the names on the way to it.
    func statusCount(_ path: String...) async throws -> Int? {
        var value: Any? = try await status()
        for name in path { value = (value as? [String: Any])?[name] }
        return value as? Int
    }

    /// Runs the agent until the body returns, which begins when the agent answers.
    func serving(_ body: @escaping @Sendable (Running) async throws -> Void) async throws -> PouchProcess.Ending {
        try await pouch().serve("run") { [self] running in
            try await eventually("the agent answers") { try await status()["isRunning"] as? Bool == true }
            try await body(running)
        }
    }

    /// Runs `--once` and demands that everything was delivered.
    func deliverAll() async throws -> PouchProcess.Ending { try await pouch().run("run", "--once", "--log-level", "warning") }
}

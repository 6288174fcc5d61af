import Foundation
import PouchCrypto
import PouchKit

/// A place with a drop folder, a partner's inbox and an agent.yaml, and the feeder's own ledger of what was dropped.
///
/// The judge compares the ledger with what lies in the inbox. It never asks the agent.
final class Workshop {
    let folder: URL
    let drop: URL
    let inbox: URL
    private var ledger: [String: String] = [:]
    private var generator = SystemRandomNumberGenerator()

    init(then: String = "delete", settings: String = "") throws {
        folder = FileManager.default.temporaryDirectory.appendingPathComponent("pouch-scenario-\(UUID().uuidString)")
        drop = folder.appendingPathComponent("drop")
        inbox = folder.appendingPathComponent("inbox")
        for place in [folder, drop, inbox] { try FileManager.default.createDirectory(at: place, withIntermediateDirectories: true) }
        try write(configuration: Self.local(then: then, settings: settings))
    }

    deinit { try? FileManager.default.removeItem(at: folder) }

    static func local(then: String, settings: String = "") -> String {
        """
        agent: { name: scenario, state: ./state }
        partners:
          desk: { deliver: { with: local, path: ./inbox }, limits: { at-once: 8 } }
        folders:
          - { watch: ./drop, then: \(then) }
        routes:
          - { name: all, when: { path: "**" }, to: [desk], as: "{path}" }
        \(settings)
        """
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

    /// Drops files with unique bodies: written elsewhere, noted in the ledger, then moved in.
    func feed(_ count: Int, prefix: String = "file", sizes: ClosedRange<Int> = 0...4_096) throws {
        let staging = folder.appendingPathComponent("staging")
        try FileManager.default.createDirectory(at: staging, withIntermediateDirectories: true)
        for number in 0..<count {
            let name = "\(prefix)-\(number).bin"
            var body = Data("\(prefix)/\(number)/\(UUID().uuidString)\n".utf8)
            body.append(
                contentsOf: (0..<Int.random(in: sizes, using: &generator)).map { UInt8(truncatingIfNeeded: $0 &* 31 &+ number) })
            ledger[SHA256Hasher.digest(of: Array(body)).description] = name
            let place = staging.appendingPathComponent(name)
            try body.write(to: place)
            try FileManager.default.moveItem(at: place, to: drop.appendingPathComponent(name))
        }
    }

    // MARK: The judge

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
    func judge(isOver: Bool = true) throws -> Verdict {
        var verdict = Verdict()
        var seen: Set<String> = []
        let keys: [URLResourceKey] = [.isRegularFileKey]
        let files = FileManager.default.enumerator(at: inbox, includingPropertiesForKeys: keys)
        while let file = files?.nextObject() as? URL {
            guard try file.resourceValues(forKeys: Set(keys)).isRegularFile == true else { continue }
            // What a delivery is still writing bears a hidden name.
            guard !file.lastPathComponent.hasPrefix(".") else { continue }
            let digest = SHA256Hasher.digest(of: Array(try Data(contentsOf: file))).description
            if ledger[digest] == nil { verdict.foreign.append(file.lastPathComponent) }
            if !seen.insert(digest).inserted { verdict.duplicate.append(file.lastPathComponent) }
        }
        if isOver { verdict.lost = ledger.filter { !seen.contains($0.key) }.map(\.value).sorted() }
        return verdict
    }

    /// Half-written files, open claims, lines: what must be gone when everything is delivered.
    func leftovers() throws -> [String] {
        let parts = try FileManager.default.subpathsOfDirectory(atPath: inbox.path).filter { $0.hasSuffix(".part") }
        let claims =
            (try? FileManager.default.subpathsOfDirectory(atPath: folder.appendingPathComponent("state/claims").path)) ?? []
        let drops = try FileManager.default.subpathsOfDirectory(atPath: drop.path).filter { !$0.hasPrefix(".pouch") }
        return parts + claims + drops
    }

    /// The delivery ids of the manifest's lines, as they lie in the file.
    func manifestDeliveries() throws -> [String] {
        let manifest = folder.appendingPathComponent("state/manifest")
        return try FileManager.default.contentsOfDirectory(at: manifest, includingPropertiesForKeys: nil)
            .filter { $0.pathExtension == "jsonl" }
            .flatMap { try String(contentsOf: $0, encoding: .utf8).split(separator: "\n") }
            .compactMap { line in
                let object = try JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: Any]
                return object?["delivery"] as? String
            }
    }

    var ledgerCount: Int { ledger.count }
}

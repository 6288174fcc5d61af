package import PouchConformance
import PouchCrypto
import PouchFiles
package import PouchKit
import Synchronization

/// What the feeder dropped, written down durably before each drop. The judge compares it with what lies at the destination
/// and never asks the agent.
package final class Ledger: Sendable {
    package struct Entry: Hashable, Sendable {
        /// Given by the feeder; it is inside the body, so that no two bodies are the same.
        package let id: String
        package let sha256: SHA256Digest
        package let size: Int64
        /// The bytes of the name under which it was dropped.
        package let name: [UInt8]
    }

    /// What was found at a destination.
    package struct Found: Hashable, Sendable {
        /// Where, for the message.
        package let place: String
        package let sha256: SHA256Digest
        package let size: Int64

        package init(place: String, sha256: SHA256Digest, size: Int64) {
            self.place = place
            self.sha256 = sha256
            self.size = size
        }
    }

    package struct Verdict: Hashable, Sendable, CustomStringConvertible {
        /// Dropped, and neither there nor openly reported.
        package let lost: [Entry]
        /// There more often than once.
        package let duplicated: [Entry]
        /// There, and nothing that was dropped.
        package let foreign: [Found]

        package var isClean: Bool { lost.isEmpty && duplicated.isEmpty && foreign.isEmpty }

        package var description: String {
            "\(lost.count) lost, \(duplicated.count) duplicated, \(foreign.count) corrupt or foreign"
                + (isClean ? "" : ": " + examples.joined(separator: ", "))
        }

        private var examples: [String] {
            lost.prefix(3).map { "lost \(VisibleText.escaped($0.name))" }
                + duplicated.prefix(3).map { "twice \(VisibleText.escaped($0.name))" }
                + foreign.prefix(3).map { "foreign \($0.place)" }
        }
    }

    private let file: SharedFile
    private let noted = Mutex<[Entry]>([])

    /// A new ledger in a file of its own, best on another disk than the agent's.
    package init(in folder: TemporaryFolder, name: String = "ledger") throws {
        file = try folder.handle().createFile(Array(name.utf8)).shared()
    }

    package var entries: [Entry] { noted.withLock { $0 } }

    /// Notes a drop; when it returns, the note is on disk.
    @discardableResult
    package func note(id: String, body: [UInt8], name: [UInt8]) throws -> Entry {
        let entry = Entry(id: id, sha256: SHA256Hasher.digest(of: body), size: Int64(body.count), name: name)
        try noted.withLock { noted in
            try file.file.write(Array("\(entry.id) \(entry.sha256) \(entry.size) \(Hexadecimal.text(of: entry.name))\n".utf8))
            try file.file.sync()
            noted.append(entry)
        }
        return entry
    }

    /// - Parameter reported: ids of entries that the agent openly reports as not delivered, with the file still held.
    package func judge(_ found: [Found], reported: Set<String> = []) -> Verdict {
        let entries = entries
        var counts: [SHA256Digest: Int] = [:]
        for object in found { counts[object.sha256, default: 0] += 1 }
        let known = Dictionary(entries.map { ($0.sha256, $0.size) }) { first, _ in first }
        return Verdict(
            lost: entries.filter { counts[$0.sha256] == nil && !reported.contains($0.id) },
            duplicated: entries.filter { counts[$0.sha256, default: 0] > 1 },
            foreign: found.filter { known[$0.sha256] != $0.size })
    }
}

import Foundation
import PouchJournal
import PouchKit

/// A folder with a journal in it, gone with the last reference.
final class JournalFolder: Sendable {
    let path: String

    init() throws {
        var template = Array((FileManager.default.temporaryDirectory.path + "/pouch-journal-XXXXXX").utf8CString)
        guard mkdtemp(&template) != nil else { throw CocoaError(.fileWriteUnknown) }
        path = String(decoding: template.dropLast().map(UInt8.init(bitPattern:)), as: UTF8.self)
    }

    deinit { try? FileManager.default.removeItem(atPath: path) }

    var database: String { path + "/journal.sqlite" }

    func open(agent: String = "edge-01", options: JournalOptions = JournalOptions()) async throws -> Journal {
        try await Journal.open(at: database, agent: agent, now: Sample.time(0), options: options)
    }

    var names: [String] { get throws { try FileManager.default.contentsOfDirectory(atPath: path).sorted() } }

    /// What a crash would leave now: the files as they are, without anybody closing them.
    func crashImage() throws -> JournalFolder {
        let image = try JournalFolder()
        for suffix in ["", "-wal"] where FileManager.default.fileExists(atPath: database + suffix) {
            try FileManager.default.copyItem(atPath: database + suffix, toPath: image.database + suffix)
        }
        return image
    }

    func overwrite(at offset: UInt64, with bytes: [UInt8]) throws {
        let file = try FileHandle(forUpdating: URL(fileURLWithPath: database))
        defer { try? file.close() }
        try file.seek(toOffset: offset)
        try file.write(contentsOf: Data(bytes))
    }

    var size: Int { get throws { try FileManager.default.attributesOfItem(atPath: database)[.size] as? Int ?? 0 } }
}

import FoundationEssentials
import Glibc
import PouchFiles
import PouchKit

/// The store's history on disk: one JSON line per change.
struct StoreLog: ~Copyable, Sendable {
    private let file: OpenFile

    /// Reads the history and writes it anew without what was undone since, so that it does not grow for ever.
    ///
    /// A last line that was cut by the end of the process is left out: its change was never answered.
    static func open(_ path: String, into index: inout StoreIndex) throws -> StoreLog {
        do {
            try LineReader(try OpenFile.open(path)).forEachLine { line in
                guard let change = try? JSONDecoder().decode(StoreChange.self, from: Data(line)) else { return }
                _ = index.apply(change)
            }
        } catch let problem as FileProblem where problem.isMissing {}
        let fresh = path + ".new"
        let file = try Self.openForAppending(fresh, flags: O_TRUNC)
        var block: [UInt8] = []
        for object in index.everything().reversed() {
            block += try Self.line(.put(object))
            if block.count > 1 << 20 {
                try file.write(block)
                block.removeAll(keepingCapacity: true)
            }
        }
        for upload in index.uploads.values { block += try Self.line(.begin(upload)) }
        try file.write(block)
        guard rename(fresh, path) == 0 else { throw FileProblem(operation: "rename", path: fresh, errno: errno) }
        return StoreLog(file: file)
    }

    func append(_ changes: [StoreChange]) throws {
        try file.write(changes.flatMap { change throws in try Self.line(change) })
    }

    private static func line(_ change: StoreChange) throws -> [UInt8] {
        Array(try JSONEncoder().encode(change)) + [UInt8(ascii: "\n")]
    }

    static func openForAppending(_ path: String, flags: Int32 = 0) throws(FileProblem) -> OpenFile {
        let descriptor = Glibc.open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | flags, 0o600)
        guard descriptor >= 0 else { throw FileProblem(operation: "open", path: path, errno: errno) }
        return OpenFile(adopting: descriptor, path: path)
    }
}

/// The lines of a file, one after the other, without holding it in memory.
struct LineReader: ~Copyable {
    private let file: OpenFile

    init(_ file: consuming OpenFile) { self.file = file }

    /// A last line without its line feed is not given.
    func forEachLine(_ take: ([UInt8]) throws -> Void) throws {
        var block = [UInt8](repeating: 0, count: 1 << 20)
        var rest: [UInt8] = []
        var offset: Int64 = 0
        while true {
            let outcome = block.withUnsafeMutableBytes { buffer in
                Result { () throws(FileProblem) in try file.read(at: offset, into: buffer) }
            }
            let count = try outcome.get()
            guard count > 0 else { return }
            offset += Int64(count)
            var start = 0
            while let end = block[start..<count].firstIndex(of: UInt8(ascii: "\n")) {
                try take(rest + block[start..<end])
                rest.removeAll(keepingCapacity: true)
                start = end + 1
            }
            rest += block[start..<count]
        }
    }
}

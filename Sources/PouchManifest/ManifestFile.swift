import Glibc
import PouchFiles
package import PouchKit

/// The file of the manifest, open for appending. It is an outbox of the journal: the journal keeps each line until `append`
/// returned, so what was not written, or was written and not synced, comes again.
///
/// One process writes at a time (the lock of the state folder sees to that). Everything here blocks.
package struct ManifestFile: ~Copyable {
    package struct Line: Hashable, Sendable {
        package let sequence: Int64
        /// Without the newline.
        package let bytes: [UInt8]

        package init(sequence: Int64, bytes: [UInt8]) {
            self.sequence = sequence
            self.bytes = bytes
        }
    }

    /// What a crash left at the end and was cut off. It was never confirmed, so the journal has those lines still.
    package struct Repair: Hashable, Sendable {
        /// Where the bytes are kept.
        package let keptAt: String
        package let byteCount: Int64
    }

    package static let name = "manifest.jsonl"
    package static func path(in folder: String) -> String { folder + "/" + name }

    /// Of the last line; 0 in an empty manifest.
    package private(set) var lastSequence: Int64 = 0
    /// Of the last line; `ManifestEntry.origin` in an empty manifest.
    package private(set) var lastDigest = ManifestEntry.origin
    package private(set) var repairs: [Repair] = []

    private let folder: DirectoryHandle
    private let file: OpenFile
    private var size: Int64

    /// Opens the manifest of a folder, makes it where there is none, and cuts off a last line that is not whole; the bytes
    /// are kept beside it.
    ///
    /// - Throws: `ManifestFileProblem`, also when the last line is whole and cannot be read: that was no crash.
    package static func open(folder path: String) throws(ManifestFileProblem) -> ManifestFile {
        var manifest = try ManifestFile(folder: path)
        try manifest.readEnd()
        return manifest
    }

    private init(folder path: String) throws(ManifestFileProblem) {
        do throws(FileProblem) {
            let folder = try DirectoryHandle.create(path, mode: 0o700)
            let file = try Self.openForAppending(in: folder)
            size = try file.status().size
            self.folder = folder
            self.file = file
        } catch {
            throw .file(error)
        }
    }

    /// Appends the lines that the file does not have yet, and returns when all of them are durable.
    ///
    /// An empty file takes up the chain wherever it is. A line that the file has already (the agent was stopped between
    /// writing and forgetting) must be the same, and is not written again.
    ///
    /// - Parameter lines: of consecutive sequences.
    /// - Throws: `ManifestFileProblem`; then the file is as it was, or `open` will find and cut what is too much.
    package mutating func append(_ lines: [Line]) throws(ManifestFileProblem) {
        try compare(lines.filter { $0.sequence <= lastSequence })
        let known = lines.filter { $0.sequence <= lastSequence }
        let fresh = lines.filter { $0.sequence > lastSequence }
        var bytes: [UInt8] = []
        // Where the file was lost, the chain goes on where the journal is: that the beginning is missing shows when it is verified.
        var end = size == 0 ? (fresh.first?.sequence ?? 1) - 1 : lastSequence
        for line in fresh {
            guard line.sequence == end + 1 else { throw .gap(file: file.path, last: end, next: line.sequence) }
            end += 1
            bytes += line.bytes
            bytes.append(UInt8(ascii: "\n"))
        }
        do throws(FileProblem) {
            try file.write(bytes)
            // Also when nothing was written: what is there may have been written by an agent that died before this line.
            try file.sync()
        } catch {
            // After a failed sync the kernel may have dropped the pages, and a second one may succeed without them: whatever
            // was not confirmed goes, and is written again.
            let unconfirmed = known.last?.sequence == lastSequence ? known.reduce(0) { $0 + Int64($1.bytes.count) + 1 } : 0
            try? file.truncate(to: size - unconfirmed)
            size -= unconfirmed
            try? readEnd()
            throw .file(error)
        }
        guard let last = fresh.last else { return }
        size += Int64(bytes.count)
        lastSequence = last.sequence
        lastDigest = ManifestEntry.digest(of: last.bytes)
    }

    /// Finds the last line, after cutting off what is none.
    private mutating func readEnd() throws(ManifestFileProblem) {
        while size > 0 {
            let last = try line(endingAt: size)
            guard last.isFinished, !last.bytes.contains(0) else {
                try cut(from: last.start)
                continue
            }
            do throws(ManifestLineProblem) {
                lastSequence = try ManifestEntry(line: last.bytes).sequence
            } catch {
                throw .unreadable(file: file.path, problem: error)
            }
            lastDigest = ManifestEntry.digest(of: last.bytes)
            return
        }
        lastSequence = 0
        lastDigest = ManifestEntry.origin
    }

    /// Looks whether lines that the file should have are there. What a power cut left in their place is cut off.
    private mutating func compare(_ known: [Line]) throws(ManifestFileProblem) {
        guard let first = known.first else { return }
        var end = size
        var sequence = lastSequence
        while sequence >= first.sequence, end > 0 {
            let found = try line(endingAt: end)
            if let expected = known.first(where: { $0.sequence == sequence }), expected.bytes != found.bytes {
                guard (try? ManifestEntry(line: found.bytes)) == nil else { throw .conflict(file: file.path, sequence: sequence) }
                try cut(from: found.start)
                try readEnd()
                return try compare(known.filter { $0.sequence <= lastSequence })
            }
            end = found.start
            sequence -= 1
        }
    }

    private struct FoundLine {
        let start: Int64
        /// Without the newline.
        let bytes: [UInt8]
        /// False when no newline ends it.
        let isFinished: Bool
    }

    private func line(endingAt end: Int64) throws(ManifestFileProblem) -> FoundLine {
        var window: Int64 = 8_192
        while true {
            let start = max(0, end - window)
            let bytes: [UInt8]
            do throws(FileProblem) { bytes = try read(from: start, to: end) } catch { throw .file(error) }
            let isFinished = bytes.last == UInt8(ascii: "\n")
            let line = isFinished ? bytes.dropLast() : bytes[...]
            if let newline = line.lastIndex(of: UInt8(ascii: "\n")) {
                return FoundLine(start: start + Int64(newline) + 1, bytes: Array(line[(newline + 1)...]), isFinished: isFinished)
            }
            // Beyond any line that we write: what is there is no manifest, and it is looked at as one line.
            if start == 0 || window > 4 * Int64(ManifestEntry.longestLine) {
                return FoundLine(start: start, bytes: Array(line), isFinished: isFinished)
            }
            window *= 4
        }
    }

    private func read(from start: Int64, to end: Int64) throws(FileProblem) -> [UInt8] {
        var bytes = [UInt8](repeating: 0, count: Int(end - start))
        var count = 0
        while count < bytes.count {
            let offset = count
            var outcome: Result<Int, FileProblem> = .success(0)
            bytes.withUnsafeMutableBytes { buffer in
                do throws(FileProblem) {
                    let rest = UnsafeMutableRawBufferPointer(rebasing: buffer[offset...])
                    outcome = .success(try file.read(at: start + Int64(offset), into: rest))
                } catch { outcome = .failure(error) }
            }
            let read = try outcome.get()
            guard read > 0 else { throw FileProblem(operation: "read", path: file.path, errno: EIO) }
            count += read
        }
        return bytes
    }

    /// Shortens the file; what was behind is written beside it first.
    private mutating func cut(from start: Int64) throws(ManifestFileProblem) {
        do throws(FileProblem) {
            let bytes = try read(from: start, to: size)
            var generator = SystemRandomNumberGenerator()
            let name = Array("\(Self.name).torn-\(Hexadecimal.text(of: generator.next()))".utf8)
            try DurableWrite.write(bytes, to: name, in: folder, replacing: false)
            try file.truncate(to: start)
            try file.sync()
            repairs.append(Repair(keptAt: folder.visible(name), byteCount: size - start))
            size = start
        } catch {
            throw .file(error)
        }
    }

    private static func openForAppending(in folder: DirectoryHandle) throws(FileProblem) -> OpenFile {
        let bytes = Array(name.utf8)
        do throws(FileProblem) {
            _ = try folder.createFile(bytes)
            try folder.sync()
        } catch {
            guard error.isTaken else { throw error }
        }
        let path = folder.visible(bytes)
        let descriptor = openat(folder.descriptor, name, O_RDWR | O_APPEND | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK)
        guard descriptor >= 0 else { throw FileProblem(operation: "open", path: path, errno: errno) }
        let file = OpenFile(adopting: descriptor, path: path)
        guard try file.status().isRegular else { throw FileProblem(operation: "open", path: path, errno: EINVAL) }
        return file
    }
}

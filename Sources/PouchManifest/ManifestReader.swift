import PouchCrypto
import PouchFiles
import PouchKit

/// Reads a manifest line by line; memory does not grow with the file.
package enum ManifestReader {
    /// One line as it lies in the file.
    struct Line {
        /// From 1.
        let number: Int64
        /// Without the newline; cut after `ManifestEntry.longestLine` + 1 bytes.
        let bytes: [UInt8]
        /// False for a last line without a newline.
        let isFinished: Bool
    }

    /// Every finished line of the manifest in a folder, from the first to the last; none when there is no manifest yet.
    package static func forEachLine(in folder: String, _ body: ([UInt8]) -> Void) throws(ManifestFileProblem) {
        do throws(FileProblem) {
            try forEachLine(ofFile: ManifestFile.path(in: folder)) { if $0.isFinished { body($0.bytes) } }
        } catch {
            guard error.isMissing else { throw .file(error) }
        }
    }

    static func forEachLine(ofFile path: String, _ body: (Line) -> Void) throws(FileProblem) {
        let file = try OpenFile.open(path)
        var block = [UInt8](repeating: 0, count: 1 << 16)
        var line: [UInt8] = []
        var (number, offset): (Int64, Int64) = (0, 0)
        while true {
            let count = try read(file, at: offset, into: &block)
            guard count > 0 else { break }
            offset += Int64(count)
            var rest = block[..<count]
            while let newline = rest.firstIndex(of: UInt8(ascii: "\n")) {
                extend(&line, by: rest[..<newline])
                number += 1
                body(Line(number: number, bytes: line, isFinished: true))
                line.removeAll(keepingCapacity: true)
                rest = rest[(newline + 1)...]
            }
            extend(&line, by: rest)
        }
        if !line.isEmpty { body(Line(number: number + 1, bytes: line, isFinished: false)) }
    }

    private static func extend(_ line: inout [UInt8], by bytes: ArraySlice<UInt8>) {
        line += bytes.prefix(max(0, ManifestEntry.longestLine + 1 - line.count))
    }

    private static func read(_ file: borrowing OpenFile, at offset: Int64, into block: inout [UInt8]) throws(FileProblem) -> Int {
        // The closure of `withUnsafeMutableBytes` cannot borrow the file and throw by type at once.
        var outcome: Result<Int, FileProblem> = .success(0)
        block.withUnsafeMutableBytes { buffer in
            do throws(FileProblem) { outcome = .success(try file.read(at: offset, into: buffer)) } catch {
                outcome = .failure(error)
            }
        }
        return try outcome.get()
    }
}

import Foundation
import PouchFiles
import PouchKit

/// A file that a command makes: there when it is whole, and never in the place of another.
struct OutputFile: Sendable {
    let path: String
    private let folder: String
    private let name: [UInt8]

    /// - Parameter path: as a person gave it.
    init(_ path: String) {
        let place = URL(fileURLWithPath: path).standardizedFileURL
        self.path = place.path
        folder = place.deletingLastPathComponent().path
        name = Array(place.lastPathComponent.utf8)
    }

    /// Blocking.
    ///
    /// - Throws: what `fill` throws, and what the system says, put into words by `translating`; nothing is there then that was not before.
    func write<Value, Failure: Error>(
        mode: UInt16,
        translating: (FileProblem) -> Failure,
        fill: (borrowing OpenFile) throws(Failure) -> Value
    ) throws(Failure) -> Value {
        let directory: DirectoryHandle
        do throws(FileProblem) {
            directory = try DirectoryHandle.open(folder)
            // Said before the work, not after it.
            if try isTaken(in: directory) { throw FileProblem(operation: "make", path: path, errno: EEXIST) }
        } catch {
            throw translating(error)
        }
        return try DurableWrite.write(
            to: name, in: directory, mode: mode, replacing: false, translating: translating, fill: fill)
    }

    private func isTaken(in directory: DirectoryHandle) throws(FileProblem) -> Bool {
        do throws(FileProblem) {
            _ = try directory.status(of: name)
            return true
        } catch {
            guard error.isMissing else { throw error }
            return false
        }
    }
}

import Foundation
import PouchFiles

/// A folder of one test, gone with it.
final class Scratch: Sendable {
    let path: String
    let folder: DirectoryHandle

    init(in parent: String = NSTemporaryDirectory()) throws {
        path = (parent.hasSuffix("/") ? parent : parent + "/") + "pouch-files-\(UUID().uuidString)"
        folder = try DirectoryHandle.create(path)
    }

    deinit { try? FileManager.default.removeItem(atPath: path) }

    @discardableResult
    func file(_ name: String, _ text: String = "x") throws -> String {
        let path = self.path + "/" + name
        try Data(text.utf8).write(to: URL(fileURLWithPath: path))
        return path
    }

    func text(_ name: String) throws -> String {
        String(decoding: try Data(contentsOf: URL(fileURLWithPath: path + "/" + name)), as: UTF8.self)
    }

    func link(_ name: String, to target: String) throws {
        try FileManager.default.createSymbolicLink(atPath: path + "/" + name, withDestinationPath: target)
    }

    func names() throws -> [String] { try FileManager.default.contentsOfDirectory(atPath: path).sorted() }
}

func bytes(_ text: String) -> [UInt8] { Array(text.utf8) }

/// The problem that the work ends with; `nil` when there is none.
func problem(_ work: () throws(FileProblem) -> Void) -> FileProblem? {
    do throws(FileProblem) { try work() } catch { return error }
    return nil
}

import Glibc
package import PouchFiles
import PouchKit
import Synchronization

/// A folder of one test, gone with it, whatever lies in it and however it is protected.
///
/// What a test sets up outside the folder (a mount, a limit) is undone by `atEnd`, in the reverse order, before the folder
/// goes.
package final class TemporaryFolder: Sendable {
    /// Absolute, links resolved.
    package let path: String
    private let cleanups = Mutex<[@Sendable () -> Void]>([])

    package init(_ purpose: String = "test") throws {
        let parent = getenv("TMPDIR").map { String(cString: $0) }.flatMap { $0.isEmpty ? nil : $0 } ?? "/tmp"
        var template = Array((parent + "/pouch-\(purpose)-XXXXXX").utf8CString)
        guard mkdtemp(&template) != nil else { throw FileProblem(operation: "make", path: parent, errno: errno) }
        let made = String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
        path =
            realpath(made, nil).map { resolved in
                defer { free(resolved) }
                return String(cString: resolved)
            } ?? made
    }

    deinit {
        let cleanups = cleanups.withLock { $0 }
        for cleanup in cleanups.reversed() { cleanup() }
        Self.empty(path)
        rmdir(path)
    }

    package func atEnd(_ cleanup: @escaping @Sendable () -> Void) { cleanups.withLock { $0.append(cleanup) } }

    /// The absolute path of something in the folder.
    package func path(_ relative: String) -> String { path + "/" + relative }

    /// Makes a folder with all that is missing above it.
    @discardableResult
    package func makeFolder(_ relative: String) throws -> String {
        _ = try handle().createFolders(Array(relative.utf8))
        return path(relative)
    }

    /// Makes or replaces a file, and the folders above it.
    @discardableResult
    package func write(_ bytes: [UInt8], to relative: String) throws -> String {
        let parts = relative.utf8.split(separator: UInt8(ascii: "/")).map(Array.init)
        let folder =
            parts.count > 1
            ? try handle().createFolders(Array(parts.dropLast().joined(separator: [UInt8(ascii: "/")]))) : try handle()
        try? folder.remove(parts[parts.count - 1])
        let file = try folder.createFile(parts[parts.count - 1], mode: 0o644)
        try file.write(bytes)
        return path(relative)
    }

    @discardableResult
    package func write(_ text: String, to relative: String) throws -> String { try write(Array(text.utf8), to: relative) }

    package func read(_ relative: String) throws -> [UInt8] { try OpenFile.open(path(relative)).readAll(limit: 1 << 30) }

    package func text(_ relative: String) throws -> String { String(decoding: try read(relative), as: UTF8.self) }

    package func exists(_ relative: String) -> Bool {
        var status = stat()
        return lstat(path(relative), &status) == 0
    }

    /// Makes a symbolic link.
    package func link(_ relative: String, to target: String) throws {
        guard symlink(target, path(relative)) == 0 else { throw FileProblem(operation: "link", path: path(relative), errno: errno) }
    }

    package func remove(_ relative: String) throws { try handle().remove(Array(relative.utf8)) }

    /// The relative paths of all that is no folder, sorted by their bytes.
    package func files(in relative: String = "") throws -> [[UInt8]] {
        var found: [[UInt8]] = []
        let top = relative.isEmpty ? try handle() : try handle().openFolder(Array(relative.utf8))
        try Self.collect(in: top, below: [], into: &found)
        return found.sorted { $0.lexicographicallyPrecedes($1) }
    }

    /// As `files`, for names that are text.
    package func names(in relative: String = "") throws -> [String] {
        try files(in: relative).map { VisibleText.escaped($0) }
    }

    package func handle() throws -> DirectoryHandle { try DirectoryHandle.open(path) }

    private static func collect(in folder: DirectoryHandle, below path: [UInt8], into found: inout [[UInt8]]) throws {
        var entries = try folder.entries()
        while let entry = try entries.next() {
            let relative = path.isEmpty ? entry.name : path + [UInt8(ascii: "/")] + entry.name
            if try folder.status(of: entry.name).isDirectory {
                try collect(in: folder.openFolder(entry.name), below: relative, into: &found)
            } else {
                found.append(relative)
            }
        }
    }

    private static func empty(_ path: String) {
        guard let folder = try? DirectoryHandle.open(path) else { return }
        empty(folder)
    }

    private static func empty(_ folder: DirectoryHandle) {
        try? folder.setMode(0o700)
        guard var entries = try? folder.entries() else { return }
        while let entry = (try? entries.next()) ?? nil {
            if (try? folder.status(of: entry.name))?.isDirectory == true {
                if let inner = try? folder.openFolder(entry.name) { empty(inner) }
                try? folder.removeFolder(entry.name)
            } else {
                try? folder.remove(entry.name)
            }
        }
    }
}

import Glibc
package import PouchFiles
package import PouchKit

/// A new plugin: a manifest and a program that delivers into a folder, to be changed.
package struct Skeleton: Sendable {
    package enum Language: String, Sendable, CaseIterable {
        case swift, python, sh
    }

    /// Names and contents; the program is executable.
    package let files: [(name: String, contents: [UInt8], isProgram: Bool)]

    package init(_ name: AdapterName, in language: Language) {
        func file(_ path: String, _ bytes: [UInt8], isProgram: Bool = false) -> (String, [UInt8], Bool) {
            let text = String(decoding: bytes, as: UTF8.self).replacing("@NAME@", with: name.description)
            return (path, Array(text.utf8), isProgram)
        }
        switch language {
        case .python:
            files = [
                file("plugin.yaml", PackageResources.plugin_python_yaml),
                file("\(name).py", PackageResources.plugin_py, isProgram: true),
                ("pouch_plugin.py", PackageResources.pouch_plugin_py, false),
            ]
        case .sh:
            files = [
                file("plugin.yaml", PackageResources.plugin_sh_yaml),
                file("\(name).sh", PackageResources.plugin_sh, isProgram: true),
            ]
        case .swift:
            files = [
                file("plugin.yaml", PackageResources.plugin_swift_yaml), file("\(name).swift", PackageResources.plugin_swift_txt),
            ]
        }
    }

    /// Writes it into a new folder.
    ///
    /// - Throws: `FileProblem`, also when the folder is there: nothing is overwritten.
    package func write(to path: String) throws(FileProblem) {
        let slash = path.lastIndex(of: "/")
        let parent = try DirectoryHandle.open(slash.map { $0 == path.startIndex ? "/" : String(path[..<$0]) } ?? ".")
        let name = Array(path[(slash.map { path.index(after: $0) } ?? path.startIndex)...].utf8)
        guard try parent.makeFolder(name) else { throw FileProblem(operation: "make", path: path, errno: EEXIST) }
        let folder = try parent.openFolder(name)
        for file in files {
            try DurableWrite.write(
                file.contents, to: Array(file.name.utf8), in: folder, mode: file.isProgram ? 0o755 : 0o644, replacing: false)
        }
    }
}

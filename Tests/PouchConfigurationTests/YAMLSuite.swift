import Glibc
import PouchConfiguration

/// The cases of yaml-test-suite, where that folder lies beside the checkout.
struct YAMLSuiteCase: Sendable {
    /// `DK95-1`: the file and the position in it.
    let id: String
    let text: [UInt8]
    let mustFail: Bool

    /// Empty where there are no vectors.
    static func all() throws -> [YAMLSuiteCase] {
        guard let folder = vectors else { return [] }
        return try names(in: folder).flatMap { name -> [YAMLSuiteCase] in
            let bytes = try contents(of: folder + "/" + name)
            let cases = try ConfigurationNode.read(bytes, named: name).sequence ?? []
            return cases.enumerated().compactMap { index, node -> YAMLSuiteCase? in
                guard let yaml = node.node(at: ["yaml"])?.scalar?.text else { return nil }
                let id = name.replacing(".yaml", with: "") + (cases.count > 1 ? "-\(index)" : "")
                return YAMLSuiteCase(
                    id: id, text: Array(plain(yaml).utf8), mustFail: node.node(at: ["fail"])?.scalar?.text == "true")
            }
        }
    }

    /// Beside the repository that this file belongs to.
    private static var vectors: String? {
        guard let file = realpath(#filePath, nil) else { return nil }
        defer { free(file) }
        let folder = String(cString: file).split(separator: "/").dropLast(4).map(String.init) + ["shared", "vectors", "yaml"]
        let path = "/" + folder.joined(separator: "/")
        return access(path, R_OK) == 0 ? path : nil
    }

    /// The suite writes characters that are hard to see as others: https://github.com/yaml/yaml-test-suite#special-characters
    private static func plain(_ text: String) -> String {
        text.replacing(#/—*»/#, with: "\t")
            .replacing("␣", with: " ")
            .replacing("⇔", with: "\u{FEFF}")
            .replacing("↵", with: "")
            .replacing("←", with: "\r")
            .replacing("∎\n", with: "")
    }

    private static func names(in folder: String) throws -> [String] {
        guard let directory = opendir(folder) else { throw Missing(path: folder) }
        defer { closedir(directory) }
        var names: [String] = []
        while let entry = readdir(directory) {
            let name = withUnsafeBytes(of: entry.pointee.d_name) { String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self) }
            if name.hasSuffix(".yaml") { names.append(name) }
        }
        return names.sorted()
    }

    private static func contents(of path: String) throws -> [UInt8] {
        guard let file = fopen(path, "r") else { throw Missing(path: path) }
        defer { fclose(file) }
        var bytes = [UInt8](repeating: 0, count: 1 << 20)
        return Array(bytes[..<fread(&bytes, 1, bytes.count, file)])
    }

    private struct Missing: Error {
        let path: String
    }
}

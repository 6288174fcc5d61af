import PouchCrypto
import PouchFiles
import PouchKit

/// An open folder that claims are renamed into.
final class ClaimRoot: Sendable {
    /// Absolute.
    let path: String
    let folder: DirectoryHandle
    private let identity: FileIdentity

    init(path: String, folder: DirectoryHandle) throws(FileProblem) {
        self.path = path
        self.folder = folder
        identity = try folder.status().identity
    }

    /// Whether the path still leads to the folder that we hold.
    func isInPlace() throws(FileProblem) -> Bool {
        do throws(FileProblem) {
            return try DirectoryHandle.open(path).status().identity.isSameFile(as: identity)
        } catch {
            guard error.isMissing else { throw error }
            return false
        }
    }
}

/// What a use of a drop folder stands on: the folder and its own mount's claim root, both open.
struct ClaimGround: Sendable {
    let folder: DirectoryHandle
    let folderIdentity: FileIdentity
    let root: ClaimRoot
}

/// The names of claims.
enum ClaimName {
    /// `<8 hex of the folder's path>`: whose a claim in a shared root is. Stable over restarts and versions.
    static func prefix(ofFolder path: String) -> String { shortDigest(of: path) }

    static func random(prefix: String) -> String {
        var generator = SystemRandomNumberGenerator()
        return prefix + "-" + Hexadecimal.text(of: generator.next() as UInt64)
    }

    /// The id, when the name of a folder in a claim root is one of the folder with that prefix.
    static func id(_ name: [UInt8], prefix: String) -> String? {
        guard name.count == 25, name.starts(with: Array((prefix + "-").utf8)),
            name[9...].allSatisfy(Hexadecimal.isLowerCaseDigit)
        else { return nil }
        return String(decoding: name, as: UTF8.self)
    }

    static func shortDigest(of text: String) -> String { String(SHA256Hasher.digest(of: text).description.prefix(8)) }

    /// `<stem>~<8 hex of the claim id><ext>`, in the bytes of the file system, cut at the stem to fit into a name.
    static func suffixed(_ name: [UInt8], for id: String) -> [UInt8] {
        let dot = name.lastIndex(of: UInt8(ascii: ".")).flatMap { $0 == name.startIndex ? nil : $0 } ?? name.endIndex
        let suffix = Array(("~" + id.suffix(8)).utf8) + name[dot...]
        guard suffix.count < 255 else { return Array(id.utf8) }
        var stem = name[..<dot].prefix(255 - suffix.count)
        // A cut between the bytes of one character would make another name of it.
        if stem.count < dot {
            while let last = stem.last, last & 0xC0 == 0x80 { stem.removeLast() }
            if let last = stem.last, last >= 0xC0 { stem.removeLast() }
        }
        return stem + suffix
    }
}

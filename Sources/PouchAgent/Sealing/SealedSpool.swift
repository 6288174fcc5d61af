import Glibc
import PouchFiles
import PouchKit

/// `<state>/sealed`: the sealed files of deliveries that are under way, one for each, gone when the delivery has ended.
///
/// A file there is whole when the journal has its seal: it was synced before. One that the journal does not know is what a crash left in the
/// middle of sealing. All calls block on the disk.
final class SealedSpool: Sendable {
    let path: String

    init(state: String) { path = state + "/sealed" }

    /// A new file for a delivery, in the place of what a crash may have left of one.
    ///
    /// - Throws: `FileProblem`; `isNoSpace` also before anything is written, where the sealed file would not fit.
    func create(_ delivery: DeliveryID, forFileOf size: Int64) throws(FileProblem) -> OpenFile {
        let folder = try DirectoryHandle.create(path, mode: 0o700)
        let name = Self.name(of: delivery)
        do throws(FileProblem) { try folder.remove(name) } catch { guard error.isMissing else { throw error } }
        let space = try Filesystem.space(of: folder.descriptor, path: path)
        // Encoding adds 4 bytes to each 4 KiB, and about a kilobyte for each recipient.
        guard space.totalBytes == 0 || space.freeBytes > size + size / 512 + 65_536 else {
            throw FileProblem(operation: "find room for the sealed form of \(size) bytes in", path: path, errno: ENOSPC)
        }
        return try folder.createFile(name)
    }

    /// Makes a file that was written durable, its name included.
    func keep(_ file: borrowing OpenFile) throws(FileProblem) {
        try file.sync()
        try DirectoryHandle.open(path).sync()
    }

    /// The sealed file of a delivery; `nil` when there is none, or none of this size.
    func open(_ delivery: DeliveryID, size: Int64) throws(FileProblem) -> SharedFile? {
        do throws(FileProblem) {
            let file = try DirectoryHandle.open(path).openFile(Self.name(of: delivery)).shared()
            let status = try file.status()
            return status.isRegular && status.size == size ? file : nil
        } catch {
            guard error.isMissing else { throw error }
            return nil
        }
    }

    /// Removes what there is for a delivery.
    func remove(_ delivery: DeliveryID) throws(FileProblem) {
        do throws(FileProblem) { try DirectoryHandle.open(path).remove(Self.name(of: delivery)) } catch {
            guard error.isMissing else { throw error }
        }
    }

    /// The deliveries that have a file here.
    func deliveries() throws(FileProblem) -> [DeliveryID] {
        let folder: DirectoryHandle
        do throws(FileProblem) { folder = try DirectoryHandle.open(path) } catch {
            guard error.isMissing else { throw error }
            return []
        }
        var found: [DeliveryID] = []
        var entries = try folder.entries()
        while let entry = try entries.next() {
            let name = String(decoding: entry.name, as: UTF8.self)
            guard name.hasSuffix(Self.ending), let id = try? DeliveryID(String(name.dropLast(Self.ending.count))) else { continue }
            found.append(id)
        }
        return found
    }

    private static let ending = ".cms"

    private static func name(of delivery: DeliveryID) -> [UInt8] { Array("\(delivery)\(ending)".utf8) }
}

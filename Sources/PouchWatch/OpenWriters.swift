import Glibc
import PouchFiles
package import PouchKit

/// The files that some process has open for writing, as far as `/proc` shows them to us: the second best where no lease is granted.
///
/// A process of another user is not shown, and neither is a mapping whose descriptor was closed.
package struct OpenWriters: Sendable {
    package enum Finding: Hashable, Sendable {
        case writing, noneSeen
    }

    private struct Inode: Hashable {
        let device: UInt64
        let number: UInt64
    }

    private var inodes: Set<Inode> = []

    /// Looks at the descriptors of all processes that may be looked at. Processes end meanwhile and most are not ours to look into:
    /// what cannot be read is passed over, it is no error.
    package init() {
        guard let processes = try? DirectoryHandle.open("/proc"), var entries = try? processes.entries() else { return }
        while let entry = try? entries.next() {
            guard entry.name.allSatisfy((UInt8(ascii: "0")...UInt8(ascii: "9")).contains) else { continue }
            guard let descriptors = try? processes.openFolder(entry.name + Array("/fd".utf8)) else { continue }
            collect(descriptors)
        }
    }

    package func finding(for file: FileIdentity) -> Finding {
        inodes.contains(Inode(device: file.device, number: file.inode)) ? .writing : .noneSeen
    }

    private mutating func collect(_ descriptors: DirectoryHandle) {
        guard var entries = try? descriptors.entries() else { return }
        while let entry = try? entries.next() {
            // The link's own permission bits say how the descriptor was opened (proc(5)).
            guard let link = try? descriptors.status(of: entry.name), link.mode & 0o200 != 0 else { continue }
            var file = stat()
            let answer = String(decoding: entry.name, as: UTF8.self).withCString { fstatat(descriptors.descriptor, $0, &file, 0) }
            guard answer == 0, file.st_mode & S_IFMT == S_IFREG else { continue }
            inodes.insert(Inode(device: UInt64(file.st_dev), number: UInt64(file.st_ino)))
        }
    }
}

import CLinux
import Glibc
import PouchKit

/// Giving and taking names. Every name here is one part of a path.
extension DirectoryHandle {
    /// Renames; whatever bears the new name is replaced.
    package func rename(_ name: [UInt8], to folder: DirectoryHandle, as newName: [UInt8]) throws(FileProblem) {
        let answer = rename(name, to: folder, as: newName, replacing: true)
        guard answer >= 0 else { throw problem("rename", name, -answer) }
    }

    /// Renames and never replaces.
    ///
    /// Where the file system has no such rename (NFS and some FUSE answer `EINVAL`) a file gets its new name by `link`, which never
    /// replaces either, and then loses its old one. A crash between the two leaves both names on one inode.
    ///
    /// - Throws: `FileProblem`; `isTaken` when the new name exists, `isOtherMount` when a rename cannot get there.
    package func renameNoReplace(_ name: [UInt8], to folder: DirectoryHandle, as newName: [UInt8]) throws(FileProblem) {
        let answer = rename(name, to: folder, as: newName, replacing: false)
        if answer >= 0 { return }
        guard answer == -EINVAL || answer == -ENOSYS, try !status(of: name).isDirectory else {
            throw problem("rename", name, -answer)
        }
        try link(name, to: folder, as: newName)
        try remove(name)
    }

    /// Gives a file a second name.
    package func link(_ name: [UInt8], to folder: DirectoryHandle, as newName: [UInt8]) throws(FileProblem) {
        let answer = SystemCall.withName(name) { name in
            SystemCall.withName(newName) { newName in
                SystemCall.answer { linkat(descriptor, name, folder.descriptor, newName, 0) }
            }
        }
        guard answer >= 0 else { throw problem("link", name, -answer) }
    }

    /// Takes a name away from a file.
    package func remove(_ name: [UInt8]) throws(FileProblem) {
        let answer = SystemCall.withName(name) { name in SystemCall.answer { unlinkat(descriptor, name, 0) } }
        guard answer >= 0 else { throw problem("remove", name, -answer) }
    }

    /// Removes an empty folder.
    package func removeFolder(_ name: [UInt8]) throws(FileProblem) {
        let answer = SystemCall.withName(name) { name in SystemCall.answer { unlinkat(descriptor, name, AT_REMOVEDIR) } }
        guard answer >= 0 else { throw problem("remove the folder", name, -answer) }
    }

    private func rename(_ name: [UInt8], to folder: DirectoryHandle, as newName: [UInt8], replacing: Bool) -> Int32 {
        SystemCall.withName(name) { name in
            SystemCall.withName(newName) { newName in
                SystemCall.shim { pouch_rename(descriptor, name, folder.descriptor, newName, replacing ? 1 : 0) }
            }
        }
    }
}

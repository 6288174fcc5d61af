import Glibc
import PouchFiles
import PouchKit

extension LocalPlan {
    /// Opens the folder of the destination, on its mount where one is asked for.
    ///
    /// - Throws: `FileProblem`; with `ENODEV` when the mount is not there, and then nothing was opened or made beside it.
    func root() throws(FileProblem) -> DirectoryHandle {
        let folder: DirectoryHandle
        do throws(FileProblem) { folder = try DirectoryHandle.open(path) } catch {
            // Without the mount its folders are not there either.
            if error.isMissing, let mount { _ = try mounted(mount) }
            throw error
        }
        try demandMounted(folder)
        return folder
    }

    /// The same, and makes it where it is missing.
    ///
    /// - Parameter adorn: gives a new one its owner and mode.
    func root(making adorn: (DirectoryHandle) throws(FileProblem) -> Void) throws(FileProblem) -> DirectoryHandle {
        do throws(FileProblem) { return try root() } catch {
            guard error.errno == ENOENT, createsFolders else { throw error }
        }
        let folder = try DirectoryHandle.create(path)
        try demandMounted(folder)
        try adorn(folder)
        return folder
    }

    /// Looked at after the folder was opened: an open folder stays on its file system.
    private func demandMounted(_ folder: DirectoryHandle) throws(FileProblem) {
        guard let mount else { return }
        guard try mounted(mount).identity.device == folder.status().identity.device else { throw away(mount) }
    }

    private func mounted(_ mount: String) throws(FileProblem) -> FileStatus {
        let status: FileStatus
        do throws(FileProblem) { status = try DirectoryHandle.open(mount).status() } catch {
            guard error.isMissing else { throw error }
            throw away(mount)
        }
        guard status.isMountRoot else { throw away(mount) }
        return status
    }

    private func away(_ mount: String) -> FileProblem {
        FileProblem(operation: "find a mounted file system at", path: mount, errno: ENODEV)
    }

    func sync(_ folder: DirectoryHandle) throws(FileProblem) { if isSynced { try folder.sync() } }
}

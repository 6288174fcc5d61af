import Glibc
import PouchConformance
import PouchFiles

extension TemporaryFolder {
    /// Whether this user may mount: what needs a full disk or a read-only one says so and is left out where not.
    package static let mayMount: Bool = {
        guard let trial = try? TemporaryFolder("mount"), mount("tmpfs", trial.path, "tmpfs", 0, "size=64k") == 0 else {
            print("skipped: full disks and read-only ones; this user may not mount")
            return false
        }
        return umount2(trial.path, 0) == 0
    }()

    /// Puts a small file system in the place of a folder, until `unmount` or the end.
    package func mountSmall(on relative: String, size: String = "1m", isReadOnly: Bool = false) throws {
        let path = path(relative)
        guard mount("tmpfs", path, "tmpfs", isReadOnly ? 1 : 0, "size=" + size) == 0 else {
            throw FileProblem(operation: "mount on", path: path, errno: errno)
        }
        atEnd { _ = umount2(path, 2) }
    }

    /// Also where a server has not let go of a file in it yet.
    package func unmount(_ relative: String) { _ = umount2(path(relative), 2) }
}

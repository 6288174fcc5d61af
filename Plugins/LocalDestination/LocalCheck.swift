import Glibc
import PouchFiles
package import PouchKit

extension LocalDestination {
    package func check() async -> [Finding] {
        let plan = plan
        return await threads.run { LocalCheck(plan: plan).findings() }
    }
}

/// Tries in the folder what a delivery does there, with a file of its own that is gone afterwards.
private struct LocalCheck {
    private static let little: Int64 = 1 << 30

    let plan: LocalPlan

    func findings() -> [Finding] {
        let folder: DirectoryHandle
        do throws(FileProblem) { folder = try plan.root() } catch {
            if error.errno == ENOENT, plan.createsFolders {
                return [Finding(.note, "\(plan.path) does not exist yet and is made with the first delivery")]
            }
            return [Finding(.failure, error.description, hint: LocalTroubles(attempt: "", plan: plan).failure(error).hint)]
        }
        return [Finding(.good, "\(plan.path) is a folder")] + rename(in: folder) + durability() + space(of: folder)
            + openness(of: folder)
    }

    private func durability() -> [Finding] {
        guard !plan.isSynced else { return [] }
        return [
            Finding(
                .note,
                "nothing is synced to disk (fsync: false): what the manifest calls delivered may be gone after a power cut",
                hint: "leave fsync: false out, unless the share answers it with an error or takes minutes")
        ]
    }

    private func rename(in folder: DirectoryHandle) -> [Finding] {
        var generator = SystemRandomNumberGenerator()
        let (first, second) = (name(generator.next()), name(generator.next()))
        defer {
            // What is left bears a name that says what it is.
            try? folder.remove(first)
            try? folder.remove(second)
        }
        do throws(FileProblem) {
            let file = try folder.createFile(first)
            try file.write(Array("probe".utf8))
            if let owner = plan.owner { try file.setOwner(owner.user, group: owner.group) }
            try file.setMode(plan.mode)
            if plan.isSynced { try file.sync() }
            _ = try folder.createFile(second)
            do throws(FileProblem) {
                try folder.renameNoReplace(first, to: folder, as: second)
                return [
                    Finding(
                        .failure, "the file system of \(plan.path) overwrites where it must not (rename without replacing)",
                        hint: "deliver to another file system")
                ]
            } catch {
                guard error.isTaken else { throw error }
            }
            try folder.remove(second)
            try folder.renameNoReplace(first, to: folder, as: second)
            try plan.sync(folder)
        } catch {
            return [Finding(.failure, error.description, hint: LocalTroubles(attempt: "", plan: plan).failure(error).hint)]
        }
        let done = plan.isSynced ? "written, synced and renamed" : "written and renamed"
        return [Finding(.good, "files can be \(done) without overwriting in \(plan.path)")]
    }

    private func space(of folder: DirectoryHandle) -> [Finding] {
        do throws(FileProblem) {
            let space = try Filesystem.space(of: folder.descriptor, path: plan.path)
            let mebibytes = space.freeBytes >> 20
            let isShort = space.freeBytes < Self.little || space.totalInodes > 0 && space.freeInodes < 1_000
            let text =
                "\(mebibytes) MiB" + (space.totalInodes > 0 ? " and \(space.freeInodes) inodes" : "") + " are free in \(plan.path)"
            return [Finding(isShort ? .warning : .good, text, hint: isShort ? "deliveries wait when it is full" : nil)]
        } catch {
            return [Finding(.failure, error.description)]
        }
    }

    private func openness(of folder: DirectoryHandle) -> [Finding] {
        var findings: [Finding] = []
        if let status = try? folder.status(), status.mode & 0o1002 == 0o002 {
            findings.append(
                Finding(.warning, "everybody on this machine can remove files from \(plan.path)", hint: "chmod o-w \(plan.path)"))
        }
        if let kind = try? Filesystem.kind(of: folder.descriptor), case .network(let name) = kind {
            findings.append(
                Finding(
                    .note, "\(plan.path) lies on a network file system (\(name)): a delivery waits while its server is away",
                    hint: plan.mount == nil
                        ? "mount: with its mount point keeps files from this machine's disk when it is not mounted" : nil))
        }
        return findings
    }

    private func name(_ number: UInt64) -> [UInt8] { Array(".pouch-probe-\(Hexadecimal.text(of: number))".utf8) }
}

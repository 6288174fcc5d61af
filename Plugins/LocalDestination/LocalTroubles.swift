import Glibc
import PouchFiles
import PouchKit

/// Says what each error of the system means for a delivery, and who must act.
struct LocalTroubles: Sendable {
    let attempt: String
    let plan: LocalPlan

    func translating<Answer>(_ work: () throws(FileProblem) -> Answer) throws(DeliveryFailure) -> Answer {
        do throws(FileProblem) { return try work() } catch { throw failure(error) }
    }

    func taken(_ key: DeliveryKey) -> DeliveryFailure {
        if plan.whenTaken == .replace, let sidecar = plan.sidecar {
            return DeliveryFailure(
                .quarantine, code: "key-taken", attempt: attempt,
                cause: "\(plan.path)/\(key)\(sidecar.suffix) exists and is no sidecar, so it is not replaced",
                hint: "is it a file that you deliver, too? then choose another sidecar:, or leave it out")
        }
        return DeliveryFailure(
            .quarantine, code: "key-taken", attempt: attempt, cause: "\(plan.path)/\(key) exists and is not of this delivery",
            hint: plan.whenTaken == .fail ? "when-taken: suffix would deliver it beside it" : nil)
    }

    func failure(_ copy: FileCopy.Failure) -> DeliveryFailure {
        switch copy {
        case .target(let problem): failure(problem)
        case .source(let problem):
            DeliveryFailure(
                .retry, code: problem.code, attempt: attempt, cause: problem.description,
                hint: "the claimed file cannot be read: look at its disk")
        case .otherSize(let expected, let found):
            DeliveryFailure(
                .sourceChanged, code: "source-changed", attempt: attempt,
                cause: "the file has \(found) bytes or more, and it had \(expected) when it was claimed")
        case .stopped:
            DeliveryFailure(
                .retry, code: "stopped", attempt: attempt, cause: "the agent stops, or the attempt took longer than it may")
        }
    }

    func failure(_ problem: FileProblem) -> DeliveryFailure {
        let (remedy, hint) = judgement(of: problem)
        return DeliveryFailure(remedy, code: problem.code, attempt: attempt, cause: problem.description, hint: hint)
    }

    private func judgement(of problem: FileProblem) -> (DeliveryFailure.Remedy, String?) {
        switch problem.errno {
        case ENOSPC, EDQUOT:
            // Somebody may clear up at any time, and nothing is in danger meanwhile: no person is called, and no disk is hammered.
            (.retry(after: .seconds(60)), "free some space, or raise the quota, where \(plan.path) lies")
        case ENODEV where plan.mount != nil:
            (.retry(after: .seconds(30)), "mount it: the delivery waits, and nothing is put where the share should be")
        case EEXIST where plan.sidecar != nil: (.hold, "somebody made a file under the name of the sidecar: remove it")
        case EROFS: (.hold, "\(plan.path) is mounted read-only: look at the mount and its disk")
        case EACCES, EPERM:
            (
                .hold,
                "user \(geteuid()) must be able to write there"
                    + (plan.owner == nil ? "" : "; and only root can give files to another owner")
            )
        case ELOOP, EXDEV:
            (.hold, "links are not followed below \(plan.path): replace the link by a folder, or let `path:` name where it leads")
        case ENAMETOOLONG: (.quarantine, "the file system takes no name this long: shorten it with the route's `as:`")
        case EILSEQ, EINVAL: (.quarantine, "the file system does not take this name: change it with the route's `as:`")
        case EFBIG: (.quarantine, "the file is too large for that file system")
        case EISDIR: (.quarantine, "a folder has the very name of the file")
        case ENOENT, ENOTDIR: judgementOfMissing(problem)
        default: (.retry, nil)
        }
    }

    private func judgementOfMissing(_ problem: FileProblem) -> (DeliveryFailure.Remedy, String?) {
        let root = try? DirectoryHandle.open(plan.path)
        if root == nil {
            return (
                .hold,
                plan.createsFolders
                    ? "\(plan.path) is no folder, and none can be made there"
                    : "make the folder \(plan.path), or set create-folders: true"
            )
        }
        if problem.errno == ENOTDIR { return (.quarantine, "a file has the name of one of the folders of the key") }
        // With permission to make folders, one has just been removed: it is made again.
        return plan.createsFolders ? (.retry, nil) : (.hold, "make the folder, or set create-folders: true")
    }
}

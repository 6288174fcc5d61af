import PouchFiles
import PouchJournal
import PouchKit
import PouchManifest

/// Fits journal and manifest together at the start: a torn last line is cut off, and a journal that was begun anew goes on with the
/// chain that is there.
enum ManifestJoint {
    /// - Returns: what was cut off, for people.
    static func join(_ journal: Journal, folder: String) async throws(AgentFailure) -> [ManifestFile.Repair] {
        let end: (last: Int64, digest: SHA256Digest, repairs: [ManifestFile.Repair])
        do {
            end = try await onBlockingThread { () throws(ManifestFileProblem) in
                let file = try ManifestFile.open(folder: folder)
                return (file.lastSequence, file.lastDigest, file.repairs)
            }
        } catch {
            throw AgentFailure(
                "the manifest cannot be used: \(error)",
                hint: "keep \(folder) aside for whoever must see it, and start again: a new manifest says where it begins"
            )
        }
        guard journal.report.isNew, end.last > 0 else { return end.repairs }
        let position = ManifestPosition(sequence: end.last + 1, previous: end.digest)
        do {
            try await journal.continueChain(from: position).value()
        } catch {
            throw AgentFailure(error.description)
        }
        return end.repairs
    }
}

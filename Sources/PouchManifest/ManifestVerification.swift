import PouchFiles
package import PouchKit

/// Looks whether a manifest is as it was written.
///
/// The chain shows every changed, removed, repeated and reordered line but the last ones: that the end was cut off, or that
/// everything was written anew, shows only in comparison with the journal. Without one the report is not anchored.
package enum ManifestVerification {
    /// What the journal remembers of the end of the chain.
    package struct Head: Hashable, Sendable {
        package let lastSequence: Int64
        package let digest: SHA256Digest
        /// Lines of the journal that the file need not have yet.
        package let unwritten: Int64
        /// An agent is running: there may be lines in the file, by now, that came after this was read.
        package let isMoving: Bool

        package init(lastSequence: Int64, digest: SHA256Digest, unwritten: Int64 = 0, isMoving: Bool = false) {
            self.lastSequence = lastSequence
            self.digest = digest
            self.unwritten = unwritten
            self.isMoving = isMoving
        }
    }

    package struct Report: Hashable, Sendable {
        /// In the order of the lines; at most 1,000.
        package let findings: [ManifestFinding]
        /// Findings beyond those.
        package let omitted: Int
        package let lines: Int64
        package let lastSequence: Int64
        package let lastDigest: SHA256Digest
        /// False: `unanchored`. A cut end and a manifest that was written anew would not have shown.
        package let isAnchored: Bool

        package var isGood: Bool { findings.isEmpty }
    }

    /// - Throws: `ManifestFileProblem` when the file cannot be read, also when there is none.
    package static func verify(file: String, head: Head?) throws(ManifestFileProblem) -> Report {
        var inspection = ChainInspection(head: head)
        var lines: Int64 = 0
        do throws(FileProblem) {
            try ManifestReader.forEachLine(ofFile: file) { line in
                lines = line.number
                inspect(line, with: &inspection)
            }
        } catch {
            throw .file(error)
        }
        return report(inspection, lines: lines)
    }

    /// The manifest of a folder; one that is not there has no lines.
    package static func verify(folder: String, head: Head?) throws(ManifestFileProblem) -> Report {
        do throws(ManifestFileProblem) {
            return try verify(file: ManifestFile.path(in: folder), head: head)
        } catch {
            guard case .file(let problem) = error, problem.isMissing else { throw error }
            return report(ChainInspection(head: head), lines: 0)
        }
    }

    private static func inspect(_ line: ManifestReader.Line, with inspection: inout ChainInspection) {
        guard line.isFinished else {
            return inspection.unreadable(line: line.number, "the file ends before the line does", kind: .unfinished)
        }
        do {
            let entry = try ManifestEntry(line: line.bytes)
            inspection.next(
                line: line.number, sequence: entry.sequence, previous: entry.previous, digest: ManifestEntry.digest(of: line.bytes))
        } catch {
            inspection.unreadable(line: line.number, "\(error)")
        }
    }

    private static func report(_ inspection: ChainInspection, lines: Int64) -> Report {
        var inspection = inspection
        inspection.finish()
        return Report(
            findings: inspection.findings, omitted: inspection.omitted, lines: lines, lastSequence: inspection.last.sequence,
            lastDigest: inspection.last.digest, isAnchored: inspection.isAnchored)
    }
}

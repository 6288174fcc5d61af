package import PouchFiles

/// Why the manifest's file could not be read or written. Nothing is lost by it: the journal keeps each line until it is
/// written.
package enum ManifestFileProblem: Error, Hashable, CustomStringConvertible {
    case file(FileProblem)
    /// The file ends before the line that comes before the next one to write.
    case gap(file: String, last: Int64, next: Int64)
    /// The file has another line at a place that the journal still has to write.
    case conflict(file: String, sequence: Int64)
    /// The last line is whole and cannot be read.
    case unreadable(file: String, problem: ManifestLineProblem)

    package var description: String {
        switch self {
        case .file(let problem): problem.description
        case .gap(let file, let last, let next):
            "could not append to \(file): it ends with line \(last), and line \(next) is the next to write\n"
                + "hint: lines are missing at its end; put the file back as it was"
        case .conflict(let file, let sequence):
            "could not append to \(file): its line \(sequence) is another one than the journal's\n"
                + "hint: it belongs to another journal, or somebody wrote to it; move it away and keep it"
        case .unreadable(let file, let problem):
            "could not append to \(file): its last line cannot be read: \(problem)\n"
                + "hint: somebody wrote to it; `pouch manifest verify` says where"
        }
    }

    /// The disk is full: it works again when there is room.
    package var isNoSpace: Bool {
        guard case .file(let problem) = self else { return false }
        return problem.isNoSpace
    }
}

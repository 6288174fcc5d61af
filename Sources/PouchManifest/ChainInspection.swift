import PouchKit

/// Reads the chain line by line and says what is wrong with it. A value: memory does not grow with the manifest.
///
/// The digests are the truth about the order; the sequences only help to say what happened where a digest does not fit. Each
/// line vouches for the one before it, so a changed line shows at the next one: a link that does not hold accuses its left
/// end, and two in a row that do not hold accuse the line between them.
struct ChainInspection {
    /// Findings beyond these are counted only.
    private static let mostFindings = 1_000

    struct Place {
        let line: Int64
        let sequence: Int64
        let digest: SHA256Digest
    }

    /// What is known about the link into the last line.
    private enum Link {
        case holds
        /// It does not hold, and either end may have been changed.
        case broken(left: Place)
        /// It does not hold, and the left end was named for it.
        case explained
        /// The last line itself was changed: the link out of it will not hold, and that is explained.
        case lastWasChanged
    }

    private let head: ManifestVerification.Head?
    private(set) var findings: [ManifestFinding] = []
    private(set) var omitted = 0
    /// The last line by its place in the chain.
    private(set) var last = Place(line: 0, sequence: 0, digest: ManifestEntry.origin)
    /// True when a line was compared with what the journal remembers of it.
    private(set) var isAnchored = false

    private var link = Link.holds
    /// Lines that cannot be read, since the last one that could.
    private var unreadable: Int64 = 0
    /// Sequences that were jumped over, and before which line; they may come later.
    private var missing: [(sequences: ClosedRange<Int64>, line: Int64)] = []

    init(head: ManifestVerification.Head?) { self.head = head }

    /// A line that is no entry. Its neighbours can say no more about each other.
    mutating func unreadable(line: Int64, _ text: String, kind: ManifestFinding.Kind = .unreadable) {
        nameLeftEnd()
        unreadable += 1
        find(kind, line, text)
    }

    mutating func next(line: Int64, sequence: Int64, previous: SHA256Digest, digest: SHA256Digest) {
        let place = Place(line: line, sequence: sequence, digest: digest)
        if previous == last.digest {
            follow(by: place)
        } else if sequence <= last.sequence {
            return comesLate(place)
        } else if sequence == last.sequence + 1 {
            doesNotFit(place)
        } else {
            jumps(to: place)
        }
        unreadable = 0
        compareWithHead()
    }

    /// What was left open. Call it once, after the last line.
    mutating func finish() {
        if let head { finish(against: head) }
        if case .broken(let left) = link {
            let words = "it was changed, or 'previous' of the line after it, which is the last one"
            find(.altered, max(left.line, 1), left.line == 0 ? Self.noOrigin : words)
        }
        for (sequences, line) in missing {
            find(.removed, line, "\(Self.words(for: sequences)) must come before this line")
        }
        (missing, link) = ([], .holds)
        findings.sort { $0.line < $1.line }
    }

    // MARK: - One line

    private mutating func follow(by place: Place) {
        nameLeftEnd()
        guard place.sequence == last.sequence + 1 else {
            find(.altered, place.line, "its sequence is \(place.sequence) where \(last.sequence + 1) belongs")
            last = Place(line: place.line, sequence: last.sequence + 1, digest: place.digest)
            link = .lastWasChanged
            return
        }
        last = place
    }

    private mutating func doesNotFit(_ place: Place) {
        switch link {
        case .holds: link = .broken(left: last)
        case .broken, .explained:
            find(.altered, last.line, Self.notVouchedFor)
            link = .explained
        case .lastWasChanged: link = .explained
        }
        last = place
    }

    private mutating func jumps(to place: Place) {
        nameLeftEnd()
        let gap = (last.sequence + 1)...(place.sequence - 1)
        // Lines that cannot be read may be the ones that are missing.
        if Int64(gap.count) > unreadable {
            if missing.count < Self.mostFindings { missing.append((gap, place.line)) } else { omitted += 1 }
        }
        last = place
    }

    private mutating func comesLate(_ place: Place) {
        nameLeftEnd()
        guard let index = missing.firstIndex(where: { $0.sequences.contains(place.sequence) }) else {
            return find(.repeated, place.line, "sequence \(place.sequence) was there before")
        }
        let (sequences, line) = missing.remove(at: index)
        if sequences.lowerBound < place.sequence { missing.append((sequences.lowerBound...(place.sequence - 1), line)) }
        if place.sequence < sequences.upperBound { missing.append(((place.sequence + 1)...sequences.upperBound, line)) }
        find(.reordered, place.line, "sequence \(place.sequence) comes after sequence \(last.sequence)")
    }

    /// Nothing speaks against the right end of a link that does not hold: it was the left one.
    private mutating func nameLeftEnd() {
        if case .broken(let left) = link {
            find(.altered, max(left.line, 1), left.line == 0 ? Self.noOrigin : Self.notVouchedFor)
        }
        link = .holds
    }

    // MARK: - The journal

    /// What the journal remembers is one more line that vouches for its predecessor.
    private mutating func compareWithHead() {
        guard let head, last.sequence == head.lastSequence else { return }
        isAnchored = true
        guard last.digest != head.digest else { return nameLeftEnd() }
        switch link {
        case .holds:
            let words = "it is not the line that the journal remembers: it was changed, or the whole manifest was written anew"
            find(.rewritten, max(last.line, 1), words)
        case .broken, .explained: find(.altered, last.line, "its SHA-256 is not the one that the journal remembers")
        case .lastWasChanged: break
        }
        link = .lastWasChanged
    }

    private mutating func finish(against head: ManifestVerification.Head) {
        if last.sequence == 0 { compareWithHead() }
        if last.sequence < head.lastSequence {
            let absent = head.lastSequence - last.sequence
            // A last line that cannot be read is there, and was named.
            if absent > head.unwritten + unreadable {
                let sequences = (last.sequence + 1)...(head.lastSequence - head.unwritten)
                find(.cutTail, last.line + 1, "\(Self.words(for: sequences)) must come here, as the journal remembers")
            }
        } else if last.sequence > head.lastSequence, !head.isMoving {
            let sequences = (head.lastSequence + 1)...last.sequence
            find(.foreignTail, last.line, "the journal does not know \(Self.words(for: sequences))")
        }
    }

    // MARK: - Words

    private static let notVouchedFor = "its SHA-256 is not the one that the next line gives for it"
    private static let noOrigin = "it does not begin the chain: 'previous' of the first line is all zeros"

    private static func words(for sequences: ClosedRange<Int64>) -> String {
        sequences.count == 1 ? "sequence \(sequences.lowerBound)" : "sequences \(sequences.lowerBound) to \(sequences.upperBound)"
    }

    private mutating func find(_ kind: ManifestFinding.Kind, _ line: Int64, _ text: String) {
        guard findings.count < Self.mostFindings else {
            omitted += 1
            return
        }
        findings.append(ManifestFinding(kind: kind, line: line, text: text))
    }
}

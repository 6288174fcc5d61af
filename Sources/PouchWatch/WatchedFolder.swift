package import PouchKit

/// One drop folder, as the operator wants it watched.
package struct WatchedFolder: Hashable, Sendable {
    /// What `sweepEvery` may be; other values are brought into it.
    package static let sweepIntervals: ClosedRange<Duration> = .seconds(1)...(.seconds(86_400))

    /// Absolute. Links on the way to the folder itself are followed: the operator chose them. None is followed beneath it.
    package let path: String
    package let recursive: Bool
    package let ready: Readiness
    package let ignore: IgnorePatterns
    /// How often everything is looked at, whatever the events say.
    package let sweepEvery: Duration

    package init(
        path: String,
        recursive: Bool = true,
        ready: Readiness = .closed,
        ignore: IgnorePatterns = IgnorePatterns(),
        sweepEvery: Duration = .seconds(60)
    ) {
        self.path = path
        self.recursive = recursive
        self.ready = ready
        self.ignore = ignore
        self.sweepEvery = min(max(sweepEvery, Self.sweepIntervals.lowerBound), Self.sweepIntervals.upperBound)
    }
}

/// When a file counts as whole.
package enum Readiness: Hashable, Sendable {
    /// It was closed after writing, moved in, or found, and nobody has it open for writing.
    case closed
    /// Size and modification time stayed the same for this long on our clock.
    case quiet(Duration)
    /// Its marker file exists and nobody has it open for writing.
    case marker(MarkerTemplate)
}

/// How the marker of a drop is called: `{name}.done` for `seeds.csv` is `seeds.csv.done`, in the same folder.
package struct MarkerTemplate: Hashable, Sendable, CustomStringConvertible {
    package let description: String
    private let before: [UInt8]
    private let after: [UInt8]

    /// - Throws: `NameError` unless `{name}` is in the text once, with something before or after it, and no `/`.
    package init(_ text: String) throws(NameError) {
        let bytes = Array(text.utf8)
        let placeholder = Array("{name}".utf8)
        let starts = bytes.indices.filter { bytes[$0...].starts(with: placeholder) }
        guard starts.count == 1, bytes.count > placeholder.count, !bytes.contains(UInt8(ascii: "/")), !bytes.contains(0) else {
            throw NameError(
                text: VisibleText.escaped(text), expectation: "{name} once, with more before or after it and no '/': {name}.done")
        }
        description = text
        before = Array(bytes[..<starts[0]])
        after = Array(bytes[(starts[0] + placeholder.count)...])
    }

    package func marker(of name: [UInt8]) -> [UInt8] { before + name + after }

    /// The name of the drop that this marker speaks for; `nil` when the name is no marker's.
    package func drop(of marker: [UInt8]) -> [UInt8]? {
        guard marker.count > before.count + after.count, marker.starts(with: before),
            marker.suffix(after.count).elementsEqual(after)
        else { return nil }
        return Array(marker[before.count..<marker.count - after.count])
    }
}

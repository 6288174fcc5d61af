package import PouchKit

/// The last lines of a plugin's standard error, for people: visible, short, and without the secrets that it was told.
package struct PluginWords: Sendable {
    private static let mostBytes = 2_048

    private let redaction: Redaction
    private var tail: [UInt8] = []

    package init(_ redaction: Redaction) { self.redaction = redaction }

    package mutating func add(_ bytes: [UInt8]) {
        // Before anything is cut off: of half a secret nobody knows what it is.
        tail = Array(redaction.bytes(tail + bytes).suffix(Self.mostBytes))
    }

    /// The last three lines in one.
    package var text: String {
        let lines = redaction.bytes(tail, isCut: true).split(separator: UInt8(ascii: "\n")).suffix(3)
        return lines.map { VisibleText.escaped(Array($0.suffix(500))) }.joined(separator: " | ")
    }
}

/// Takes secrets out of what a plugin says. It may print them by mistake; here they end.
package struct Redaction: Sendable {
    /// A shorter one would be found in every other word.
    private static let shortest = 4
    private static let placeholder = Array("<secret>".utf8)

    /// As they are, and as they stand in JSON.
    private let secrets: [[UInt8]]

    package init(_ secrets: [Secret]) {
        let values = secrets.map { $0.reveal() }.filter { $0.utf8.count >= Self.shortest }
        let forms = Set(values.flatMap { [Array($0.utf8), JSONLine.escaped($0)] })
        // The longest first: one may be part of another.
        self.secrets = forms.sorted { $0.count > $1.count }
    }

    /// Before anything is escaped or cut: afterwards a secret is not found any more.
    ///
    /// - Parameter isCut: more may have followed: the beginning of a secret at the end is one, too.
    func bytes(_ bytes: [UInt8], isCut: Bool = false) -> [UInt8] {
        var bytes = secrets.reduce(bytes) { $0.replacing($1, with: Self.placeholder) }
        guard isCut else { return bytes }
        let halves = secrets.compactMap { secret in
            (Self.shortest..<secret.count).last { bytes.suffix($0).elementsEqual(secret.prefix($0)) }
        }
        if let half = halves.max() { bytes.replaceSubrange((bytes.count - half)..., with: Self.placeholder) }
        return bytes
    }

    /// For messages: visible and not endless.
    package func sentence(_ text: String) -> String {
        let visible = VisibleText.escaped(bytes(Array(text.utf8)))
        return visible.utf8.count <= 1_000 ? visible : String(visible.prefix(1_000)) + "…"
    }

    /// The beginning of a line, for people.
    package func quoted(_ line: [UInt8], isCut: Bool = false) -> String {
        let line = bytes(line, isCut: isCut)
        return "'" + VisibleText.escaped(Array(line.prefix(200))) + (isCut || line.count > 200 ? "…'" : "'")
    }
}

import PouchKit

/// The last lines of a plugin's standard error, for people: visible, short, and without the secrets that it was told.
struct PluginWords: Sendable {
    private static let mostBytes = 2_048

    private let redaction: Redaction
    private var tail: [UInt8] = []

    init(_ redaction: Redaction) { self.redaction = redaction }

    mutating func add(_ bytes: [UInt8]) {
        tail += bytes.suffix(Self.mostBytes)
        if tail.count > Self.mostBytes { tail.removeFirst(tail.count - Self.mostBytes) }
    }

    /// The last three lines in one.
    var text: String {
        let lines = tail.split(separator: UInt8(ascii: "\n")).suffix(3)
        return lines.map { redaction.text(VisibleText.escaped(Array($0.suffix(500)))) }.joined(separator: " | ")
    }
}

/// Takes secrets out of what a plugin says. It may print them by mistake; here they end.
struct Redaction: Sendable {
    /// A shorter one would be found in every other word.
    private static let shortest = 4

    private let secrets: [String]

    init(_ secrets: [Secret]) {
        let values = secrets.map { $0.reveal() }.filter { $0.utf8.count >= Self.shortest }
        // The longest first: one may be part of another.
        self.secrets = values.sorted { $0.utf8.count > $1.utf8.count }
    }

    func text(_ text: String) -> String { secrets.reduce(text) { $0.replacing($1, with: "<secret>") } }

    /// For messages: visible and not endless.
    func sentence(_ text: String) -> String {
        let visible = VisibleText.escaped(self.text(text))
        return visible.utf8.count <= 1_000 ? visible : String(visible.prefix(1_000)) + "…"
    }
}

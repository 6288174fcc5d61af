package import PouchKit

/// Something that a person must know of.
package struct Alert: Hashable, Sendable, Codable {
    package enum Kind: String, Hashable, Sendable, Codable {
        case held, quarantined, unaccounted, unmatched, diskShort = "disk-short", damaged, expiring, configuration, unreachable,
            stuck
    }

    package let kind: Kind
    /// What the alert is about: a partner, a folder, the state. Kind, subject and code together are its cause.
    package let subject: String
    package let code: String
    package let text: String
    package let time: Timestamp

    /// Bytes. The far end's words have any length; an argument and a pipe have not.
    private static let longestText = 8_000

    package init(kind: Kind, subject: String, code: String, text: String, time: Timestamp) {
        self.kind = kind
        self.subject = subject
        self.code = code
        self.text =
            text.utf8.count <= Self.longestText ? text : String(decoding: text.utf8.prefix(Self.longestText), as: UTF8.self) + " …"
        self.time = time
    }
}

/// Remembers which causes were told, so that a thousand files with one cause are one alert.
package struct AlertBook: Sendable {
    private struct Cause: Hashable, Sendable {
        let kind: Alert.Kind
        let subject: String
        let code: String
    }

    private var told: Set<Cause> = []

    package init() {}

    /// - Returns: whether the alert is new and should be raised.
    package mutating func isNew(_ alert: Alert) -> Bool {
        told.insert(Cause(kind: alert.kind, subject: alert.subject, code: alert.code)).inserted
    }

    /// The cause is gone; when it comes back, it is told again.
    package mutating func cleared(_ kind: Alert.Kind, subject: String) {
        told = told.filter { $0.kind != kind || $0.subject != subject }
    }
}

/// The name under which a partner receives a file: parts joined by `/`, frozen when the delivery is admitted.
///
/// A key can never climb out of the place that the destination gives it: no part is empty, `.` or `..`.
public struct DeliveryKey: Hashable, Sendable, Codable, CustomStringConvertible {
    /// S3 takes keys of at most 1,024 bytes, prefix included; each destination checks the rest of its own limits.
    public static let longestKey = 1_024

    public let description: String

    /// - Throws: `NameError` when the key is empty, absolute, over 1,024 bytes, holds a control character, or has a part that is
    ///   empty, `.` or `..`.
    public init(_ text: String) throws(NameError) {
        guard text.utf8.count <= Self.longestKey else {
            throw NameError(text: VisibleText.escaped(text), expectation: "a key of at most \(Self.longestKey) bytes")
        }
        guard !text.unicodeScalars.contains(where: { $0.value < 0x20 || $0.value == 0x7F }) else {
            throw NameError(text: VisibleText.escaped(text), expectation: "a key without control characters")
        }
        let parts = text.utf8.split(separator: UInt8(ascii: "/"), omittingEmptySubsequences: false)
        let isSafe = parts.allSatisfy { !$0.isEmpty && !$0.elementsEqual(".".utf8) && !$0.elementsEqual("..".utf8) }
        guard isSafe else {
            throw NameError(text: VisibleText.escaped(text), expectation: "a key whose parts are not empty, '.' or '..'")
        }
        description = text
    }

    /// The last part.
    public var name: String {
        description.utf8.lastIndex(of: UInt8(ascii: "/")).map { String(description[description.utf8.index(after: $0)...]) }
            ?? description
    }

    /// All but the last part, without the trailing `/`; empty when there is only one part.
    public var folder: String { description.utf8.lastIndex(of: UInt8(ascii: "/")).map { String(description[..<$0]) } ?? "" }

    /// The key to use when this one is taken: `<stem>~<8 hex of the delivery id><ext>`.
    ///
    /// It is cut, at the stem, when it would become too long for a key or a file name (255 bytes a part). An extension that
    /// leaves no room is cut like a stem, and folders that leave none are left out from the last one on.
    public func suffixed(for delivery: DeliveryID) -> DeliveryKey {
        let suffix = "~" + delivery.shortForm
        var folder = folder[...]
        var room: Int { min(255, Self.longestKey - (folder.isEmpty ? 0 : folder.utf8.count + 1)) - suffix.utf8.count }
        while room < 0 { folder = folder.utf8.lastIndex(of: UInt8(ascii: "/")).map { folder[..<$0] } ?? "" }
        var (stem, ext) = Self.stemAndExtension(of: name)
        if ext.utf8.count > room { (stem, ext) = (name, "") }
        while stem.utf8.count + ext.utf8.count > room { stem.removeLast() }
        let newName = stem + suffix + ext
        return DeliveryKey(unchecked: folder.isEmpty ? newName : folder + "/" + newName)
    }

    /// `report.tar.gz` → `report.tar`, `.gz`; a name that begins with its only dot has no extension.
    public static func stemAndExtension(of name: String) -> (stem: String, ext: String) {
        guard let dot = name.lastIndex(of: "."), dot != name.startIndex else { return (name, "") }
        return (String(name[..<dot]), String(name[dot...]))
    }

    public init(from decoder: any Decoder) throws { try self.init(decoder.singleValueContainer().decode(String.self)) }

    public func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(description)
    }

    /// Byte by byte. Swift's own comparison takes the composed and the decomposed form of an umlaut for the same text;
    /// at the far end they are two objects.
    public static func == (left: Self, right: Self) -> Bool { left.description.utf8.elementsEqual(right.description.utf8) }

    public func hash(into hasher: inout Hasher) {
        for byte in description.utf8 { hasher.combine(byte) }
    }

    init(unchecked text: String) { description = text }
}

/// What to do when the key is taken at the far end by something that is not this delivery.
public enum WhenTaken: String, Hashable, Sendable, Codable, CaseIterable {
    /// Deliver beside it, under `DeliveryKey.suffixed(for:)`. The default: nothing is lost and nothing overwritten.
    case suffix
    /// Quarantine the file, with the reason.
    case fail
    /// Overwrite, where the far end allows it.
    case replace
}

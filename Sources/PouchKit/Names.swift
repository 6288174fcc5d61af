/// What is wrong with a text that was to become a name.
public struct NameError: Error, Hashable, Sendable, CustomStringConvertible {
    public let text: String
    public let expectation: String

    public init(text: String, expectation: String) {
        self.text = text
        self.expectation = expectation
    }

    public var description: String { "'\(text)' is not a name: \(expectation)" }
}

/// A name that an operator chose: a lower-case letter, then at most 62 letters, digits or dashes.
///
/// Names are short and plain because they appear in keys, metric labels, file names and on the command line.
public protocol ChosenName: Hashable, Sendable, Codable, Comparable, CustomStringConvertible {
    /// Takes a text whose form was checked.
    init(unchecked text: String)
}

extension ChosenName {
    /// Checks the form once; from here on it is not checked again.
    ///
    /// - Throws: `NameError` when the text has another form.
    public init(_ text: String) throws(NameError) {
        let bytes = text.utf8
        let isName =
            (1...63).contains(bytes.count)
            && bytes.first.map { (UInt8(ascii: "a")...UInt8(ascii: "z")).contains($0) } == true
            && bytes.allSatisfy { byte in
                (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte)
                    || (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) || byte == UInt8(ascii: "-")
            }
        guard isName else {
            throw NameError(text: text, expectation: "a lower-case letter, then at most 62 lower-case letters, digits or dashes")
        }
        self.init(unchecked: text)
    }

    public init(from decoder: any Decoder) throws {
        try self.init(decoder.singleValueContainer().decode(String.self))
    }

    public func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(description)
    }

    public static func < (left: Self, right: Self) -> Bool { left.description < right.description }
}

/// An organisation that receives.
public struct PartnerName: ChosenName {
    public let description: String
    public init(unchecked text: String) { description = text }
}

/// A rule that says which drops go to whom.
public struct RouteName: ChosenName {
    public let description: String
    public init(unchecked text: String) { description = text }
}

/// A named source of credentials.
public struct IdentityName: ChosenName {
    public let description: String
    public init(unchecked text: String) { description = text }
}

/// A kind of destination: `s3-secure-inbox`, `local`, …
public struct AdapterName: ChosenName {
    public let description: String
    public init(unchecked text: String) { description = text }
}

/// A step of a delivery that is done under one identity: `store`, `publish`, `place`.
public struct StageName: ChosenName {
    public let description: String
    public init(unchecked text: String) { description = text }

    public static let store = StageName(unchecked: "store")
    /// On the way to `store`: some of it lies there.
    public static let storeParts = StageName(unchecked: "store-parts")
    public static let publish = StageName(unchecked: "publish")
    public static let place = StageName(unchecked: "place")
}

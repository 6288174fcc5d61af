package import PouchKit

/// A region of a cloud that speaks AWS: `eu-west-1`.
package struct Region: Hashable, Sendable, Codable, CustomStringConvertible {
    package let description: String

    /// - Throws: `NameError` unless the text is one label of a host name in lower case. `aws-global` is a name that some tools have
    /// for "wherever", and no region.
    package init(_ text: String) throws(NameError) {
        let bytes = text.utf8
        let isLabel =
            (1...63).contains(bytes.count) && !text.hasSuffix("-global")
            && bytes.allSatisfy { $0.isLowerCaseLetterOrDigit || $0 == UInt8(ascii: "-") }
            && bytes.first?.isLowerCaseLetterOrDigit == true && bytes.last?.isLowerCaseLetterOrDigit == true
        guard isLabel else {
            throw NameError(text: VisibleText.escaped(text), expectation: "a region such as eu-west-1")
        }
        description = text
    }

    package var partition: Partition { Partition(of: self) }

    package init(from decoder: any Decoder) throws { try self.init(decoder.singleValueContainer().decode(String.self)) }

    package func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(description)
    }
}

extension UInt8 {
    var isLowerCaseLetterOrDigit: Bool {
        (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(self) || isDigit
    }

    var isDigit: Bool { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(self) }

    var isLetterOrDigit: Bool { isLowerCaseLetterOrDigit || (UInt8(ascii: "A")...UInt8(ascii: "Z")).contains(self) }
}

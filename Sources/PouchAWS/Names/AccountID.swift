package import PouchKit

/// The number of an AWS account.
package struct AccountID: Hashable, Sendable, Codable, CustomStringConvertible {
    package let description: String

    /// - Throws: `NameError` unless the text is twelve digits. An unquoted number in YAML loses its leading zeros.
    package init(_ text: String) throws(NameError) {
        guard text.utf8.count == 12, text.utf8.allSatisfy(\.isDigit) else {
            throw NameError(text: VisibleText.escaped(text), expectation: "an account id: 12 digits")
        }
        description = text
    }

    package init(from decoder: any Decoder) throws { try self.init(decoder.singleValueContainer().decode(String.self)) }

    package func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(description)
    }
}

package import PouchKit

/// The full name of a role: `arn:aws:iam::111111111111:role/generator`.
package struct RoleARN: Hashable, Sendable, Codable, CustomStringConvertible {
    package let description: String
    package let account: AccountID

    /// - Throws: `NameError` when the text is not a role's ARN.
    package init(_ text: String) throws(NameError) {
        let fields = text.split(separator: ":", maxSplits: 5, omittingEmptySubsequences: false).map(String.init)
        guard fields.count == 6, fields[0] == "arn", fields[1].hasPrefix("aws"), fields[2] == "iam", fields[3].isEmpty,
            let account = try? AccountID(fields[4]), fields[5].hasPrefix("role/"), fields[5].utf8.count > "role/".utf8.count,
            fields[5].utf8.allSatisfy({ $0.isLetterOrDigit || "+=,.@_-/".utf8.contains($0) })
        else {
            throw NameError(
                text: VisibleText.escaped(text), expectation: "a role such as arn:aws:iam::111111111111:role/generator")
        }
        description = text
        self.account = account
    }

    package init(from decoder: any Decoder) throws { try self.init(decoder.singleValueContainer().decode(String.self)) }

    package func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(description)
    }
}

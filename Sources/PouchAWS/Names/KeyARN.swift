package import PouchKit

/// The full name of a KMS key: `arn:aws:kms:eu-west-1:222222222222:key/11112222-3333-4444-5555-666677778888`.
///
/// Nothing shorter will do: KMS looks up an alias or a bare key id in the account of whoever asks, and that is not the partner's.
package struct KeyARN: Hashable, Sendable, Codable, CustomStringConvertible {
    package let description: String
    package let region: Region
    package let account: AccountID

    /// - Throws: `NameError`, which says why for an alias and for a bare key id.
    package init(_ text: String) throws(NameError) {
        let fields = text.split(separator: ":", maxSplits: 5, omittingEmptySubsequences: false).map(String.init)
        guard fields.count == 6, fields[0] == "arn", fields[2] == "kms" else { throw Self.refusal(of: text) }
        guard Self.isPartition(fields[1]), let region = try? Region(fields[3]), let account = try? AccountID(fields[4]),
            Self.isKeyResource(fields[5])
        else { throw Self.refusal(of: text) }
        description = text
        self.region = region
        self.account = account
    }

    package init(from decoder: any Decoder) throws { try self.init(decoder.singleValueContainer().decode(String.self)) }

    package func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(description)
    }

    private static func isPartition(_ text: String) -> Bool {
        text.hasPrefix("aws") && text.utf8.allSatisfy { $0.isLowerCaseLetterOrDigit || $0 == UInt8(ascii: "-") }
    }

    private static func isKeyResource(_ text: String) -> Bool {
        guard text.hasPrefix("key/") else { return false }
        var id = text.dropFirst("key/".count)
        if id.hasPrefix("mrk-") { id = id.dropFirst("mrk-".count) }
        return (32...36).contains(id.utf8.count)
            && id.utf8.allSatisfy { Hexadecimal.isLowerCaseDigit($0) || $0 == UInt8(ascii: "-") }
    }

    private static func refusal(of text: String) -> NameError {
        let reason =
            if text.hasPrefix("alias/") || text.contains(":alias/") {
                "a full key ARN: an alias is looked up in the account of whoever asks, which is not the partner's"
            } else if !text.hasPrefix("arn:") {
                "a full key ARN: a bare key id is looked up in the account of whoever asks, which is not the partner's"
            } else {
                "a full key ARN such as arn:aws:kms:eu-west-1:222222222222:key/11112222-3333-4444-5555-666677778888"
            }
        return NameError(text: VisibleText.escaped(text), expectation: reason)
    }
}

package import PouchKit

/// The full name of a trust anchor or a profile of IAM Roles Anywhere:
/// `arn:aws:rolesanywhere:eu-west-1:111111111111:trust-anchor/11112222-3333-4444-5555-666677778888`.
package struct RolesAnywhereARN: Hashable, Sendable, CustomStringConvertible {
    package enum Kind: String, Hashable, Sendable {
        case trustAnchor = "trust-anchor"
        case profile
    }

    package let description: String
    package let region: Region

    /// - Throws: `NameError` when the text is not the ARN of one of that kind.
    package init(_ text: String, kind: Kind) throws(NameError) {
        let fields = text.split(separator: ":", omittingEmptySubsequences: false).map(String.init)
        guard fields.count == 6, fields[0] == "arn", fields[2] == "rolesanywhere", let region = try? Region(fields[3]),
            region.partition.rawValue == fields[1], (try? AccountID(fields[4])) != nil, fields[5].hasPrefix(kind.rawValue + "/"),
            Self.isID(fields[5].dropFirst(kind.rawValue.count + 1))
        else {
            let example = "arn:aws:rolesanywhere:eu-west-1:111111111111:\(kind.rawValue)/11112222-3333-4444-5555-666677778888"
            throw NameError(text: VisibleText.escaped(text), expectation: "a \(kind.rawValue) such as \(example)")
        }
        description = text
        self.region = region
    }

    private static func isID(_ text: Substring) -> Bool {
        text.utf8.count == 36 && text.utf8.allSatisfy { Hexadecimal.isLowerCaseDigit($0) || $0 == UInt8(ascii: "-") }
    }
}

package import PouchKit

/// The full name of an access point, which stands where a bucket's name does:
/// `arn:aws:s3:eu-west-1:111111111111:accesspoint/acme`.
package struct AccessPointARN: Hashable, Sendable, CustomStringConvertible {
    package let description: String
    package let region: Region
    package let account: AccountID
    package let name: String

    /// - Throws: `NameError` for anything but an access point of one region. Those of many regions want another signature (SigV4A),
    ///   those of Outposts and Object Lambda are other services.
    package init(_ text: String) throws(NameError) {
        let fields = text.split(separator: ":", maxSplits: 5, omittingEmptySubsequences: false).map(String.init)
        guard fields.count == 6, fields[0] == "arn", fields[2] == "s3" else { throw Self.refusal(of: text) }
        guard !fields[3].isEmpty else {
            throw NameError(
                text: VisibleText.escaped(text),
                expectation: "an access point of one region: multi-region access points want signatures that are not made here")
        }
        let resource = fields[5].split(separator: "accesspoint", maxSplits: 1, omittingEmptySubsequences: false)
        guard let region = try? Region(fields[3]), let account = try? AccountID(fields[4]), resource.count == 2,
            resource[0].isEmpty,
            resource[1].hasPrefix("/") || resource[1].hasPrefix(":"), Self.isName(resource[1].dropFirst())
        else { throw Self.refusal(of: text) }
        guard region.partition.rawValue == fields[1] else {
            throw NameError(
                text: VisibleText.escaped(text),
                expectation: "an access point of one partition: \(region) is in \(region.partition.rawValue)")
        }
        name = String(resource[1].dropFirst())
        description = "arn:\(fields[1]):s3:\(region):\(account):accesspoint/\(name)"
        self.region = region
        self.account = account
    }

    /// The label under which it is reached.
    var hostLabel: String { "\(name)-\(account)" }

    private static func isName(_ text: Substring) -> Bool {
        (3...50).contains(text.utf8.count) && text.utf8.allSatisfy { $0.isLowerCaseLetterOrDigit || $0 == UInt8(ascii: "-") }
            && text.first != "-" && text.last != "-"
    }

    private static func refusal(of text: String) -> NameError {
        NameError(
            text: VisibleText.escaped(text),
            expectation: "an access point such as arn:aws:s3:eu-west-1:111111111111:accesspoint/acme")
    }
}

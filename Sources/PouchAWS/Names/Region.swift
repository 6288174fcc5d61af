package import PouchKit

/// A region of a cloud that speaks AWS: `eu-west-1`.
package struct Region: Hashable, Sendable, Codable, CustomStringConvertible {
    package let description: String

    /// - Throws: `NameError` unless the text is one label of a host name in lower case.
    package init(_ text: String) throws(NameError) {
        let bytes = text.utf8
        let isLabel =
            (1...63).contains(bytes.count) && bytes.allSatisfy { $0.isLowerCaseLetterOrDigit || $0 == UInt8(ascii: "-") }
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

/// A separate AWS: own accounts, own ARNs, own host names. Told from the region's first part.
package enum Partition: String, Hashable, Sendable, CaseIterable {
    case standard = "aws"
    case china = "aws-cn"
    case government = "aws-us-gov"
    case europeanSovereign = "aws-eusc"

    package init(of region: Region) {
        let name = region.description
        if name.hasPrefix("cn-") {
            self = .china
        } else if name.hasPrefix("us-gov-") {
            self = .government
        } else if name.hasPrefix("eusc-") {
            self = .europeanSovereign
        } else {
            self = .standard
        }
    }

    package var hostSuffix: String {
        switch self {
        case .standard, .government: "amazonaws.com"
        case .china: "amazonaws.com.cn"
        case .europeanSovereign: "amazonaws.eu"
        }
    }
}

extension UInt8 {
    var isLowerCaseLetterOrDigit: Bool {
        (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(self) || isDigit
    }

    var isDigit: Bool { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(self) }

    var isLetterOrDigit: Bool { isLowerCaseLetterOrDigit || (UInt8(ascii: "A")...UInt8(ascii: "Z")).contains(self) }
}

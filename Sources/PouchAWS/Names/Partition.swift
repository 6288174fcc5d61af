/// A separate AWS: own accounts, own ARNs, own host names. Told from the region's first part.
package enum Partition: String, Hashable, Sendable, CaseIterable {
    case standard = "aws"
    case china = "aws-cn"
    case government = "aws-us-gov"
    case europeanSovereign = "aws-eusc"
    case iso = "aws-iso"
    case isoB = "aws-iso-b"
    case isoE = "aws-iso-e"
    case isoF = "aws-iso-f"

    package init(of region: Region) {
        let prefixes: [(String, Partition)] = [
            ("cn-", .china), ("us-gov-", .government), ("eusc-", .europeanSovereign), ("us-iso-", .iso), ("us-isob-", .isoB),
            ("eu-isoe-", .isoE), ("us-isof-", .isoF),
        ]
        self = prefixes.first { region.description.hasPrefix($0.0) }?.1 ?? .standard
    }

    package var hostSuffix: String {
        switch self {
        case .standard, .government: "amazonaws.com"
        case .china: "amazonaws.com.cn"
        case .europeanSovereign: "amazonaws.eu"
        case .iso: "c2s.ic.gov"
        case .isoB: "sc2s.sgov.gov"
        case .isoE: "cloud.adc-e.uk"
        case .isoF: "csp.hci.ic.gov"
        }
    }

    /// Of hosts that answer on IPv6 too, S3 apart, which has them below `hostSuffix`; `nil` where there are none.
    var dualStackSuffix: String? {
        switch self {
        case .standard, .government: "api.aws"
        case .china: "api.amazonwebservices.com.cn"
        case .europeanSovereign: "api.amazonwebservices.eu"
        case .iso, .isoB, .isoE, .isoF: nil
        }
    }
}

package import PouchKit

/// What a certificate's validity says at a moment.
package enum CertificateStanding: Hashable, Sendable {
    case valid
    /// It ends within 30 days.
    case expiring(days: Int64)
    case expired(days: Int64)
    case notYetValid

    static let warnAhead: Duration = .seconds(30 * 86_400)

    /// Whether files may be sealed to it.
    package var isUsable: Bool {
        switch self {
        case .valid, .expiring: true
        case .expired, .notYetValid: false
        }
    }
}

extension SealCertificate {
    package func standing(at now: Timestamp) -> CertificateStanding {
        guard now >= notBefore else { return .notYetValid }
        let left = now.duration(to: notAfter)
        if left < .zero { return .expired(days: -left.components.seconds / 86_400) }
        return left < CertificateStanding.warnAhead ? .expiring(days: left.components.seconds / 86_400) : .valid
    }

    /// What is remarkable about its validity, in words; `nil` when it is just valid.
    package func notice(at now: Timestamp) -> String? {
        switch standing(at: now) {
        case .valid: nil
        case .expiring(let days): "expires in \(Self.words(days)), on \(notAfter)"
        case .expired(let days): "expired \(Self.words(days)) ago, on \(notAfter)"
        case .notYetValid: "is valid only from \(notBefore)"
        }
    }

    private static func words(_ days: Int64) -> String {
        switch days {
        case 0: "less than a day"
        case 1: "1 day"
        default: "\(days) days"
        }
    }
}

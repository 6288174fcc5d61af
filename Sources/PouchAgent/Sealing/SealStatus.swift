import PouchCrypto
package import PouchKit

/// To whom a partner's files are sealed now, and what is wrong with that.
package struct SealStatus: Hashable, Sendable, Codable {
    package struct Recipient: Hashable, Sendable, Codable {
        /// `CN=globex (RSA 3072, until 2027-11-25)`
        package let words: String
        package let notice: SealNotice?

        package init(words: String, notice: SealNotice?) {
            self.words = words
            self.notice = notice
        }
    }

    package let recipients: [Recipient]

    package init(recipients: [Recipient]) { self.recipients = recipients }

    package var notices: [SealNotice] { recipients.compactMap(\.notice) }

    package var words: String { "sealed to " + recipients.map(\.words).joined(separator: " and ") }

    /// For `doctor`.
    package var findings: [Finding] {
        recipients.map { recipient in
            guard let notice = recipient.notice else { return Finding(.good, "files are sealed to \(recipient.words)") }
            return Finding(notice.isBlocking ? .failure : .warning, notice.text, hint: notice.hint)
        }
    }
}

/// Something that somebody should do about a certificate.
package struct SealNotice: Hashable, Sendable, Codable {
    /// Another word as it gets worse, so that it is told anew.
    package let code: String
    package let text: String
    package let hint: String?
    /// Nothing can be sealed until it is done.
    package let isBlocking: Bool

    package init(code: String, text: String, hint: String?, isBlocking: Bool) {
        self.code = code
        self.text = text
        self.hint = hint
        self.isBlocking = isBlocking
    }
}

extension SealStatus.Recipient {
    init(_ certificate: SealCertificate, at now: Timestamp, path: String) {
        let until = certificate.notAfter.description.prefix { $0 != "T" }
        let words = "\(certificate.subject) (\(certificate.key), until \(until))"
        let standing = certificate.standing(at: now)
        let notice: SealNotice?
        if let validity = certificate.notice(at: now) {
            notice = SealNotice(
                code: standing.code,
                text: "the certificate \(path) of \(certificate.subject) \(validity)",
                hint: standing == .notYetValid
                    ? "is the clock of this machine right?" : "ask for a new one, and put it in its place",
                isBlocking: !standing.isUsable
            )
        } else {
            notice = certificate.doubt.map { doubt in
                SealNotice(
                    code: "seal-certificate-usage", text: "\(path) of \(certificate.subject): \(doubt)", hint: nil,
                    isBlocking: false)
            }
        }
        self.init(words: words, notice: notice)
    }
}

extension CertificateStanding {
    fileprivate var code: String {
        switch self {
        case .valid: "seal-certificate-valid"
        case .expiring(let days): days < 7 ? "seal-certificate-expires-in-7-days" : "seal-certificate-expires-in-30-days"
        case .expired: "seal-certificate-expired"
        case .notYetValid: "seal-certificate-not-yet-valid"
        }
    }
}

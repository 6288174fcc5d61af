package import PouchCrypto
package import PouchKit

/// The files of a certificate that an identity shows itself with. They are read at each use: whoever renews the certificate replaces
/// them, and tells nobody.
package struct CertificateFiles: Hashable, Sendable {
    /// PEM: the certificate first, then perhaps those that vouch for it.
    package let certificate: String
    package let key: String
    /// PEM: further certificates that vouch for it.
    package let chain: String?

    package init(certificate: String, key: String, chain: String?) {
        self.certificate = certificate
        self.key = key
        self.chain = chain
    }

    /// What the certificate says, for people.
    package struct Report: Hashable, Sendable {
        package let subject: String
        package let serial: String
        package let notAfter: Timestamp
        package let kind: KeyKind
        package let intermediates: [String]
    }

    /// - Throws: `CredentialFailure` that names the file: it cannot be read, is open to others, does not belong to the others, has
    ///   expired, or is one that Roles Anywhere does not take. What only the time is against may pass: a machine boots with a clock that
    ///   is wrong, and a certificate is renewed.
    func read(at now: Timestamp) throws(CredentialFailure) -> CertificateSigner {
        let parts = try parts(at: now)
        return CertificateSigner(leaf: parts.leaf, intermediates: parts.intermediates, key: parts.key)
    }

    package func report(at now: Timestamp) throws(CredentialFailure) -> Report {
        let parts = try parts(at: now)
        return Report(
            subject: parts.leaf.subject, serial: parts.leaf.serial, notAfter: parts.leaf.notAfter,
            kind: parts.key.kind, intermediates: parts.intermediates.map(\.subject))
    }

    private func parts(
        at now: Timestamp
    ) throws(CredentialFailure) -> (leaf: Certificate, intermediates: [Certificate], key: SigningKey) {
        let own = try Self.certificates(in: certificate)
        let leaf = own[0]
        let more = try chain.map { path throws(CredentialFailure) in try Self.certificates(in: path) } ?? []
        let key = try privateKey()
        let step = "use the certificate \(leaf.subject) of \(certificate)"
        guard leaf.belongs(to: key) else {
            throw CredentialFailure(
                step: step, cause: "the key in \(self.key) is not the certificate's",
                hint: "was only one of the two renewed? the first certificate in the file must be the key's")
        }
        guard now >= leaf.notBefore else {
            throw CredentialFailure(
                step: step, cause: "it is not valid before \(leaf.notBefore)",
                hint: "or the clock of this machine is wrong: \(now)", isTemporary: true)
        }
        guard now < leaf.notAfter else {
            throw CredentialFailure(
                step: step, cause: "it expired at \(leaf.notAfter)",
                hint: "put a renewed certificate and its key there: they are read again at the next try, without a restart; "
                    + "or the clock of this machine is wrong: \(now)", isTemporary: true)
        }
        guard !leaf.isAuthority, leaf.maySign else {
            throw CredentialFailure(
                step: step, cause: leaf.isAuthority ? "it is an authority's" : "its key usage does not include digitalSignature",
                hint: "IAM Roles Anywhere takes end-entity certificates with the key usage digitalSignature")
        }
        // A root vouches for itself, which the trust anchor is there for.
        return (leaf, (own.dropFirst() + more).filter { !$0.isSelfIssued }, key)
    }

    private static func certificates(in path: String) throws(CredentialFailure) -> [Certificate] {
        let text = try SmallFile.text(at: path)
        do throws(CertificateFailure) {
            return try Certificate.all(in: text)
        } catch {
            throw CredentialFailure(step: "read the certificate in \(path)", cause: error.cause)
        }
    }

    private func privateKey() throws(CredentialFailure) -> SigningKey {
        let text = try SmallFile.secretText(at: key)
        do throws(CertificateFailure) {
            return try SigningKey(pem: text)
        } catch {
            throw CredentialFailure(
                step: "read the private key in \(key)", cause: error.cause,
                hint: error.cause.contains("passphrase")
                    ? "nobody is there to type one: openssl pkey -in \(key) -out FILE takes it off; keep FILE at mode 0600" : nil)
        }
    }
}

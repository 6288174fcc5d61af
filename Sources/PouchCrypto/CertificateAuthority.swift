import COpenSSL
package import PouchKit

/// Why a certificate could not be made or read.
package struct CertificateFailure: Error, Hashable, Sendable, CustomStringConvertible {
    /// "sign the certificate of localhost".
    package let attempt: String
    package let cause: String

    package var description: String { "could not \(attempt): \(cause)" }
}

/// A certificate and its private key, as PEM texts.
package struct CertifiedKey: Sendable {
    package let certificate: String
    package let privateKey: Secret

    package init(certificate: String, privateKey: Secret) {
        self.certificate = certificate
        self.privateKey = privateKey
    }
}

/// A certificate authority of one's own, for servers on loopback: ECDSA on P-256 throughout.
package struct CertificateAuthority: Sendable {
    /// The authority's own certificate is what clients are told to trust.
    package let own: CertifiedKey

    /// Makes a new authority, valid from one hour before `now`, so that a slightly slow clock accepts it.
    ///
    /// - Throws: `CertificateFailure` when OpenSSL refuses; no input leads there but a name of more than 64 characters.
    package init(name: String, now: Timestamp, validFor validity: Duration) throws(CertificateFailure) {
        let attempt = "make the certificate of \(name)"
        let key = try PrivateKey(attempt: attempt)
        var draft = try CertificateDraft(attempt: attempt)
        try draft.describe(subject: name, now: now, validFor: validity, key: key)
        try draft.adoptItself()
        try draft.extend(NID_basic_constraints, "critical,CA:TRUE,pathlen:0")
        try draft.extend(NID_key_usage, "critical,keyCertSign,cRLSign")
        try draft.extend(NID_subject_key_identifier, "hash")
        try draft.sign(with: key)
        own = CertifiedKey(certificate: try draft.pem(), privateKey: try key.pem())
    }

    /// Takes an authority that was made before.
    package init(_ own: CertifiedKey) { self.own = own }

    /// A server's certificate for `localhost`, 127.0.0.1, ::1 and more DNS names (`*.` at the front is allowed), with a new key.
    ///
    /// - Throws: `CertificateFailure` when a name is not a DNS name or the authority's PEM texts cannot be read.
    package func server(
        names: [String] = [],
        now: Timestamp,
        validFor validity: Duration
    ) throws(CertificateFailure) -> CertifiedKey {
        let attempt = "make the certificate of \(names.first ?? "localhost")"
        // The names become part of a text that OpenSSL parses: a comma would smuggle in an entry.
        for name in names where !Self.isDNSName(name) {
            throw CertificateFailure(attempt: attempt, cause: "'\(VisibleText.escaped(name))' is not a DNS name")
        }
        let issuerKey = try PrivateKey(pem: own.privateKey, attempt: attempt)
        let issuer = try CertificateDraft(pem: own.certificate, attempt: attempt)
        let key = try PrivateKey(attempt: attempt)
        var draft = try CertificateDraft(attempt: attempt)
        try draft.describe(subject: "localhost", now: now, validFor: validity, key: key)
        try draft.adopt(issuer: issuer)
        try draft.extend(NID_basic_constraints, "critical,CA:FALSE")
        try draft.extend(NID_key_usage, "critical,digitalSignature")
        try draft.extend(NID_ext_key_usage, "serverAuth")
        try draft.extend(NID_subject_key_identifier, "hash")
        try draft.extend(NID_authority_key_identifier, "keyid:always")
        let alternatives = (["localhost"] + names).map { "DNS:\($0)" } + ["IP:127.0.0.1", "IP:::1"]
        try draft.extend(NID_subject_alt_name, alternatives.joined(separator: ","))
        try draft.sign(with: issuerKey)
        return CertifiedKey(certificate: try draft.pem(), privateKey: try key.pem())
    }

    private static func isDNSName(_ name: String) -> Bool {
        let bytes = name.hasPrefix("*.") ? name.utf8.dropFirst(2) : name.utf8[...]
        let labels = bytes.split(separator: UInt8(ascii: "."), omittingEmptySubsequences: false)
        return bytes.count <= 253
            && labels.allSatisfy { label in
                (1...63).contains(label.count)
                    && label.allSatisfy { byte in
                        switch byte {
                        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"): true
                        case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "_"): true
                        default: false
                        }
                    }
            }
    }
}

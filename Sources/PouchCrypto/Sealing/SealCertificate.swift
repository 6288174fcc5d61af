import COpenSSL
package import PouchKit

/// A recipient's certificate, fit to seal to: RSA from 2,048 bits, or EC on P-256, P-384 or P-521.
package struct SealCertificate: Sendable {
    private static let curves = ["prime256v1": "P-256", "secp384r1": "P-384", "secp521r1": "P-521"]
    private static let fewestBits: Int32 = 2_048

    let certificate: Certificate
    /// SHA-256 of its own bytes: what `openssl x509 -fingerprint -sha256` says.
    package let fingerprint: SHA256Digest
    /// `CN=globex,O=Globex`
    package let subject: String
    /// `RSA 3072`, `EC P-256`
    package let key: String
    /// What a strict reader of the sealed file may object to.
    package let doubt: String?

    package var notBefore: Timestamp { certificate.notBefore }
    package var notAfter: Timestamp { certificate.notAfter }

    /// - Parameter bytes: one certificate, PEM or DER.
    /// - Throws: `SealProblem`: it is no certificate, or several, there is a private key beside it, or the key cannot be sealed to. That it is
    ///   not valid yet or any more is no problem here: `standing(at:)` tells.
    package init(_ bytes: [UInt8]) throws(SealProblem) {
        certificate = try Self.certificate(bytes)
        let (key, usage, usageName) = try Self.key(of: certificate)
        self.key = key
        fingerprint = SHA256Hasher.digest(of: certificate.der)
        subject = VisibleText.escaped(certificate.subject)
        doubt =
            certificate.isMeant(for: usage)
            ? nil : "its key usage does not name \(usageName): strict tools may refuse to open with it"
    }

    // MARK: Reading

    private static func certificate(_ bytes: [UInt8]) throws(SealProblem) -> Certificate {
        let text = String(decoding: bytes, as: UTF8.self)
        guard !text.contains("PRIVATE KEY-----") else {
            throw SealProblem(
                "has a private key in it",
                hint:
                    "only the recipient may have that: ask for the certificate alone, and for a new key if this one came from them")
        }
        guard text.contains("-----BEGIN ") else {
            do throws(CertificateFailure) { return try Certificate(der: bytes) } catch {
                throw SealProblem("is not a certificate, neither PEM nor DER", hint: certificateHint)
            }
        }
        let count = text.ranges(of: "-----BEGIN CERTIFICATE-----").count
        guard count > 0 else { throw SealProblem("is PEM, and there is no certificate in it", hint: certificateHint) }
        guard count == 1 else {
            throw SealProblem(
                "has \(count) certificates in it",
                hint: "keep the recipient's own; a chain is not needed, and nobody else is to be able to open")
        }
        do throws(CertificateFailure) { return try Certificate.all(in: text)[0] } catch {
            throw SealProblem("has a certificate in it that cannot be read: \(error.cause)")
        }
    }

    private static let certificateHint =
        "the recipient makes one with: openssl req -x509 -newkey rsa:3072 -keyout key.pem -out cert.pem"

    private static func key(of certificate: Certificate) throws(SealProblem) -> (name: String, usage: UInt32, usageName: String) {
        guard let key = X509_get0_pubkey(certificate.handle) else {
            throw SealProblem("has a public key that OpenSSL does not know: \(OpenSSLProblem.latest())", hint: keyHint)
        }
        switch EVP_PKEY_get_base_id(key) {
        case EVP_PKEY_RSA:
            let bits = EVP_PKEY_get_bits(key)
            guard bits >= fewestBits else {
                throw SealProblem("has an RSA key of \(bits) bits; at least \(fewestBits) are asked for", hint: keyHint)
            }
            return ("RSA \(bits)", UInt32(KU_KEY_ENCIPHERMENT), "keyEncipherment")
        case EVP_PKEY_EC:
            let group = groupName(of: key)
            guard let curve = curves[group] else {
                throw SealProblem(
                    "has an EC key on \(group.isEmpty ? "a curve of its own" : group); P-256, P-384 and P-521 are taken",
                    hint: keyHint)
            }
            return ("EC \(curve)", UInt32(KU_KEY_AGREEMENT), "keyAgreement")
        case let other:
            let name = OBJ_nid2sn(other).map { String(cString: $0) } ?? "unknown"
            throw SealProblem("has a key of the kind \(name), to which nothing can be sealed", hint: keyHint)
        }
    }

    private static let keyHint = "the recipient needs an RSA key from 3072 bits or an EC key on P-256, P-384 or P-521"

    private static func groupName(of key: OpaquePointer) -> String {
        var name = [CChar](repeating: 0, count: 80)
        var length = 0
        guard EVP_PKEY_get_group_name(key, &name, name.count, &length) == 1 else {
            ERR_clear_error()
            return ""
        }
        return String(decoding: name.prefix(length).map(UInt8.init(bitPattern:)), as: UTF8.self)
    }
}

/// The same certificate is the same recipient.
extension SealCertificate: Hashable {
    package static func == (one: SealCertificate, other: SealCertificate) -> Bool { one.fingerprint == other.fingerprint }

    package func hash(into hasher: inout Hasher) { hasher.combine(fingerprint) }
}

import COpenSSL
import Glibc
package import PouchKit

/// A recipient's certificate, fit to seal to: RSA from 2,048 bits, or EC on P-256, P-384 or P-521.
package struct SealCertificate: Hashable, Sendable {
    private static let curves = ["prime256v1": "P-256", "secp384r1": "P-384", "secp521r1": "P-521"]
    private static let fewestBits: Int32 = 2_048

    /// Its own bytes.
    package let der: [UInt8]
    /// SHA-256 of `der`: what `openssl x509 -fingerprint -sha256` says.
    package let fingerprint: SHA256Digest
    /// `CN=globex,O=Globex`
    package let subject: String
    /// `RSA 3072`, `EC P-256`
    package let key: String
    package let notBefore: Timestamp
    package let notAfter: Timestamp
    /// What a strict reader of the sealed file may object to.
    package let doubt: String?

    /// - Parameter bytes: one certificate, PEM or DER.
    /// - Throws: `SealProblem`: it is no certificate, or several, there is a private key beside it, or the key cannot be sealed to. That it is
    ///   not valid yet or any more is no problem here: `standing(at:)` tells.
    package init(_ bytes: [UInt8]) throws(SealProblem) {
        let parsed = try Self.parsed(bytes)
        self = try parsed.described()
    }

    /// The certificate as OpenSSL knows it; for the life of the value.
    struct Parsed: ~Copyable {
        let x509: OpaquePointer

        init(der: [UInt8]) throws(SealProblem) {
            let x509 = der.withUnsafeBufferPointer { buffer -> OpaquePointer? in
                var start = buffer.baseAddress
                return d2i_X509(nil, &start, buffer.count)
            }
            guard let x509 else { throw SealProblem("is not a certificate: \(OpenSSLProblem.latest())") }
            self.x509 = x509
        }

        init(adopting x509: OpaquePointer) { self.x509 = x509 }

        deinit { X509_free(x509) }
    }

    // MARK: Reading

    private static func parsed(_ bytes: [UInt8]) throws(SealProblem) -> Parsed {
        let text = String(decoding: bytes, as: UTF8.self)
        guard !text.contains("PRIVATE KEY-----") else {
            throw SealProblem(
                "has a private key in it",
                hint:
                    "only the recipient may have that: ask for the certificate alone, and for a new key if this one came from them")
        }
        guard text.contains("-----BEGIN ") else {
            do throws(SealProblem) { return try Parsed(der: bytes) } catch {
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
        let memory = try MemoryBIO.holding(text)
        // Without a callback OpenSSL would ask for a passphrase on the terminal.
        guard let x509 = PEM_read_bio_X509(memory.bio, nil, { _, _, _, _ in -1 }, nil) else {
            throw SealProblem("has a certificate in it that cannot be read: \(OpenSSLProblem.latest())")
        }
        return Parsed(adopting: x509)
    }

    private static let certificateHint =
        "the recipient makes one with: openssl req -x509 -newkey rsa:3072 -keyout key.pem -out cert.pem"

    fileprivate init(
        der: [UInt8], subject: String, key: String, notBefore: Timestamp, notAfter: Timestamp, doubt: String?
    ) {
        self.der = der
        fingerprint = SHA256Hasher.digest(of: der)
        self.subject = subject
        self.key = key
        self.notBefore = notBefore
        self.notAfter = notAfter
        self.doubt = doubt
    }

    fileprivate static func key(of x509: OpaquePointer) throws(SealProblem) -> (name: String, usage: UInt32, usageName: String) {
        guard let key = X509_get0_pubkey(x509) else {
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

extension SealCertificate.Parsed {
    fileprivate func described() throws(SealProblem) -> SealCertificate {
        let (key, usage, usageName) = try SealCertificate.key(of: x509)
        // All bits are set where the certificate says nothing of its use.
        let isMeant = X509_get_key_usage(x509) & usage != 0
        return SealCertificate(
            der: try der(),
            subject: try subject(),
            key: key,
            notBefore: try time(X509_get0_notBefore(x509)),
            notAfter: try time(X509_get0_notAfter(x509)),
            doubt: isMeant ? nil : "its key usage does not name \(usageName): strict tools may refuse to open with it"
        )
    }

    private func der() throws(SealProblem) -> [UInt8] {
        var bytes: UnsafeMutablePointer<UInt8>?
        let count = i2d_X509(x509, &bytes)
        guard count > 0, let bytes else { throw .openSSL("encode the certificate") }
        defer { CRYPTO_free(bytes, nil, 0) }
        return Array(UnsafeBufferPointer(start: bytes, count: Int(count)))
    }

    private func subject() throws(SealProblem) -> String {
        let memory = try MemoryBIO.holding("")
        guard pouch_print_name(memory.bio, X509_get_subject_name(x509)) >= 0 else {
            throw .openSSL("read the certificate's subject")
        }
        return VisibleText.escaped(memory.text())
    }

    private func time(_ asn1: UnsafePointer<ASN1_TIME>?) throws(SealProblem) -> Timestamp {
        var parts = tm()
        guard ASN1_TIME_to_tm(asn1, &parts) == 1 else { throw .openSSL("read the certificate's times") }
        return Timestamp(seconds: Int64(timegm(&parts)))
    }
}

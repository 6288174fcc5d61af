import COpenSSL
package import PouchKit

/// The kinds of keys that sign here.
package enum KeyKind: String, Hashable, Sendable {
    case rsa = "RSA"
    case ec = "EC"

    init?(of key: OpaquePointer) {
        switch EVP_PKEY_get_base_id(key) {
        case EVP_PKEY_RSA: self = .rsa
        case EVP_PKEY_EC: self = .ec
        default: return nil
        }
    }
}

/// A private key that signs with SHA-256: PKCS #1 v1.5 where it is an RSA key, ECDSA in DER where it is one on a curve.
///
/// Unchecked because an `EVP_PKEY` is not changed once it was read, and signing with it makes a context of its own each time.
package final class SigningKey: @unchecked Sendable {
    package let kind: KeyKind
    let key: PrivateKey

    /// - Throws: `CertificateFailure` when the PEM text holds no key, one that is protected by a passphrase, or one of another kind.
    package init(pem: Secret) throws(CertificateFailure) {
        key = try PrivateKey(pem: pem, attempt: "read a private key")
        guard let kind = KeyKind(of: key.key) else {
            throw CertificateFailure(attempt: "read a private key", cause: "it is neither an RSA key nor one on an elliptic curve")
        }
        self.kind = kind
    }

    /// - Throws: `CertificateFailure` when OpenSSL refuses, as it does for a key that is too weak for the machine's policy.
    package func signature(of message: [UInt8]) throws(CertificateFailure) -> [UInt8] {
        guard let context = EVP_MD_CTX_new() else { outOfMemory("EVP_MD_CTX_new") }
        defer { EVP_MD_CTX_free(context) }
        var count = 0
        guard EVP_DigestSignInit(context, nil, EVP_sha256(), nil, key.key) == 1,
            EVP_DigestSign(context, nil, &count, message, message.count) == 1
        else { throw failure() }
        var signature = [UInt8](repeating: 0, count: count)
        // An ECDSA signature is often shorter than the room that it asked for.
        guard EVP_DigestSign(context, &signature, &count, message, message.count) == 1 else { throw failure() }
        return Array(signature[..<count])
    }

    private func failure() -> CertificateFailure { CertificateFailure(attempt: "sign", cause: OpenSSLProblem.latest()) }
}

import COpenSSL

/// A public key, for signatures with SHA-256 (PKCS #1 v1.5, or ECDSA in DER).
///
/// Unchecked because an `EVP_PKEY` is not changed once it was read, and each verification makes a context of its own.
package final class VerifyingKey: @unchecked Sendable {
    package let kind: KeyKind
    private let key: OpaquePointer

    /// - Throws: `CertificateFailure` when the PEM text holds no public key of a kind that is known here.
    package convenience init(pem: String) throws(CertificateFailure) {
        let attempt = "read a public key"
        let memory = try MemoryBIO(pem, attempt: attempt)
        guard let key = PEM_read_bio_PUBKEY(memory.bio, nil, nil, nil) else {
            throw CertificateFailure(attempt: attempt, cause: OpenSSLProblem.latest())
        }
        try self.init(owning: key, attempt: attempt)
    }

    /// The key that a certificate speaks for.
    package convenience init(of certificate: Certificate) throws(CertificateFailure) {
        let attempt = "read the key of \(certificate.subject)"
        guard let key = X509_get_pubkey(certificate.handle) else {
            throw CertificateFailure(attempt: attempt, cause: OpenSSLProblem.latest())
        }
        try self.init(owning: key, attempt: attempt)
    }

    private init(owning key: OpaquePointer, attempt: String) throws(CertificateFailure) {
        guard let kind = KeyKind(of: key) else {
            EVP_PKEY_free(key)
            throw CertificateFailure(attempt: attempt, cause: "it is neither an RSA key nor one on an elliptic curve")
        }
        self.key = key
        self.kind = kind
    }

    deinit { EVP_PKEY_free(key) }

    package func accepts(_ signature: [UInt8], of message: [UInt8]) -> Bool {
        guard let context = EVP_MD_CTX_new() else { outOfMemory("EVP_MD_CTX_new") }
        defer {
            EVP_MD_CTX_free(context)
            // A signature that does not fit leaves its reason behind, and it is none for whoever fails next.
            ERR_clear_error()
        }
        return EVP_DigestVerifyInit(context, nil, EVP_sha256(), nil, key) == 1
            && EVP_DigestVerify(context, signature, signature.count, message, message.count) == 1
    }
}

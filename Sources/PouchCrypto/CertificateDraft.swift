import COpenSSL
import PouchKit

/// An X.509 certificate while it is put together, or one that was read.
struct CertificateDraft: ~Copyable {
    private let certificate: OpaquePointer
    private let attempt: String
    private var context = X509V3_CTX()

    init(attempt: String) throws(CertificateFailure) {
        guard let certificate = X509_new() else { throw CertificateFailure(attempt: attempt, cause: OpenSSLProblem.latest()) }
        self.certificate = certificate
        self.attempt = attempt
    }

    init(pem: String, attempt: String) throws(CertificateFailure) {
        let memory = try MemoryBIO(pem, attempt: attempt)
        guard let certificate = PEM_read_bio_X509(memory.bio, nil, nil, nil) else {
            throw CertificateFailure(attempt: attempt, cause: "the authority's certificate: \(OpenSSLProblem.latest())")
        }
        self.certificate = certificate
        self.attempt = attempt
    }

    deinit { X509_free(certificate) }

    func describe(subject: String, now: Timestamp, validFor validity: Duration, key: borrowing PrivateKey)
        throws(CertificateFailure)
    {
        try check(X509_set_version(certificate, 2))
        // Positive, and random, as RFC 5280 wants them: clients refuse two certificates of one issuer and number.
        let serial = UInt64.random(in: 1...UInt64(Int64.max))
        try check(ASN1_INTEGER_set_uint64(X509_get_serialNumber(certificate), serial))
        try check(ASN1_TIME_set(X509_getm_notBefore(certificate), Int(now.seconds - 3_600)) != nil)
        let end = now.advanced(by: validity).seconds
        try check(ASN1_TIME_set(X509_getm_notAfter(certificate), Int(end)) != nil)
        let name = X509_get_subject_name(certificate)
        try check(X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_FLAG, subject, Int32(subject.utf8.count), -1, 0))
        try check(X509_set_pubkey(certificate, key.key))
    }

    /// Names who signs. After `describe`.
    mutating func adopt(issuer: borrowing CertificateDraft) throws(CertificateFailure) { try adopt(issuer.certificate) }

    /// Names this certificate as its own signer. After `describe`.
    mutating func adoptItself() throws(CertificateFailure) { try adopt(certificate) }

    private mutating func adopt(_ issuer: OpaquePointer) throws(CertificateFailure) {
        try check(X509_set_issuer_name(certificate, X509_get_subject_name(issuer)))
        X509V3_set_ctx(&context, issuer, certificate, nil, nil, 0)
    }

    /// Adds an extension in OpenSSL's configuration syntax. After `adopt`.
    mutating func extend(_ identifier: Int32, _ value: String) throws(CertificateFailure) {
        guard let made = X509V3_EXT_conf_nid(nil, &context, identifier, value) else {
            throw CertificateFailure(attempt: attempt, cause: OpenSSLProblem.latest())
        }
        defer { X509_EXTENSION_free(made) }
        try check(X509_add_ext(certificate, made, -1))
    }

    func sign(with key: borrowing PrivateKey) throws(CertificateFailure) {
        // Answers with the length of the signature.
        try check(X509_sign(certificate, key.key, EVP_sha256()) > 0)
    }

    func pem() throws(CertificateFailure) -> String {
        let memory = try MemoryBIO(attempt: attempt)
        try check(PEM_write_bio_X509(memory.bio, certificate))
        return memory.text()
    }

    private func check(_ result: Int32) throws(CertificateFailure) { try check(result == 1) }

    private func check(_ succeeded: Bool) throws(CertificateFailure) {
        guard succeeded else { throw CertificateFailure(attempt: attempt, cause: OpenSSLProblem.latest()) }
    }
}

/// A private key: a new one is on P-256, one that is read may be any.
struct PrivateKey: ~Copyable {
    let key: OpaquePointer
    private let attempt: String

    init(attempt: String) throws(CertificateFailure) {
        guard let key = pouch_new_p256_key() else {
            throw CertificateFailure(attempt: attempt, cause: "no new key: \(OpenSSLProblem.latest())")
        }
        self.key = key
        self.attempt = attempt
    }

    init(pem: Secret, attempt: String) throws(CertificateFailure) {
        let memory = try MemoryBIO(pem.reveal(), attempt: attempt)
        // Without a callback OpenSSL would ask for the passphrase of an encrypted key on the terminal.
        guard let key = PEM_read_bio_PrivateKey(memory.bio, nil, { _, _, _, _ in -1 }, nil) else {
            let reason = OpenSSLProblem.latest()
            let isLocked = pem.reveal().contains("ENCRYPTED")
            throw CertificateFailure(
                attempt: attempt, cause: isLocked ? "the key is protected by a passphrase" : "the key cannot be read: \(reason)")
        }
        self.key = key
        self.attempt = attempt
    }

    deinit { EVP_PKEY_free(key) }

    func pem() throws(CertificateFailure) -> Secret {
        let memory = try MemoryBIO(attempt: attempt)
        guard PEM_write_bio_PrivateKey(memory.bio, key, nil, nil, 0, nil, nil) == 1 else {
            throw CertificateFailure(attempt: attempt, cause: OpenSSLProblem.latest())
        }
        return Secret(memory.text())
    }
}

/// OpenSSL's stream over memory.
struct MemoryBIO: ~Copyable {
    let bio: OpaquePointer

    init(_ text: String = "", attempt: String) throws(CertificateFailure) {
        guard let bio = BIO_new(BIO_s_mem()) else {
            throw CertificateFailure(attempt: attempt, cause: OpenSSLProblem.latest())
        }
        let bytes = Array(text.utf8)
        var written = 0
        guard bytes.isEmpty || (BIO_write_ex(bio, bytes, bytes.count, &written) == 1 && written == bytes.count) else {
            BIO_free_all(bio)
            throw CertificateFailure(attempt: attempt, cause: OpenSSLProblem.latest())
        }
        self.bio = bio
    }

    deinit { BIO_free_all(bio) }

    /// What was written and not yet read.
    func text() -> String {
        var text: [UInt8] = []
        var block = [UInt8](repeating: 0, count: 4_096)
        var count = 0
        // Answers 0 at the end, as nothing else can fail on memory.
        while BIO_read_ex(bio, &block, block.count, &count) == 1 { text.append(contentsOf: block[..<count]) }
        ERR_clear_error()
        return String(decoding: text, as: UTF8.self)
    }
}

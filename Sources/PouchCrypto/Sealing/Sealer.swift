import COpenSSL

/// Seals a stream of bytes for its recipients: CMS AuthEnvelopedData (RFC 5083) with AES-256-GCM (RFC 5084), DER and BER.
///
/// The content key is new and random for each value, and wrapped for each recipient: by RSA-OAEP with SHA-256, or by ECDH with an ephemeral
/// key, the X9.63 KDF with SHA-256 and AES-256 key wrap. Memory does not grow with the stream. Feed `update`, take what it made with
/// `takeOutput`, and do not forget what `finish` makes.
package struct Sealer: ~Copyable {
    /// What GCM takes under one key and nonce (NIST SP 800-38D): 2³⁶ − 32 bytes.
    package static let largestContent: Int64 = (1 << 36) - 32

    private let message: OpaquePointer
    private let output: OpaquePointer
    /// The chain that encrypts and encodes, down to `output`; `nil` until the first byte came.
    private var chain: OpaquePointer?

    /// - Throws: `SealProblem` when OpenSSL refuses a recipient.
    package init(to recipients: [SealCertificate]) throws(SealProblem) {
        precondition(!recipients.isEmpty, "nobody could open it")
        let message = try Self.message(to: recipients)
        guard let output = BIO_new(BIO_s_mem()) else { outOfMemory("BIO_new") }
        self.message = message
        self.output = output
        chain = nil
    }

    deinit {
        // The chain hangs on `output`, which is freed after it.
        var link = chain
        while let current = link, current != output {
            link = BIO_pop(current)
            BIO_free(current)
        }
        BIO_free(output)
        CMS_ContentInfo_free(message)
    }

    private static func message(to recipients: [SealCertificate]) throws(SealProblem) -> OpaquePointer {
        // CMS_PARTIAL: recipients come one by one, each with parameters of its own.
        guard let message = CMS_encrypt(nil, nil, EVP_aes_256_gcm(), UInt32(CMS_BINARY | CMS_STREAM | CMS_PARTIAL)) else {
            throw .openSSL("begin to seal")
        }
        do throws(SealProblem) {
            for recipient in recipients { try add(recipient, to: message) }
        } catch {
            CMS_ContentInfo_free(message)
            throw error
        }
        return message
    }

    private static func add(_ recipient: SealCertificate, to message: OpaquePointer) throws(SealProblem) {
        let attempt = "seal to \(recipient.subject)"
        guard let information = CMS_add1_recipient_cert(message, recipient.certificate.handle, UInt32(CMS_KEY_PARAM)),
            let parameters = CMS_RecipientInfo_get0_pkey_ctx(information)
        else { throw .openSSL(attempt) }
        if CMS_RecipientInfo_type(information) == CMS_RECIPINFO_TRANS {
            // Never PKCS #1 v1.5, which is what OpenSSL takes by itself.
            guard EVP_PKEY_CTX_set_rsa_padding(parameters, RSA_PKCS1_OAEP_PADDING) == 1,
                EVP_PKEY_CTX_set_rsa_oaep_md(parameters, EVP_sha256()) == 1,
                EVP_PKEY_CTX_set_rsa_mgf1_md(parameters, EVP_sha256()) == 1
            else { throw .openSSL(attempt) }
        } else {
            // OpenSSL's own is SHA-1.
            guard EVP_PKEY_CTX_set_ecdh_kdf_md(parameters, EVP_sha256()) == 1 else { throw .openSSL(attempt) }
        }
    }

    package mutating func update(_ bytes: UnsafeRawBufferPointer) throws(SealProblem) {
        guard !bytes.isEmpty else { return }
        guard let chain = try started() else { throw .openSSL("begin to seal") }
        var rest = bytes
        while !rest.isEmpty {
            let count = BIO_write(chain, rest.baseAddress, Int32(clamping: rest.count))
            guard count > 0 else { throw .openSSL("seal") }
            rest = UnsafeRawBufferPointer(rebasing: rest[Int(count)...])
        }
    }

    /// The end of the stream: the tag that vouches for all of it. Call it once, and take the output once more.
    package mutating func finish() throws(SealProblem) {
        if let chain {
            guard BIO_ctrl(chain, BIO_CTRL_FLUSH, 0, nil) == 1 else { throw .openSSL("end the seal") }
            return
        }
        // OpenSSL's streaming encoder writes nothing at all where no byte comes.
        guard let empty = BIO_new(BIO_s_mem()) else { throw .openSSL("seal nothing") }
        defer { BIO_free(empty) }
        guard BIO_ctrl(empty, BIO_C_SET_BUF_MEM_EOF_RETURN, 0, nil) == 1,
            CMS_final(message, empty, nil, UInt32(CMS_BINARY)) == 1, i2d_CMS_bio(output, message) == 1
        else { throw .openSSL("seal nothing") }
    }

    /// Lends what was made since the last call, and forgets it.
    package mutating func takeOutput<Failure>(_ body: (UnsafeRawBufferPointer) throws(Failure) -> Void) throws(Failure) {
        var start: UnsafeMutablePointer<CChar>?
        let count = BIO_ctrl(output, BIO_CTRL_INFO, 0, &start)
        guard count > 0, let start else { return }
        try body(UnsafeRawBufferPointer(start: start, count: count))
        demand(Int32(BIO_ctrl(output, BIO_CTRL_RESET, 0, nil)), "BIO_reset")
    }

    private mutating func started() throws(SealProblem) -> OpaquePointer? {
        if chain == nil { chain = BIO_new_CMS(output, message) }
        return chain
    }
}

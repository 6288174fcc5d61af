import COpenSSL
package import PouchKit

/// Opens what was sealed: the other end of `Sealer`, for people and tests. Memory does not grow with the file.
package enum SealOpener {
    private static let pieceSize = 64 << 10

    /// Decrypts a sealed file and lends its contents piece by piece.
    ///
    /// What is lent is not vouched for before the call returned: keep it where nobody takes it for the file, and drop it when this throws.
    ///
    /// - Parameters:
    ///   - key: PEM.
    ///   - certificate: of the key; with it the right recipient is found at once, and a wrong key is told as such.
    /// - Throws: `SealProblem`: no sealed file, the wrong key, or one that was changed. `body` throws its own through it.
    package static func open(
        descriptor: Int32,
        size: Int64,
        key: Secret,
        passphrase: Secret? = nil,
        certificate: SealCertificate? = nil,
        _ body: (UnsafeRawBufferPointer) throws(SealProblem) -> Void
    ) throws(SealProblem) {
        let message = try SealedMessage(SealedFileReader(descriptor: descriptor, size: size))
        let opening = try Opening(message.head, key: OpeningKey(key, passphrase: passphrase), certificate: certificate)
        let block = UnsafeMutableRawBufferPointer.allocate(byteCount: 2 * pieceSize, alignment: 16)
        defer { block.deallocate() }
        let input = UnsafeMutableRawBufferPointer(rebasing: block[..<pieceSize])
        let output = UnsafeMutableRawBufferPointer(rebasing: block[pieceSize...])
        try message.forEachPiece(input) { piece throws(SealProblem) in
            try opening.feed(piece)
            try opening.drain(output, body)
        }
        opening.end()
        try opening.drain(output, body)
        try opening.demandWhole()
    }
}

/// A private key that opens.
private struct OpeningKey: ~Copyable {
    let key: OpaquePointer

    init(_ pem: Secret, passphrase: Secret?) throws(SealProblem) {
        let text = pem.reveal()
        let memory = try MemoryBIO.holding(text)
        guard let key = Self.read(memory.bio, passphrase) else {
            let cause = OpenSSLProblem.latest()
            let isProtected = text.contains("ENCRYPTED")
            throw SealProblem(
                isProtected
                    ? passphrase == nil ? "the key is protected by a passphrase" : "the passphrase does not open the key"
                    : "there is no private key in PEM: \(cause)",
                hint: isProtected ? "give the file with the passphrase: --passphrase-file FILE" : nil
            )
        }
        self.key = key
    }

    deinit { EVP_PKEY_free(key) }

    private static func read(_ bio: OpaquePointer, _ passphrase: Secret?) -> OpaquePointer? {
        // Without a callback OpenSSL would ask on the terminal; its own takes the last argument for the passphrase.
        guard let passphrase else { return PEM_read_bio_PrivateKey(bio, nil, { _, _, _, _ in -1 }, nil) }
        var characters = Array(passphrase.reveal().utf8CString)
        return characters.withUnsafeMutableBytes { PEM_read_bio_PrivateKey(bio, nil, nil, $0.baseAddress) }
    }
}

/// OpenSSL's chain from encrypted content to contents.
private struct Opening: ~Copyable {
    private let message: OpaquePointer
    private let chain: OpaquePointer
    /// What is fed; the last link of the chain, and freed with it.
    private let input: OpaquePointer

    init(_ head: [UInt8], key: borrowing OpeningKey, certificate: SealCertificate?) throws(SealProblem) {
        let message = try Self.message(head)
        guard let input = BIO_new(BIO_s_mem()) else { outOfMemory("BIO_new") }
        let chain: OpaquePointer
        do throws(SealProblem) {
            try Self.unwrap(message, key, certificate)
            chain = try Self.chain(from: input, message)
        } catch {
            BIO_free(input)
            CMS_ContentInfo_free(message)
            throw error
        }
        self.message = message
        self.input = input
        self.chain = chain
    }

    private static func message(_ head: [UInt8]) throws(SealProblem) -> OpaquePointer {
        let message = head.withUnsafeBufferPointer { buffer -> OpaquePointer? in
            var start = buffer.baseAddress
            return d2i_CMS_ContentInfo(nil, &start, buffer.count)
        }
        guard let message else { throw .openSSL("read the sealed message") }
        return message
    }

    private static func chain(from input: OpaquePointer, _ message: OpaquePointer) throws(SealProblem) -> OpaquePointer {
        guard let chain = CMS_dataInit(message, input) else {
            ERR_clear_error()
            throw SealProblem("the key does not open it: it was sealed to others, or changed on its way")
        }
        return chain
    }

    deinit {
        BIO_free_all(chain)
        CMS_ContentInfo_free(message)
    }

    /// For RSA without a certificate OpenSSL never says here that the key is wrong, so that nobody learns from trying: the tag will not fit.
    private static func unwrap(_ message: OpaquePointer, _ key: borrowing OpeningKey, _ certificate: SealCertificate?)
        throws(SealProblem)
    {
        guard CMS_decrypt_set1_pkey(message, key.key, certificate?.certificate.handle) == 1 else {
            ERR_clear_error()
            throw SealProblem(
                certificate.map { "it is not sealed to \($0.subject), or the key is not of that certificate" }
                    ?? "it is not sealed to this key")
        }
    }

    func feed(_ piece: UnsafeRawBufferPointer) throws(SealProblem) {
        guard BIO_write(input, piece.baseAddress, Int32(piece.count)) == Int32(piece.count) else { throw .openSSL("open the seal") }
    }

    /// From now on an empty input is the end.
    func end() { demand(Int32(BIO_ctrl(input, BIO_C_SET_BUF_MEM_EOF_RETURN, 0, nil)), "BIO_set_mem_eof_return") }

    /// Lends what can be decrypted of what was fed.
    func drain(
        _ buffer: UnsafeMutableRawBufferPointer,
        _ body: (UnsafeRawBufferPointer) throws(SealProblem) -> Void
    ) throws(SealProblem) {
        while true {
            let count = BIO_read(chain, buffer.baseAddress, Int32(buffer.count))
            guard count > 0 else { return ERR_clear_error() }
            try body(UnsafeRawBufferPointer(rebasing: buffer[..<Int(count)]))
        }
    }

    /// The tag fits: nothing was changed.
    func demandWhole() throws(SealProblem) {
        guard BIO_ctrl(chain, BIO_C_GET_CIPHER_STATUS, 0, nil) == 1 else {
            ERR_clear_error()
            throw SealProblem(
                "it does not open: it was changed on its way, or it was sealed to another key",
                hint:
                    "compare its SHA-256 with the one in the sender's manifest (`sealed.sha256`), and give --cert to tell the two apart"
            )
        }
    }
}

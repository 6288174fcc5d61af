import COpenSSL
import Glibc
package import PouchKit

/// An X.509 certificate that was read.
///
/// Unchecked because an `X509` is not changed once it was read; OpenSSL guards what it derives from it by itself.
package final class Certificate: @unchecked Sendable {
    let handle: OpaquePointer
    package let der: [UInt8]
    /// In decimal, however long.
    package let serial: String
    /// `CN=edge-01,O=Org A`
    package let subject: String
    package let notBefore: Timestamp
    package let notAfter: Timestamp

    /// All certificates of a PEM text, in their order.
    ///
    /// - Throws: `CertificateFailure` when there is none, or one that cannot be read.
    package static func all(in pem: String) throws(CertificateFailure) -> [Certificate] {
        let attempt = "read certificates"
        let memory = try MemoryBIO(pem, attempt: attempt)
        var found: [Certificate] = []
        // Without a callback OpenSSL would ask for a passphrase on the terminal.
        while let handle = PEM_read_bio_X509(memory.bio, nil, { _, _, _, _ in -1 }, nil) {
            found.append(try Certificate(owning: handle, attempt: attempt))
        }
        let reason = OpenSSLProblem.latest()
        // The reader stops where no further one begins, and where one is damaged.
        guard found.count == pem.split(separator: "-----BEGIN CERTIFICATE-----", omittingEmptySubsequences: false).count - 1 else {
            throw CertificateFailure(attempt: attempt, cause: "certificate \(found.count + 1) is damaged: \(reason)")
        }
        guard !found.isEmpty else {
            throw CertificateFailure(attempt: attempt, cause: "there is no -----BEGIN CERTIFICATE-----")
        }
        return found
    }

    /// - Throws: `CertificateFailure` when the bytes are not one certificate and nothing else.
    package convenience init(der: [UInt8]) throws(CertificateFailure) {
        let attempt = "read a certificate"
        let handle = der.withUnsafeBufferPointer { bytes -> OpaquePointer? in
            var position = bytes.baseAddress
            let handle = d2i_X509(nil, &position, bytes.count)
            guard handle != nil, position == bytes.baseAddress.map({ $0 + bytes.count }) else {
                X509_free(handle)
                return nil
            }
            return handle
        }
        guard let handle else { throw CertificateFailure(attempt: attempt, cause: OpenSSLProblem.latest()) }
        try self.init(owning: handle, attempt: attempt)
    }

    private init(owning handle: OpaquePointer, attempt: String) throws(CertificateFailure) {
        guard let der = Self.der(of: handle), let serial = Self.serial(of: handle),
            let subject = try Self.subject(of: handle, attempt: attempt), let begin = Self.time(X509_get0_notBefore(handle)),
            let end = Self.time(X509_get0_notAfter(handle))
        else {
            X509_free(handle)
            throw CertificateFailure(attempt: attempt, cause: OpenSSLProblem.latest())
        }
        self.handle = handle
        self.der = der
        self.serial = serial
        self.subject = subject
        notBefore = begin
        notAfter = end
    }

    deinit { X509_free(handle) }

    package func belongs(to key: SigningKey) -> Bool {
        defer { ERR_clear_error() }
        return X509_check_private_key(handle, key.key.key) == 1
    }

    /// True for a root: nobody else vouches for it.
    package var isSelfIssued: Bool { X509_NAME_cmp(X509_get_subject_name(handle), X509_get_issuer_name(handle)) == 0 }

    /// True for what may vouch for others.
    package var isAuthority: Bool { X509_check_ca(handle) > 0 }

    /// True when the certificate's key may sign.
    package var maySign: Bool { isMeant(for: UInt32(KU_DIGITAL_SIGNATURE)) }

    /// - Parameter usage: one of OpenSSL's `KU_…`. Without the extension any use is allowed.
    func isMeant(for usage: UInt32) -> Bool { X509_get_key_usage(handle) & usage != 0 }

    /// The first `CN` of the subject.
    package var commonName: String? {
        let name = X509_get_subject_name(handle)
        let index = X509_NAME_get_index_by_NID(name, NID_commonName, -1)
        guard index >= 0, let data = X509_NAME_ENTRY_get_data(X509_NAME_get_entry(name, index)) else { return nil }
        var text: UnsafeMutablePointer<UInt8>?
        let count = ASN1_STRING_to_UTF8(&text, data)
        guard count >= 0, let text else { return nil }
        defer { CRYPTO_free(text, nil, 0) }
        return String(decoding: UnsafeBufferPointer(start: text, count: Int(count)), as: UTF8.self)
    }

    private static func der(of handle: OpaquePointer) -> [UInt8]? {
        let count = i2d_X509(handle, nil)
        guard count > 0 else { return nil }
        return [UInt8](unsafeUninitializedCapacity: Int(count)) { buffer, filled in
            var position = buffer.baseAddress
            filled = max(0, Int(i2d_X509(handle, &position)))
        }
    }

    private static func serial(of handle: OpaquePointer) -> String? {
        guard let number = ASN1_INTEGER_to_BN(X509_get0_serialNumber(handle), nil) else { return nil }
        defer { BN_free(number) }
        guard let text = BN_bn2dec(number) else { return nil }
        defer { CRYPTO_free(text, nil, 0) }
        return String(cString: text)
    }

    private static func subject(of handle: OpaquePointer, attempt: String) throws(CertificateFailure) -> String? {
        let memory = try MemoryBIO(attempt: attempt)
        guard pouch_print_name(memory.bio, X509_get_subject_name(handle)) >= 0 else { return nil }
        return memory.text()
    }

    private static func time(_ time: UnsafePointer<ASN1_TIME>?) -> Timestamp? {
        var parts = tm()
        guard ASN1_TIME_to_tm(time, &parts) == 1 else { return nil }
        return Timestamp(
            seconds: CivilDate.secondsSince1970(
                year: Int(parts.tm_year) + 1_900, month: Int(parts.tm_mon) + 1, day: Int(parts.tm_mday), hour: Int(parts.tm_hour),
                minute: Int(parts.tm_min), second: Int(parts.tm_sec)))
    }
}

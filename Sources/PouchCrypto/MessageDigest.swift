import COpenSSL

/// A digest that is fed piece by piece. One value computes any number of digests, one after the other, without allocating again.
///
/// Unchecked because the context has exactly one owner, and only `mutating` methods touch it: the value can move to another thread and
/// never be in use on two. OpenSSL ties no context to a thread.
package struct MessageDigest: ~Copyable, @unchecked Sendable {
    package enum Algorithm: Sendable {
        case md5, sha1, sha256

        package var byteCount: Int {
            switch self {
            case .md5: 16
            case .sha1: 20
            case .sha256: 32
            }
        }
    }

    private let context: OpaquePointer
    private let algorithm: Algorithm

    package init(_ algorithm: Algorithm) {
        guard let context = EVP_MD_CTX_new() else { outOfMemory("EVP_MD_CTX_new") }
        self.context = context
        self.algorithm = algorithm
        begin()
    }

    deinit { EVP_MD_CTX_free(context) }

    package mutating func update(_ bytes: UnsafeRawBufferPointer) {
        guard bytes.count > 0 else { return }
        demand(EVP_DigestUpdate(context, bytes.baseAddress, bytes.count), "EVP_DigestUpdate")
    }

    package mutating func update(_ bytes: [UInt8]) { bytes.withUnsafeBytes { update($0) } }

    /// The digest of all bytes since the start or the last `finish`; the value is then as new.
    package mutating func finish() -> [UInt8] {
        let digest = [UInt8](unsafeUninitializedCapacity: algorithm.byteCount) { buffer, count in
            demand(EVP_DigestFinal_ex(context, buffer.baseAddress, nil), "EVP_DigestFinal_ex")
            count = algorithm.byteCount
        }
        begin()
        return digest
    }

    package static func digest(of bytes: [UInt8], by algorithm: Algorithm) -> [UInt8] {
        bytes.withUnsafeBytes { digest(of: $0, by: algorithm) }
    }

    package static func digest(of bytes: UnsafeRawBufferPointer, by algorithm: Algorithm) -> [UInt8] {
        [UInt8](unsafeUninitializedCapacity: algorithm.byteCount) { buffer, count in
            let implementation = DigestImplementations.shared[algorithm]
            demand(EVP_Digest(bytes.baseAddress, bytes.count, buffer.baseAddress, nil, implementation, nil), "EVP_Digest")
            count = algorithm.byteCount
        }
    }

    private func begin() {
        demand(EVP_DigestInit_ex(context, DigestImplementations.shared[algorithm], nil), "EVP_DigestInit_ex")
    }
}

/// OpenSSL's implementations, looked up once: `EVP_sha256()` searches the providers at each use.
///
/// Unchecked because an `EVP_MD` is immutable once fetched, and these live as long as the process.
private struct DigestImplementations: @unchecked Sendable {
    static let shared = DigestImplementations()

    private let md5 = Self.fetched("MD5")
    private let sha1 = Self.fetched("SHA1")
    private let sha256 = Self.fetched("SHA256")

    subscript(_ algorithm: MessageDigest.Algorithm) -> OpaquePointer {
        switch algorithm {
        case .md5: md5
        case .sha1: sha1
        case .sha256: sha256
        }
    }

    private static func fetched(_ name: String) -> OpaquePointer {
        guard let implementation = EVP_MD_fetch(nil, name, nil) else {
            preconditionFailure("the OpenSSL of this machine offers no \(name): \(OpenSSLProblem.latest())")
        }
        return implementation
    }
}

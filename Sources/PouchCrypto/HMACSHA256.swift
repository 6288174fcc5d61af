import COpenSSL

/// HMAC-SHA256 under one key, for any number of messages.
package struct HMACSHA256: ~Copyable {
    private static let codeLength = 32

    private let context: OpaquePointer

    package init(key: [UInt8]) {
        guard let context = EVP_MAC_CTX_new(HMACImplementation.shared.algorithm) else { outOfMemory("EVP_MAC_CTX_new") }
        self.context = context
        // One byte longer than the key: a null pointer would mean "the key you already have", so an empty key needs an address.
        let keyWithAddress = key + [0]
        // The parameters only point at their names and values: both must outlive the call.
        "digest".withCString { name in
            "SHA256".withCString { value in
                let parameters = [
                    OSSL_PARAM_construct_utf8_string(name, UnsafeMutablePointer(mutating: value), 0), OSSL_PARAM_construct_end(),
                ]
                demand(EVP_MAC_init(context, keyWithAddress, key.count, parameters), "EVP_MAC_init")
            }
        }
    }

    deinit { EVP_MAC_CTX_free(context) }

    /// The 32 bytes that authenticate the message.
    package mutating func code(for message: [UInt8]) -> [UInt8] {
        demand(EVP_MAC_init(context, nil, 0, nil), "EVP_MAC_init")
        demand(EVP_MAC_update(context, message, message.count), "EVP_MAC_update")
        return [UInt8](unsafeUninitializedCapacity: Self.codeLength) { buffer, count in
            demand(EVP_MAC_final(context, buffer.baseAddress, &count, Self.codeLength), "EVP_MAC_final")
        }
    }

    /// For a key that is used once.
    package static func code(for message: [UInt8], key: [UInt8]) -> [UInt8] {
        var authentication = HMACSHA256(key: key)
        return authentication.code(for: message)
    }
}

/// OpenSSL's implementation, looked up once: searching the providers costs more than the code itself.
///
/// Unchecked because an `EVP_MAC` is immutable once fetched, and this one lives as long as the process.
private struct HMACImplementation: @unchecked Sendable {
    static let shared = HMACImplementation()

    let algorithm: OpaquePointer

    private init() {
        guard let algorithm = EVP_MAC_fetch(nil, "HMAC", nil) else {
            preconditionFailure("the OpenSSL of this machine offers no HMAC: \(OpenSSLProblem.latest())")
        }
        self.algorithm = algorithm
    }
}

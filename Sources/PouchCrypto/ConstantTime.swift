import COpenSSL

/// Comparison of secrets and signatures: how long it takes says nothing about where they differ.
package enum ConstantTime {
    /// Lengths are not secret: texts of different length are unequal at once.
    package static func isEqual(_ left: [UInt8], _ right: [UInt8]) -> Bool {
        left.count == right.count && CRYPTO_memcmp(left, right, left.count) == 0
    }

    package static func isEqual(_ left: String, _ right: String) -> Bool { isEqual(Array(left.utf8), Array(right.utf8)) }
}

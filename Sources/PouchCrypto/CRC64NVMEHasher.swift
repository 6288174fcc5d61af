import CCRC64NVME
package import PouchKit

/// CRC-64/NVME, fed piece by piece.
package struct CRC64NVMEHasher: Sendable {
    private var state = UInt64.max

    package init() {}

    package mutating func update(_ bytes: UnsafeRawBufferPointer) {
        state = pouch_crc64nvme_update(state, bytes.baseAddress, bytes.count)
    }

    package mutating func update(_ bytes: [UInt8]) { bytes.withUnsafeBytes { update($0) } }

    /// The checksum of all bytes so far; more may follow.
    package var value: CRC64NVME { CRC64NVME(~state) }

    package static func checksum(of bytes: [UInt8]) -> CRC64NVME {
        var hasher = CRC64NVMEHasher()
        hasher.update(bytes)
        return hasher.value
    }

    /// The checksum by tables alone: what the processor's own multiplication is tested against.
    package static func plainChecksum(of bytes: UnsafeRawBufferPointer) -> CRC64NVME {
        CRC64NVME(~pouch_crc64nvme_update_plain(.max, bytes.baseAddress, bytes.count))
    }

    /// Whether this processor multiplies without carry.
    package static var isAccelerated: Bool { pouch_crc64nvme_is_accelerated() == 1 }

    /// The checksum of `first` followed by `second`, from their checksums and the length of `second` in bytes: parts that were
    /// sent apart give the checksum of the whole without another reading.
    package static func combine(_ first: CRC64NVME, _ second: CRC64NVME, lengthOfSecond: Int64) -> CRC64NVME {
        precondition(lengthOfSecond >= 0, "a length is not negative")
        // Appending n zero bits multiplies by x^n; the ones at both ends cancel out, as in zlib's crc32_combine.
        return CRC64NVME(Polynomial.product(first.value, Polynomial.power(ofBytes: UInt64(lengthOfSecond))) ^ second.value)
    }
}

/// Polynomials over GF(2) modulo the one of CRC-64/NVME, reflected: bit 63 is the coefficient of x^0.
private enum Polynomial {
    private static let modulus: UInt64 = 0x9A6C_9329_AC4B_C9B5
    private static let one: UInt64 = 1 << 63

    static func product(_ left: UInt64, _ right: UInt64) -> UInt64 {
        var sum: UInt64 = 0
        var shifted = right
        for bit in stride(from: UInt64(63), through: 0, by: -1) {
            if left >> bit & 1 == 1 { sum ^= shifted }
            shifted = shifted >> 1 ^ (shifted & 1 == 1 ? modulus : 0)
        }
        return sum
    }

    /// x^(8·count), by squaring.
    static func power(ofBytes count: UInt64) -> UInt64 {
        var result = one
        var square = one >> 8
        var rest = count
        while rest > 0 {
            if rest & 1 == 1 { result = product(result, square) }
            square = product(square, square)
            rest >>= 1
        }
        return result
    }
}

/// The two 32-bit checksums that S3 clients send, fed piece by piece. By tables: they are never computed over our own files.
package struct CRC32Hasher: Sendable {
    package enum Algorithm: Sendable {
        /// CRC-32 as in zip and Ethernet.
        case crc32
        /// Castagnoli's.
        case crc32c
    }

    private static let ethernetTable = table(of: 0xEDB8_8320)
    private static let castagnoliTable = table(of: 0x82F6_3B78)

    private let table: [UInt32]
    private var state = UInt32.max

    package init(_ algorithm: Algorithm) {
        switch algorithm {
        case .crc32: table = Self.ethernetTable
        case .crc32c: table = Self.castagnoliTable
        }
    }

    package mutating func update(_ bytes: UnsafeRawBufferPointer) {
        var register = state
        table.withUnsafeBufferPointer { table in
            for byte in bytes { register = register >> 8 ^ table[Int(UInt8(truncatingIfNeeded: register) ^ byte)] }
        }
        state = register
    }

    package mutating func update(_ bytes: [UInt8]) { bytes.withUnsafeBytes { update($0) } }

    /// The checksum of all bytes so far; more may follow.
    package var value: UInt32 { ~state }

    private static func table(of polynomial: UInt32) -> [UInt32] {
        (0..<256).map { byte in
            (0..<8).reduce(UInt32(byte)) { value, _ in value >> 1 ^ (value & 1 == 1 ? polynomial : 0) }
        }
    }
}

import PouchCrypto
import PouchKit
import Testing

@Suite("Checksums")
struct ChecksumTests {
    private let nine = Array("123456789".utf8)

    @Test("CRC-64/NVME has the known answers")
    func knownCRC64NVME() {
        #expect(CRC64NVMEHasher.checksum(of: nine).value == 0xAE8B_1486_0A79_9888)
        #expect(CRC64NVMEHasher.checksum(of: nine).base64 == "rosUhgp5mIg=")
        #expect(CRC64NVMEHasher.checksum(of: []).base64 == "AAAAAAAAAAA=")
        #expect(CRC64NVMEHasher.checksum(of: [UInt8](repeating: 0, count: 32)).value == 0xCF34_7343_4D4E_CF3B)
        #expect(CRC64NVMEHasher.checksum(of: Array(0..<32)).value == 0xB9D9_D4A8_492C_BD7F)
    }

    @Test("the multiplying kernel and its plain twin agree on every length to 4096 and every alignment")
    func kernelEqualsTwin() {
        var generator = SystemRandomNumberGenerator()
        let bytes = (0..<4_096 + 16).map { _ in UInt8.random(in: 0...255, using: &generator) }
        bytes.withUnsafeBytes { bytes in
            for length in 0...4_096 {
                let piece = UnsafeRawBufferPointer(rebasing: bytes[length % 16..<length % 16 + length])
                var hasher = CRC64NVMEHasher()
                hasher.update(piece)
                #expect(hasher.value == CRC64NVMEHasher.plainChecksum(of: piece), "length \(length)")
            }
        }
        print("carry-less multiplication in use: \(CRC64NVMEHasher.isAccelerated)")
    }

    @Test("pieces of any size give the checksum of the whole")
    func inPieces() {
        let bytes = (0..<100_000).map { UInt8(truncatingIfNeeded: $0 &* 31 >> 3) }
        var hasher = CRC64NVMEHasher()
        var start = 0
        var size = 1
        while start < bytes.count {
            let end = min(start + size, bytes.count)
            hasher.update(Array(bytes[start..<end]))
            start = end
            size = size * 3 % 5_003 + 1
        }
        #expect(hasher.value == CRC64NVMEHasher.checksum(of: bytes))
    }

    @Test("checksums of parts combine to the checksum of the whole", arguments: [0, 1, 7, 8, 4_095, 65_536, 99_999, 100_000])
    func combines(split: Int) {
        let bytes = (0..<100_000).map { UInt8(truncatingIfNeeded: $0 &* 2_654_435_761 >> 7) }
        let first = CRC64NVMEHasher.checksum(of: Array(bytes[..<split]))
        let second = CRC64NVMEHasher.checksum(of: Array(bytes[split...]))
        let combined = CRC64NVMEHasher.combine(first, second, lengthOfSecond: Int64(bytes.count - split))
        #expect(combined == CRC64NVMEHasher.checksum(of: bytes))
    }

    @Test("combining is associative over terabytes")
    func combinesLargeLengths() {
        let a = CRC64NVME(0x0123_4567_89AB_CDEF)
        let b = CRC64NVME(0xFEDC_BA98_7654_3210)
        let c = CRC64NVME(0x0F1E_2D3C_4B5A_6978)
        let (lengthB, lengthC) = (Int64(5) << 40 | 12_345, Int64(3) << 41 | 999)
        let leftFirst = CRC64NVMEHasher.combine(
            CRC64NVMEHasher.combine(a, b, lengthOfSecond: lengthB), c, lengthOfSecond: lengthC)
        let rightFirst = CRC64NVMEHasher.combine(
            a, CRC64NVMEHasher.combine(b, c, lengthOfSecond: lengthC), lengthOfSecond: lengthB + lengthC)
        #expect(leftFirst == rightFirst)
    }

    @Test("CRC-32 and CRC-32C have the known answers, in pieces too")
    func knownCRC32() {
        for (algorithm, answer) in [(CRC32Hasher.Algorithm.crc32, UInt32(0xCBF4_3926)), (.crc32c, 0xE306_9283)] {
            var hasher = CRC32Hasher(algorithm)
            #expect(hasher.value == 0)
            hasher.update(Array(nine[..<4]))
            hasher.update(Array(nine[4...]))
            #expect(hasher.value == answer)
        }
    }
}

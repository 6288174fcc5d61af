import PouchCrypto
import PouchKit
import PouchTestSupport
import Testing

@Suite("FileHasher")
struct FileHasherTests {
    private static let mebibyte = 1 << 20

    @Test(
        "both digests come from one reading, whatever the size",
        arguments: [0, 1, 4_095, mebibyte - 1, mebibyte, mebibyte + 1, 3 * mebibyte + 17])
    func digests(size: Int) throws {
        let bytes = (0..<size).map { UInt8(truncatingIfNeeded: $0 &* 167 >> 2) }
        let file = try ScratchFile(bytes)
        let digests = try FileHasher.digests(ofFile: file.descriptor, size: Int64(size))
        #expect(digests.sha256 == SHA256Hasher.digest(of: bytes))
        #expect(digests.crc64nvme == CRC64NVMEHasher.checksum(of: bytes))
    }

    @Test("the descriptor's offset stays where it was")
    func offsetStays() throws {
        let file = try ScratchFile(Array("seeds".utf8))
        let before = file.offset
        _ = try FileHasher.digests(ofFile: file.descriptor, size: 5)
        #expect(file.offset == before)
    }

    @Test("a file that was cut is found out")
    func shorter() throws {
        let file = try ScratchFile([UInt8](repeating: 7, count: 10))
        #expect(throws: FileHashFailure.shorter(expected: 11, found: 10)) {
            try FileHasher.digests(ofFile: file.descriptor, size: 11)
        }
    }

    @Test("a file that grew is found out")
    func longer() throws {
        let file = try ScratchFile([UInt8](repeating: 7, count: 10))
        #expect(throws: FileHashFailure.longer(expected: 9)) { try FileHasher.digests(ofFile: file.descriptor, size: 9) }
    }

    @Test("what cannot be read says why")
    func unreadable() throws {
        let failure = #expect(throws: FileHashFailure.self) { try FileHasher.digests(ofFile: -1, size: 9) }
        #expect(failure == .unreadable(errno: 9, offset: 0))
        #expect(failure?.description == "reading at byte 0 failed: Bad file descriptor")
    }

    @Test("a reading that nobody wants any more ends")
    func abandoned() throws {
        let file = try ScratchFile([UInt8](repeating: 7, count: 3 * Self.mebibyte))
        var questions = 0
        #expect(throws: FileHashFailure.abandoned) {
            try FileHasher.digests(ofFile: file.descriptor, size: Int64(3 * Self.mebibyte)) {
                questions += 1
                return questions < 2
            }
        }
        #expect(questions == 2)
    }
}

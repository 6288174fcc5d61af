import PouchCrypto
import PouchKit
import PouchSandbox
import Testing

@Suite("Payloads")
struct PayloadTests {
    private func decode(_ text: String, hasTrailer: Bool = true, step: Int = .max) throws(Refusal) -> (
        payload: String, trailers: [String], isFinished: Bool
    ) {
        var decoder = ChunkedPayloadDecoder(hasTrailer: hasTrailer, chain: nil)
        var payload: [UInt8] = []
        var rest = Array(text.utf8)[...]
        while !rest.isEmpty {
            let piece = Array(rest.prefix(step))
            rest = rest.dropFirst(step)
            let outcome = piece.withUnsafeBytes { bytes in
                Result { () throws(Refusal) in try decoder.decode(bytes) { payload.append(contentsOf: $0) } }
            }
            try outcome.get()
        }
        return (
            String(decoding: payload, as: UTF8.self), decoder.trailers.map { $0.name + "=" + $0.value }, decoder.isFinished
        )
    }

    @Test("chunks are joined however the network cut them", arguments: [1, 2, 3, 7, 1_000])
    func chunks(step: Int) throws {
        let found = try decode("5\r\nhello\r\nA\r\n wonderful\r\n0\r\nx-amz-checksum-crc32:NhCmhg==\r\n\r\n", step: step)
        #expect(found == ("hello wonderful", ["x-amz-checksum-crc32=NhCmhg=="], true))
    }

    @Test("a body that ends early is not finished")
    func cut() throws {
        for text in ["", "5\r\nhel", "5\r\nhello", "5\r\nhello\r\n", "5\r\nhello\r\n0\r\n", "5\r\nhello\r\n0\r\na:b\r\n"] {
            #expect(try !decode(text).isFinished, "\(text.debugDescription)")
        }
    }

    @Test("bodies that are not well-formed are refused")
    func malformed() async {
        for text in ["x\r\n", "-1\r\n", "5\r\nhelloX\r\n", "5;chunk-signature=1\r\n", "0\r\nnocolon\r\n", "0\r\n\r\nmore"] {
            await #expect(throws: Refusal.self, "\(text.debugDescription)") { () async throws in try decode(text) }
        }
        await #expect(throws: Refusal.self) { () async throws in try decode("0\r\na:b\r\n", hasTrailer: false) }
        await #expect(throws: Refusal.self) { () async throws in try decode(String(repeating: "0", count: 5_000)) }
    }

    @Test(
        "checksums have their known values",
        arguments: zip(
            ChecksumAlgorithm.allCases,
            [
                "y/Q5Jg==", "4waSgw==", "rosUhgp5mIg=", "98O8HYCOBHMq32eZZczDTKeuNEE=",
                "FeKw08M4keuw8e9gnsQZQgwg4yDOlMZfvIwzEkSOsiU=",
            ]))
    func knownChecksums(algorithm: ChecksumAlgorithm, expected: String) {
        let digits = Array("123456789".utf8)
        var inPieces = ChecksumHasher(algorithm)
        for digit in digits { [digit].withUnsafeBytes { inPieces.update($0) } }
        let value = ChecksumHasher.base64(of: digits, by: algorithm)
        #expect(Base64.text(of: inPieces.finish()) == value)
        #expect(Base64.bytes(of: value)?.count == algorithm.byteCount)
        #expect(value == expected)
        #expect(ChecksumAlgorithm(header: algorithm.header) == algorithm)
    }

    @Test("what a body promises is read strictly")
    func expectations() throws {
        func refusal(_ headers: [(name: String, value: String)], mode: PayloadMode = .unsigned) -> String? {
            do {
                _ = try PayloadExpectation(RequestHeaders(headers), mode: mode)
                return nil
            } catch {
                return error.code
            }
        }
        let five = [(name: "Content-Length", value: "5")]
        #expect(refusal(five) == nil)
        #expect(refusal([]) == nil, "no body at all")
        #expect(refusal([("Transfer-Encoding", "chunked")]) == "MissingContentLength")
        #expect(refusal([("Content-Length", "-1")]) == "MissingContentLength")
        #expect(refusal([("Content-Length", "5368709120")]) == nil)
        #expect(refusal([("Content-Length", "5368709121")]) == "EntityTooLarge")
        #expect(refusal(five, mode: .chunked(isSigned: false, hasTrailer: true)) == "MissingContentLength")
        #expect(refusal(five + [("Content-MD5", "x")]) == "InvalidDigest")
        #expect(refusal(five + [("x-amz-checksum-crc32", "AAAA")]) == "InvalidRequest")
        #expect(refusal(five + [("x-amz-checksum-xxhash64", "AAAA")]) == "NotImplemented")
        #expect(refusal(five + [("x-amz-trailer", "x-amz-checksum-crc32")]) == "InvalidRequest", "no chunks, no trailer")
        #expect(refusal(five + [("x-amz-sdk-checksum-algorithm", "CRC32")]) == "InvalidRequest")
        #expect(
            refusal(five + [("x-amz-sdk-checksum-algorithm", "SHA1"), ("x-amz-checksum-crc32", "AAAAAA==")]) == "InvalidRequest")
        #expect(
            refusal(
                [("x-amz-decoded-content-length", "5"), ("x-amz-trailer", "x-amz-checksum-md5")],
                mode: .chunked(isSigned: false, hasTrailer: true)) == "InvalidRequest")
    }

    @Test("only the documented payload hashes are known")
    func modes() async throws {
        #expect(try PayloadMode("UNSIGNED-PAYLOAD") == .unsigned)
        #expect(try PayloadMode("STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER") == .chunked(isSigned: true, hasTrailer: true))
        #expect(try PayloadMode(String(repeating: "ab", count: 32)) != .unsigned)
        for text in ["", "unsigned-payload", String(repeating: "AB", count: 32), "STREAMING-AWS4-ECDSA-P256-SHA256-PAYLOAD"] {
            await #expect(throws: Refusal.self, "\(text)") { () async throws in try PayloadMode(text) }
        }
    }

    @Test("the checksum of a whole comes from its parts, and ranges find their bytes")
    func bodies() {
        func extent(_ file: String, _ text: String, offset: Int64 = 0) -> Extent {
            Extent(
                file: file, offset: offset, length: Int64(text.utf8.count),
                crc64nvme: CRC64NVMEHasher.checksum(of: Array(text.utf8)))
        }
        let body = StoredBody(extents: [extent("a", "1234"), extent("b", "567", offset: 10), extent("c", "89")])
        #expect(body.size == 9)
        #expect(body.crc64nvme.base64 == "rosUhgp5mIg=")
        #expect(StoredBody(extents: []).crc64nvme.base64 == "AAAAAAAAAAA=")
        let slices = body.slices(of: 2...7).map { "\($0.file) \($0.offset) \($0.length)" }
        #expect(slices == ["a 2 2", "b 10 3", "c 0 1"])
        #expect(body.slices(of: 4...6).map(\.file) == ["b"])
    }
}

import PouchCrypto
import PouchKit
import Testing

@Suite("Digests and codes")
struct DigestTests {
    @Test("SHA-256 has the known answers")
    func knownSHA256() {
        #expect(
            SHA256Hasher.digest(of: "").description == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855")
        #expect(
            SHA256Hasher.digest(of: "abc").description == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad")
    }

    @Test("a million times a, fed in pieces")
    func longSHA256() {
        var hasher = SHA256Hasher()
        for _ in 0..<1_000 { hasher.update([UInt8](repeating: UInt8(ascii: "a"), count: 1_000)) }
        #expect(hasher.finish().description == "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0")
    }

    @Test("a hasher is as new after finish")
    func reusable() {
        var hasher = SHA256Hasher()
        hasher.update(Array("something else".utf8))
        _ = hasher.finish()
        hasher.update(Array("abc".utf8))
        #expect(hasher.finish() == SHA256Hasher.digest(of: "abc"))
        #expect(hasher.finish() == SHA256Hasher.digest(of: ""))
    }

    @Test("MD5 and SHA-1 have the known answers")
    func olderDigests() {
        let abc = Array("abc".utf8)
        #expect(Hexadecimal.text(of: MessageDigest.digest(of: abc, by: .md5)) == "900150983cd24fb0d6963f7d28e17f72")
        #expect(Hexadecimal.text(of: MessageDigest.digest(of: abc, by: .sha1)) == "a9993e364706816aba3e25717850c26c9cd0d89d")
        var digest = MessageDigest(.md5)
        #expect(Hexadecimal.text(of: digest.finish()) == "d41d8cd98f00b204e9800998ecf8427e")
        digest.update(abc)
        #expect(Hexadecimal.text(of: digest.finish()) == "900150983cd24fb0d6963f7d28e17f72")
    }

    @Test("HMAC-SHA256 has the answers of RFC 4231")
    func knownHMAC() {
        let cases: [(key: [UInt8], message: [UInt8], code: String)] = [
            (
                [UInt8](repeating: 0x0B, count: 20), Array("Hi There".utf8),
                "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7"
            ),
            (
                Array("Jefe".utf8), Array("what do ya want for nothing?".utf8),
                "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"
            ),
            (
                [UInt8](repeating: 0xAA, count: 131), Array("Test Using Larger Than Block-Size Key - Hash Key First".utf8),
                "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54"
            ),
            ([], [], "b613679a0814d9ec772f95d778c35fc5ff1697c493715653c6c712144292c5ad"),
        ]
        for (key, message, code) in cases {
            #expect(Hexadecimal.text(of: HMACSHA256.code(for: message, key: key)) == code)
        }
    }

    @Test("one key authenticates many messages")
    func reusableKey() {
        let key = Array("key".utf8)
        var authentication = HMACSHA256(key: key)
        for text in ["first", "", "second", "first"] {
            #expect(authentication.code(for: Array(text.utf8)) == HMACSHA256.code(for: Array(text.utf8), key: key))
        }
    }

    @Test("secrets are compared whole")
    func constantTime() {
        #expect(ConstantTime.isEqual([1, 2, 3], [1, 2, 3]))
        #expect(ConstantTime.isEqual([], []))
        #expect(!ConstantTime.isEqual([1, 2, 3], [1, 2, 4]))
        #expect(!ConstantTime.isEqual("a", "ab"))
        #expect(ConstantTime.isEqual("ab", "ab"))
    }
}

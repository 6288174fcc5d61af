import PouchKit
import PouchTestSupport
import Testing

struct Base64Tests {
    @Test(
        "the vectors of RFC 4648",
        arguments: [
            ("", ""), ("f", "Zg=="), ("fo", "Zm8="), ("foo", "Zm9v"), ("foob", "Zm9vYg=="), ("fooba", "Zm9vYmE="),
            ("foobar", "Zm9vYmFy"),
        ])
    func followsTheStandard(_ text: String, _ encoded: String) {
        #expect(Base64.text(of: Array(text.utf8)) == encoded)
        #expect(Base64.bytes(of: encoded) == Array(text.utf8))
    }

    @Test(
        "what is not canonical is refused",
        arguments: ["Z", "Zg", "Zg=", "Zh==", "Zm9=", "Z===", "====", "Zg==Zg==", "Zm 9", "Zm9v\n", "Zm-_", "Zm9vé", "=Zm9"])
    func isStrict(_ text: String) { #expect(Base64.bytes(of: text) == nil) }

    @Test("any bytes come back")
    func roundTrips() {
        var generator = SeededGenerator(seed: 1)
        for count in 0..<300 {
            let bytes = generator.bytes(count)
            #expect(Base64.bytes(of: Base64.text(of: bytes)) == bytes)
        }
    }
}

struct HexadecimalTests {
    @Test("bytes are written in lower case and read in either")
    func readsBoth() {
        #expect(Hexadecimal.text(of: [0x00, 0x9F, 0xFF]) == "009fff")
        #expect(Hexadecimal.bytes(of: "009FfF") == [0x00, 0x9F, 0xFF])
        #expect(Hexadecimal.text(of: 0xAE8B_1486_0A79_9888 as UInt64) == "ae8b14860a799888")
        #expect(Hexadecimal.bytes(of: "") == [])
    }

    @Test("what is no pair of digits is refused", arguments: ["0", "0g", "0x12", " 00", "００", "0-"])
    func isStrict(_ text: String) { #expect(Hexadecimal.bytes(of: text) == nil) }

    @Test("a digest is 32 bytes and a CRC is eight")
    func sizesAreFixed() {
        #expect(SHA256Digest(hexadecimal: String(repeating: "a", count: 63)) == nil)
        #expect(SHA256Digest(bytes: [UInt8](repeating: 0, count: 31)) == nil)
        #expect(SHA256Digest(hexadecimal: String(repeating: "AB", count: 32))?.description == String(repeating: "ab", count: 32))
        #expect(CRC64NVME(0xAE8B_1486_0A79_9888).base64 == "rosUhgp5mIg=")
        #expect(CRC64NVME(base64: "rosUhgp5mIg=")?.value == 0xAE8B_1486_0A79_9888)
        #expect(CRC64NVME(base64: "rosUhgp5mA==") == nil)
    }
}

struct SecretTests {
    @Test("a secret shows nowhere but where it is revealed")
    func isHidden() {
        let secret = Secret("hunter2")
        var dumped = ""
        dump(secret, to: &dumped)
        for text in ["\(secret)", String(reflecting: secret), "\([secret])", dumped, "\(Optional(secret) as Any)"] {
            #expect(!text.contains("hunter2"), "\(text)")
        }
        #expect(secret.reveal() == "hunter2")
        #expect(Secret("").isEmpty && !secret.isEmpty)
    }
}

struct DeliveryFailureTests {
    @Test("a failure says what was tried, what came back, and the hint on a second line")
    func isReadable() {
        let failure = DeliveryFailure(
            .hold, code: "AccessDenied", attempt: "copy seeds.csv", cause: "AccessDenied (403)", hint: "grant kms:Decrypt")
        #expect(failure.description == "could not copy seeds.csv: AccessDenied (403)\nhint: grant kms:Decrypt")
        #expect(DeliveryFailure(.retry, code: "x", attempt: "a", cause: "b").description == "could not a: b")
    }
}

import PouchCrypto
import PouchFiles
import PouchKit
import PouchTestSupport
import Testing

@Suite("A sealed stream")
struct SealerTests {
    @Test(
        "is opened by each recipient with the openssl tool, and by us, whatever its size",
        arguments: [0, 1, 4_095, 4_096, 4_097, 65_536, 99_999, 100_000, 100_001, 1_048_577])
    func opens(size: Int) throws {
        let bench = try SealBench(.rsa2048, .p256)
        let contents = SealBench.noise(size)
        let sealed = try SealBench.sealed(contents, to: bench.certificates())
        let path = try bench.folder.write(sealed, to: "sealed.cms")
        for recipient in bench.recipients {
            #expect(try OpenSSLTool.opened(path, by: recipient) == contents)
            #expect(try bench.opened(sealed, by: recipient) == contents)
            #expect(try bench.opened(sealed, by: recipient, withCertificate: true) == contents)
        }
    }

    @Test("is opened with a key on each curve that is taken")
    func curves() throws {
        let bench = try SealBench(.p384, .p521)
        let sealed = try SealBench.sealed(Array("contents".utf8), to: bench.certificates())
        let path = try bench.folder.write(sealed, to: "sealed.cms")
        for recipient in bench.recipients {
            #expect(try OpenSSLTool.opened(path, by: recipient) == Array("contents".utf8))
            #expect(try bench.opened(sealed, by: recipient) == Array("contents".utf8))
        }
    }

    @Test("is AuthEnvelopedData with AES-256-GCM, its key wrapped by OAEP or ECDH with SHA-256: never CBC, never PKCS #1 v1.5")
    func form() throws {
        let bench = try SealBench(.rsa2048, .p256)
        let path = try bench.folder.write(try SealBench.sealed([1, 2, 3], to: bench.certificates()), to: "sealed.cms")
        let parsed = try OpenSSLTool.run(["asn1parse", "-inform", "DER", "-in", path])
        #expect(parsed.status == 0)
        let objects = parsed.output.split(separator: "\n").filter { $0.contains("OBJECT") }
            .compactMap { $0.split(separator: ":").last.map(String.init) }
        #expect(
            objects == [
                "id-smime-ct-authEnvelopedData", "organizationName", "commonName", "rsaesOaep", "sha256", "mgf1", "sha256",
                "id-ecPublicKey", "dhSinglePass-stdDH-sha256kdf-scheme", "id-aes256-wrap", "organizationName", "commonName",
                "pkcs7-data", "aes-256-gcm",
            ])
    }

    @Test("has another content key each time")
    func isRandom() throws {
        let bench = try SealBench(.p256)
        let certificates = try bench.certificates()
        let contents = SealBench.noise(4_096)
        let sealed = try (0..<2).map { _ in try SealBench.sealed(contents, to: certificates) }
        #expect(sealed[0] != sealed[1] && sealed[0].count == sealed[1].count)
    }

    @Test("is refused to whoever is no recipient")
    func strangers() throws {
        let bench = try SealBench(.rsa2048, .p256)
        let sealed = try SealBench.sealed(SealBench.noise(5_000), to: bench.certificates())
        let folder = try TemporaryFolder("strangers")
        for key in [Recipient.Key.rsa2048, .p256] {
            let stranger = try Recipient(key, named: "stranger-\(key)", in: folder.path)
            #expect(throws: SealProblem.self) { try bench.opened(sealed, by: stranger) }
            let told = #expect(throws: SealProblem.self) { try bench.opened(sealed, by: stranger, withCertificate: true) }
            #expect(told?.text.contains("not sealed to CN=stranger") == true, "\(told?.text ?? "")")
        }
    }

    @Test("from which a byte was changed gives nothing: not to us, and not to the openssl tool")
    func flipped() throws {
        let bench = try SealBench(.rsa2048, .p256)
        let contents = SealBench.noise(300)
        let sealed = try SealBench.sealed(contents, to: bench.certificates())
        let path = try bench.folder.write(sealed, to: "flipped.cms")
        // Content and tag are at the end. Before them stand the recipients, whose names can change without a change of the contents.
        let content = sealed.count - contents.count - 4 - 16 - 14
        for (position, bit) in zip(sealed.indices, (0..<sealed.count).map { UInt8(1) << ($0 % 8) }) {
            var changed = sealed
            changed[position] ^= bit
            for recipient in bench.recipients {
                let opened = try? bench.opened(changed, by: recipient, withCertificate: true)
                #expect(opened == nil || opened == contents, "byte \(position)")
                if (content..<sealed.count - 8).contains(position) { #expect(opened == nil, "byte \(position)") }
            }
            guard position.isMultiple(of: 41) || (content..<content + 8).contains(position) else { continue }
            try bench.folder.write(changed, to: "flipped.cms")
            let byTool = try? OpenSSLTool.opened(path, by: bench.recipients[1])
            #expect(byTool == nil || byTool == contents, "byte \(position)")
        }
    }

    @Test("whose tag was shortened gives nothing, though its contents are untouched", arguments: [0, 1, 4, 12, 15])
    func shortTag(length: Int) throws {
        let bench = try SealBench(.p256)
        let sealed = try SealBench.sealed(SealBench.noise(300), to: bench.certificates())
        // The tag is the last element; what comes after it are ends of contents.
        let ends = sealed.reversed().prefix { $0 == 0 }.count
        let start = try #require((0...ends).map { sealed.count - 18 - $0 }.last { sealed[$0...].starts(with: [4, 16]) })
        let shortened = sealed[..<start] + [4, UInt8(length)] + sealed[start + 2..<start + 2 + length] + sealed[(start + 18)...]
        let refused = #expect(throws: SealProblem.self) { try bench.opened(Array(shortened), by: bench.recipients[0]) }
        #expect(refused?.text.contains("tag") == true, "\(refused?.text ?? "it was opened")")
    }

    @Test("that was cut or goes on gives nothing")
    func cut() throws {
        let bench = try SealBench(.p256)
        let sealed = try SealBench.sealed(SealBench.noise(5_000), to: bench.certificates())
        for count in 0..<sealed.count where count % 7 == 0 || count > sealed.count - 40 {
            #expect(throws: SealProblem.self) { try bench.opened(Array(sealed[..<count]), by: bench.recipients[0]) }
        }
        #expect(throws: SealProblem.self) { try bench.opened(sealed + [0], by: bench.recipients[0]) }
    }

    @Test("that the openssl tool made is opened, and one that is not authenticated is refused")
    func madeByOthers() throws {
        let bench = try SealBench(.rsa2048)
        let plain = try bench.folder.write("contents", to: "plain")
        let made = bench.folder.path("made.cms")
        let encrypt = ["cms", "-encrypt", "-binary", "-outform", "DER", "-in", plain, "-out", made]
        let recipient = bench.recipients[0]
        #expect(try OpenSSLTool.run(encrypt + ["-aes-256-gcm", "-recip", recipient.certificatePath]).status == 0)
        #expect(try bench.opened(bench.folder.read("made.cms"), by: recipient) == Array("contents".utf8))
        #expect(try OpenSSLTool.run(encrypt + ["-aes-256-cbc", recipient.certificatePath]).status == 0)
        let refused = #expect(throws: SealProblem.self) { try bench.opened(bench.folder.read("made.cms"), by: recipient) }
        #expect(refused?.text.contains("not authenticated") == true)
    }

    @Test("what is no sealed file is told as what it is")
    func otherFiles() throws {
        let bench = try SealBench(.p256)
        let recipient = bench.recipients[0]
        let pem = #expect(throws: SealProblem.self) { try bench.opened(Array("-----BEGIN CMS-----\n".utf8), by: recipient) }
        #expect(pem?.text == "is PEM")
        for bytes in [[], [0x30], [0x30, 0x80], Array("a text".utf8), [UInt8](repeating: 0x30, count: 400)] {
            #expect(throws: SealProblem.self) { try bench.opened(bytes, by: recipient) }
        }
    }

    @Test("a key behind a passphrase opens with it, and is never asked for on the terminal")
    func passphrase() throws {
        let bench = try SealBench(.p256)
        let recipient = bench.recipients[0]
        let sealed = try SealBench.sealed([7], to: bench.certificates())
        let hidden = bench.folder.path("hidden.key")
        #expect(
            try OpenSSLTool.run(["pkey", "-in", recipient.keyPath, "-aes256", "-passout", "pass:open sesame", "-out", hidden])
                .status == 0)
        try bench.folder.write(try OpenFile.open(hidden).readAll(limit: 1 << 16), to: recipient.name + ".key")
        let without = #expect(throws: SealProblem.self) { try bench.opened(sealed, by: recipient) }
        #expect(without?.text == "the key is protected by a passphrase")
        #expect(throws: SealProblem.self) { try bench.opened(sealed, by: recipient, passphrase: "wrong") }
        #expect(try bench.opened(sealed, by: recipient, passphrase: "open sesame") == [7])
    }
}

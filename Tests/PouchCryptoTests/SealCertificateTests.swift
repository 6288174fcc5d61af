import Foundation
import PouchCrypto
import PouchFiles
import PouchKit
import PouchTestSupport
import Testing

@Suite("A certificate to seal to")
struct SealCertificateTests {
    private let folder: TemporaryFolder

    init() throws { folder = try TemporaryFolder("certificate") }

    @Test(
        "is described by its subject, its key and its fingerprint",
        arguments: [(Recipient.Key.rsa2048, "RSA 2048"), (.p256, "EC P-256"), (.p384, "EC P-384"), (.p521, "EC P-521")])
    func describes(_ key: Recipient.Key, _ name: String) throws {
        let recipient = try Recipient(key, named: "globex", in: folder.path)
        let certificate = try SealCertificate(recipient.certificate())
        #expect(certificate.subject == "CN=globex,O=Globex" && certificate.key == name && certificate.doubt == nil)
        let told = try OpenSSLTool.run(["x509", "-in", recipient.certificatePath, "-noout", "-fingerprint", "-sha256"]).output
        let fingerprint = told.split(separator: "=").last.map { $0.replacing(":", with: "").lowercased() } ?? ""
        #expect(fingerprint.trimmingCharacters(in: .whitespacesAndNewlines) == certificate.fingerprint.description)
        let der = folder.path("globex.der")
        #expect(try OpenSSLTool.run(["x509", "-in", recipient.certificatePath, "-outform", "DER", "-out", der]).status == 0)
        #expect(try SealCertificate(OpenFile.open(der).readAll(limit: 1 << 16)) == certificate)
    }

    @Test(
        "is refused with a key to which nothing can be sealed well",
        arguments: [
            (Recipient.Key.rsa1024, "an RSA key of 1024 bits"), (.secp256k1, "an EC key on secp256k1"),
            (.brainpool, "an EC key on brainpoolP256r1"), (.ed25519, "a key of the kind ED25519"),
            (.pss, "a key of the kind RSASSA-PSS"),
        ])
    func refusesKeys(_ key: Recipient.Key, _ what: String) throws {
        let recipient = try Recipient(key, named: "weak", in: folder.path)
        let problem = #expect(throws: SealProblem.self) { try SealCertificate(recipient.certificate()) }
        #expect(problem?.text.contains(what) == true, "\(problem?.text ?? "")")
        #expect(problem?.hint != nil)
    }

    @Test("is refused with a private key beside it, as one of several, and as something else")
    func refusesFiles() throws {
        let one = try Recipient(.p256, named: "one", in: folder.path)
        let two = try Recipient(.p256, named: "two", in: folder.path)
        let key = try OpenFile.open(one.keyPath).readAll(limit: 1 << 16)
        let cases: [([UInt8], String)] = [
            (try one.certificate() + key, "has a private key in it"), (key, "has a private key in it"),
            (try one.certificate() + two.certificate(), "has 2 certificates in it"),
            (Array("-----BEGIN PUBLIC KEY-----\n".utf8), "there is no certificate in it"),
            (Array("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n".utf8), "cannot be read"),
            (Array("hello".utf8), "neither PEM nor DER"), ([], "neither PEM nor DER"),
        ]
        for (bytes, text) in cases {
            let problem = #expect(throws: SealProblem.self) { try SealCertificate(bytes) }
            #expect(problem?.text.contains(text) == true, "\(text): \(problem?.text ?? "")")
        }
    }

    @Test("that is meant for something else is doubted, not refused")
    func doubts() throws {
        let signer = try Recipient(.rsa2048, named: "signer", in: folder.path, more: ["-addext", "keyUsage=digitalSignature"])
        #expect(try SealCertificate(signer.certificate()).doubt?.contains("keyEncipherment") == true)
        let sealer = try Recipient(.p256, named: "sealer", in: folder.path, more: ["-addext", "keyUsage=keyAgreement"])
        #expect(try SealCertificate(sealer.certificate()).doubt == nil)
    }

    @Test("warns for thirty days before its end, and is not used before its time or after it")
    func validity() throws {
        let made = Timestamp(seconds: 1_795_000_000)
        let authority = try CertificateAuthority(name: "globex", now: made, validFor: .seconds(100 * 86_400))
        let certificate = try SealCertificate(Array(authority.own.certificate.utf8))
        func standing(_ days: Int64, _ seconds: Int64 = 0) -> CertificateStanding {
            certificate.standing(at: made.advanced(by: .seconds(days * 86_400 + seconds)))
        }
        #expect(standing(-1) == .notYetValid && !standing(-1).isUsable)
        #expect(standing(0) == .valid && standing(70) == .valid)
        #expect(standing(70, 1) == .expiring(days: 29) && standing(70, 1).isUsable)
        #expect(standing(100) == .expiring(days: 0))
        #expect(standing(100, 1) == .expired(days: 0) && !standing(100, 1).isUsable)
        #expect(certificate.notice(at: made) == nil)
        #expect(certificate.notice(at: made.advanced(by: .seconds(99 * 86_400)))?.hasPrefix("expires in 1 day, on ") == true)
    }
}

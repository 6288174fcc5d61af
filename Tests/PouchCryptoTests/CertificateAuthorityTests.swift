import PouchCrypto
import PouchKit
import Testing

@Suite("CertificateAuthority")
struct CertificateAuthorityTests {
    private let now = Timestamp(seconds: 1_795_442_709)

    @Test("an authority and its servers are PEM texts with keys of their own")
    func texts() throws {
        let authority = try CertificateAuthority(name: "Pouch sandbox", now: now, validFor: .seconds(86_400))
        let server = try authority.server(
            names: ["acme-inbox.s3.eu-west-1.localhost", "*.localhost"], now: now, validFor: .seconds(3_600))
        for key in [authority.own, server] {
            #expect(key.certificate.hasPrefix("-----BEGIN CERTIFICATE-----\n"))
            #expect(key.certificate.hasSuffix("-----END CERTIFICATE-----\n"))
            #expect(key.privateKey.reveal().hasPrefix("-----BEGIN PRIVATE KEY-----\n"))
            #expect("\(key)".contains("<secret>"))
        }
        #expect(authority.own.privateKey != server.privateKey)
    }

    @Test("an authority that was kept signs again")
    func kept() throws {
        let made = try CertificateAuthority(name: "Pouch sandbox", now: now, validFor: .seconds(86_400))
        let server = try CertificateAuthority(made.own).server(now: now, validFor: .seconds(3_600))
        #expect(server.certificate.hasPrefix("-----BEGIN CERTIFICATE-----\n"))
    }

    @Test("a name that would smuggle in an entry is refused", arguments: ["", "a,IP:10.0.0.1", "a b", "a..b", "ü.example", "a\n"])
    func refusesNames(name: String) throws {
        let authority = try CertificateAuthority(name: "Pouch sandbox", now: now, validFor: .seconds(86_400))
        #expect(throws: CertificateFailure.self) { try authority.server(names: [name], now: now, validFor: .seconds(3_600)) }
    }

    @Test("a certificate without its end is a failure, not a crash")
    func damaged() {
        let damaged = CertificateAuthority(
            CertifiedKey(certificate: "-----BEGIN CERTIFICATE-----\nMII", privateKey: Secret("nothing")))
        #expect(throws: CertificateFailure.self) { try damaged.server(now: now, validFor: .seconds(3_600)) }
    }
}

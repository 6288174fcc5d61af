import Foundation
import PouchAgent
import PouchCommands
import PouchCrypto
import PouchFiles
import PouchKit
import PouchTestSupport
import Testing

@Suite("the certificates that a configuration seals to")
struct SealConfigurationTests {
    private func written(to certificates: String, _ make: (String) throws -> Void) throws -> WrittenConfiguration {
        let configuration = try WrittenConfiguration(
            "partners: { acme: { seal: { to: \(certificates), suffix: .cms }, deliver: { with: local, path: ./inbox } } }")
        try make(configuration.folder.path)
        return configuration
    }

    @Test("are read and shown, one or several")
    func good() throws {
        let configuration = try written(to: "[acme.pem, archive.pem]") { folder in
            _ = try Recipient(.rsa2048, named: "acme", in: folder)
            _ = try Recipient(.p256, named: "archive", in: folder)
        }
        #expect(configuration.messages == "")
        let partner = try #require(configuration.load().blueprint?.plan.partners.first)
        let words = try #require(partner.seal?.recipients.status(at: SystemClock().now)).words
        #expect(
            words.hasPrefix("sealed to CN=acme,O=Globex (RSA 2048, until ") && words.contains(" and CN=archive,O=Globex (EC P-256"))
        #expect(partner.seal?.suffix == ".cms")
    }

    @Test("are refused with their place when nothing can be sealed to them")
    func refused() throws {
        let configuration = try written(to: "[missing.pem, key.pem, weak.pem]") { folder in
            let recipient = try Recipient(.rsa1024, named: "weak", in: folder)
            let key = try OpenFile.open(recipient.keyPath).readAll(limit: 1 << 16)
            try DurableWrite.write(key, to: folder + "/key.pem")
        }
        let messages = configuration.messages.split(separator: "\n").map(String.init)
        let starts = [
            "agent.yaml:1:34: seal: the certificate missing.pem cannot be read: No such file or directory (ENOENT)",
            "agent.yaml:1:47: seal: key.pem has a private key in it", "hint: ",
            "agent.yaml:1:56: seal: weak.pem has an RSA key of 1024 bits", "hint: ",
        ]
        #expect(messages.count == starts.count, "\(messages)")
        for (message, start) in zip(messages, starts) { #expect(message.hasPrefix(start), "\(message)") }
        #expect(configuration.load().blueprint == nil)
    }

    @Test("that end soon, have ended, or are not valid yet are told, and stop no agent")
    func validity() throws {
        let day: Int64 = 86_400
        let now = SystemClock().now
        let made = { (name: String, start: Int64, length: Int64, folder: String) in
            let authority = try CertificateAuthority(
                name: name, now: now.advanced(by: .seconds(start * day)), validFor: .seconds(length * day))
            try DurableWrite.write(Array(authority.own.certificate.utf8), to: folder + "/\(name).pem")
        }
        let configuration = try written(to: "[soon.pem, old.pem, new.pem]") { folder in
            try made("soon", -1, 12, folder)
            try made("old", -12, 10, folder)
            try made("new", 2, 90, folder)
        }
        let messages = configuration.messages
        #expect(
            messages.contains("agent.yaml:1:34: warning: seal: the certificate soon.pem of CN=soon expires in 10 days"),
            "\(messages)")
        #expect(
            messages.contains("agent.yaml:1:44: warning: seal: the certificate old.pem of CN=old expired 2 days ago"), "\(messages)"
        )
        #expect(
            messages.contains("agent.yaml:1:53: warning: seal: the certificate new.pem of CN=new is valid only from"), "\(messages)"
        )
        let seal = try #require(configuration.load().blueprint?.plan.partners.first?.seal)
        let findings = seal.recipients.status(at: now).findings
        #expect(findings.map(\.severity) == [.warning, .failure, .failure])
    }
}

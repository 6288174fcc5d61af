import PouchCrypto
import PouchFiles
import PouchKit
import PouchTestSupport

/// A folder with recipients in it, and what is sealed there.
struct SealBench {
    let folder: TemporaryFolder
    let recipients: [Recipient]

    init(_ keys: Recipient.Key...) throws {
        let folder = try TemporaryFolder("seal")
        self.folder = folder
        recipients = try keys.map { try Recipient($0, named: "\($0)", in: folder.path) }
    }

    func certificates() throws -> [SealCertificate] { try recipients.map { try SealCertificate($0.certificate()) } }

    static func sealed(_ bytes: [UInt8], to certificates: [SealCertificate], pieces: Int = 100_000) throws -> [UInt8] {
        var sealer = try Sealer(to: certificates)
        var sealed: [UInt8] = []
        for start in stride(from: 0, to: bytes.count, by: pieces) {
            try bytes[start..<min(start + pieces, bytes.count)].withUnsafeBytes { try sealer.update($0) }
            sealer.takeOutput { sealed += $0 }
        }
        try sealer.finish()
        sealer.takeOutput { sealed += $0 }
        return sealed
    }

    /// Opened by us, from a file; what was lent before a failure is lost with it.
    func opened(_ sealed: [UInt8], by recipient: Recipient, withCertificate: Bool = false, passphrase: String? = nil) throws
        -> [UInt8]
    {
        let file = try OpenFile.open(try folder.write(sealed, to: "sealed-\(recipient.name)"))
        let key = Secret(String(decoding: try OpenFile.open(recipient.keyPath).readAll(limit: 1 << 16), as: UTF8.self))
        let certificate = withCertificate ? try SealCertificate(recipient.certificate()) : nil
        var opened: [UInt8] = []
        try SealOpener.open(
            descriptor: file.descriptor, size: Int64(sealed.count), key: key, passphrase: passphrase.map { Secret($0) },
            certificate: certificate
        ) { opened += $0 }
        return opened
    }

    static func noise(_ count: Int, seed: UInt64 = 1) -> [UInt8] {
        var generator = SeededGenerator(seed: seed)
        return generator.bytes(count)
    }
}

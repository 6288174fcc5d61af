import Foundation
import PouchConformance
import PouchFiles

/// The `openssl` of this machine, which a partner has, too: what it says does not depend on our code.
package enum OpenSSLTool {
    package struct Refused: Error, CustomStringConvertible {
        package let description: String
    }

    package struct Ending: Sendable {
        package let status: Int32
        package let output: String
    }

    /// - Returns: the exit code, and what it wrote to either side.
    @discardableResult
    package static func run(_ arguments: [String], in folder: String = "/") throws -> Ending {
        let process = Process()
        let output = Pipe()
        process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
        process.arguments = ["openssl"] + arguments
        process.currentDirectoryURL = URL(fileURLWithPath: folder)
        process.standardInput = FileHandle.nullDevice
        process.standardOutput = output
        process.standardError = output
        try process.run()
        let text = String(decoding: output.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
        process.waitUntilExit()
        return Ending(status: process.terminationStatus, output: text)
    }

    /// The contents of a sealed file, as its recipient gets them with the tool.
    package static func opened(_ sealed: String, by recipient: Recipient) throws -> [UInt8] {
        let folder = try TemporaryFolder("opened")
        let plain = folder.path("plain")
        let ending = try run(["cms", "-decrypt", "-inform", "DER", "-in", sealed, "-inkey", recipient.keyPath, "-out", plain])
        guard ending.status == 0 else { throw Refused(description: ending.output) }
        return try OpenFile.open(plain).readAll(limit: 2 << 30)
    }
}

/// Somebody with a key and a certificate, made by the openssl tool.
package final class Recipient: Sendable {
    package enum Key: String, Sendable, CaseIterable {
        case rsa1024 = "rsa:1024"
        case rsa2048 = "rsa:2048"
        case p256 = "P-256"
        case p384 = "P-384"
        case p521 = "P-521"
        case secp256k1
        case brainpool = "brainpoolP256r1"
        case ed25519
        case pss = "rsa-pss"

        var arguments: [String] {
            switch self {
            case .rsa1024, .rsa2048: ["-newkey", rawValue]
            case .ed25519: ["-newkey", rawValue]
            case .pss: ["-newkey", rawValue, "-pkeyopt", "rsa_keygen_bits:2048"]
            case .p256, .p384, .p521, .secp256k1, .brainpool: ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:" + rawValue]
            }
        }
    }

    package let name: String
    package let keyPath: String
    package let certificatePath: String

    /// - Parameters:
    ///   - folder: where key and certificate go: `<name>.key`, `<name>.pem`.
    ///   - more: further arguments of `openssl req`.
    package init(_ key: Key, named name: String, in folder: String, days: Int = 365, more: [String] = []) throws {
        self.name = name
        keyPath = folder + "/\(name).key"
        certificatePath = folder + "/\(name).pem"
        let ending = try OpenSSLTool.run(
            [
                "req", "-x509", "-nodes", "-subj", "/O=Globex/CN=\(name)", "-days", "\(days)", "-keyout", keyPath, "-out",
                certificatePath,
            ]
                + key.arguments + more)
        guard ending.status == 0 else { throw OpenSSLTool.Refused(description: ending.output) }
    }

    package func certificate() throws -> [UInt8] { try OpenFile.open(certificatePath).readAll(limit: 1 << 20) }
}

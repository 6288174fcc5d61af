import Foundation
package import PouchConformance

/// A small certification, made with the OpenSSL command line: what our own code reads and signs is then judged by somebody else.
package final class TestPKI: Sendable {
    package enum Kind: String, Sendable, CaseIterable {
        case rsa, ec

        fileprivate var newKey: [String] {
            switch self {
            case .rsa: ["-newkey", "rsa:2048"]
            case .ec: ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256"]
            }
        }
    }

    package struct Failure: Error, CustomStringConvertible {
        package let description: String
    }

    package let folder: TemporaryFolder

    /// A root, and below it an intermediate authority.
    package init() throws {
        folder = try TemporaryFolder("pki")
        try folder.write("basicConstraints=critical,CA:TRUE\nkeyUsage=critical,keyCertSign,cRLSign\n", to: "authority.cnf")
        try folder.write("basicConstraints=critical,CA:FALSE\nkeyUsage=critical,digitalSignature\n", to: "leaf.cnf")
        try request("root", subject: "/CN=Test Root", .ec)
        try openssl([
            "x509", "-req", "-in", "root.csr", "-signkey", "root.key", "-extfile", "authority.cnf", "-days", "30", "-out",
            "root.pem",
        ])
        try request("middle", subject: "/O=Org A/CN=Test Middle", .ec)
        try sign("middle", by: "root", extensions: "authority.cnf", serial: "77")
    }

    /// A leaf with a new key, below the intermediate authority: `NAME.pem`, `NAME.key`.
    ///
    /// - Parameter serial: Longer than 64 bits by default, as public authorities make them.
    package func leaf(
        _ name: String,
        _ kind: Kind,
        commonName: String = "edge-01",
        serial: String = "0xA1B2C3D4E5F60718293A4B5C6D7E8F90",
        extensions: String = "leaf.cnf",
        by issuer: String = "middle"
    ) throws {
        try request(name, subject: "/O=Org A/CN=\(commonName)", kind)
        try sign(name, by: issuer, extensions: extensions, serial: serial)
    }

    package func path(_ name: String) -> String { folder.path(name) }

    private func request(_ name: String, subject: String, _ kind: Kind) throws {
        try openssl(
            ["req", "-new", "-nodes", "-keyout", "\(name).key", "-out", "\(name).csr", "-subj", subject] + kind.newKey)
    }

    private func sign(_ name: String, by issuer: String, extensions: String, serial: String) throws {
        try openssl([
            "x509", "-req", "-in", "\(name).csr", "-CA", "\(issuer).pem", "-CAkey", "\(issuer).key", "-set_serial", serial,
            "-extfile", extensions, "-days", "20", "-out", "\(name).pem",
        ])
    }

    /// What `openssl` prints.
    ///
    /// - Throws: `Failure` when it does not end with 0.
    @discardableResult
    package func openssl(_ arguments: [String]) throws -> String {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/usr/bin/openssl")
        process.arguments = arguments
        process.currentDirectoryURL = URL(fileURLWithPath: folder.path)
        let output = Pipe()
        let errors = Pipe()
        process.standardOutput = output
        process.standardError = errors
        try process.run()
        // Both are a few lines: neither pipe can fill up while the other is read.
        let text = String(decoding: output.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
        let complaint = String(decoding: errors.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
        process.waitUntilExit()
        guard process.terminationStatus == 0 else {
            throw Failure(description: "openssl \(arguments.joined(separator: " ")): \(complaint)")
        }
        return text
    }
}

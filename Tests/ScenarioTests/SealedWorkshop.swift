import Foundation
import PouchCrypto
import PouchKit
import PouchTestSupport

/// A workshop whose partner gets sealed files, and has the key.
final class SealedWorkshop: Sendable {
    let workshop: Workshop
    let partner: Recipient
    /// A second one who may open.
    let archive: Recipient

    init(watch: String = "then: delete", limits: String = "{ at-once: 8 }", routes: String? = nil) throws {
        let partners =
            "desk: { seal: { to: [desk.pem, archive.pem], suffix: .cms }, deliver: { with: local, path: ./inbox }, limits: \(limits) }"
        workshop =
            if let routes { try Workshop(watch: watch, partners: partners, routes: routes) } else {
                try Workshop(watch: watch, partners: partners)
            }
        partner = try Recipient(.rsa2048, named: "desk", in: workshop.folder.path)
        archive = try Recipient(.p256, named: "archive", in: workshop.folder.path)
    }

    /// What the partner has, opened with the line that docs/sealing.md gives it, by the names of the sealed files.
    func opened(by recipient: Recipient? = nil) throws -> [Workshop.Found] {
        let recipient = recipient ?? partner
        let places = workshop.files("inbox").filter { !($0.split(separator: "/").last ?? "").hasPrefix(".") }
        return try places.map { place in
            let body = try Self.open(workshop.inbox.appendingPathComponent(place), with: recipient.keyPath)
            return Workshop.Found(place: place, sha256: SHA256Hasher.digest(of: Array(body)).description)
        }
    }

    /// What must be gone when everything is delivered.
    func leftovers() -> [String] { workshop.leftovers() + workshop.files("state/sealed") }

    struct NotOpened: Error, CustomStringConvertible {
        let description: String
    }

    /// The documented line, run by a shell in a folder of the partner's own.
    static func open(_ sealed: URL, with key: String) throws -> Data {
        let desk = FileManager.default.temporaryDirectory.appendingPathComponent("pouch-desk-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: desk, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: desk) }
        try FileManager.default.createSymbolicLink(at: desk.appendingPathComponent("report.csv.cms"), withDestinationURL: sealed)
        try FileManager.default.createSymbolicLink(
            at: desk.appendingPathComponent("key.pem"), withDestinationURL: URL(fileURLWithPath: key))
        let shell = Process()
        let errors = Pipe()
        shell.executableURL = URL(fileURLWithPath: "/bin/sh")
        shell.arguments = ["-c", try documentedLine()]
        shell.currentDirectoryURL = desk
        shell.standardError = errors
        try shell.run()
        let told = String(decoding: errors.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
        shell.waitUntilExit()
        let opened = desk.appendingPathComponent("report.csv")
        guard shell.terminationStatus == 0, FileManager.default.fileExists(atPath: opened.path) else {
            throw NotOpened(description: told)
        }
        return try Data(contentsOf: opened)
    }

    static func documentedLine() throws -> String {
        let checkout = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent()
        let page = try String(contentsOf: checkout.appendingPathComponent("docs/sealing.md"), encoding: .utf8)
        guard let line = page.components(separatedBy: "```sh\n").dropFirst().first?.components(separatedBy: "```").first else {
            throw NotOpened(description: "docs/sealing.md has no line for the partner")
        }
        return line
    }
}

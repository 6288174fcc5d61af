import ArgumentParser
import Foundation
import PouchAgent
import PouchCrypto
import PouchFiles
import PouchKit

/// `pouch open FILE --key KEY`
struct OpenCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "open",
        abstract: "Opens a sealed file with the key of one of its recipients.",
        discussion: """
            The contents appear under their name only when all of them were found unchanged: from a file that was changed anywhere comes nothing.
            `openssl cms -decrypt` opens the same files, but holds them in memory, and writes before it has checked.

            Examples:
              pouch open report.csv.cms --key key.pem                 makes report.csv
              pouch open sealed.bin --key key.pem --cert cert.pem -o report.csv
            """
    )

    /// Bytes. A key has a few thousand.
    private static let longestText = 1 << 20
    private static let suffix = ".cms"

    @Argument(help: "The sealed file.", completion: .file()) var path: String
    @Option(help: "The private key, PEM.", completion: .file()) var key: String
    @Option(name: .customLong("cert"), help: "The certificate of the key: a wrong key is then told as such.", completion: .file())
    var certificate: String?
    @Option(help: "The first line of this file opens the key.", completion: .file()) var passphraseFile: String?
    @Option(
        name: [.customShort("o"), .customLong("output")], help: "The file to make; FILE without .cms by itself.",
        completion: .file())
    var output: String?

    func validate() throws {
        if output == nil, !path.hasSuffix(Self.suffix) || path.hasSuffix("/" + Self.suffix) || path == Self.suffix {
            throw ValidationError("'\(VisibleText.escaped(path))' does not end in \(Self.suffix): say what to make with --output")
        }
    }

    func run() async throws {
        let target = OutputFile(output ?? String(path.dropLast(Self.suffix.count)))
        let opening = Opening(path: path, key: key, passphrase: passphraseFile, certificate: certificate)
        do throws(SealProblem) {
            try await onBlockingThread { () throws(SealProblem) in try opening.open(into: target) }
            Terminal.print("\(VisibleText.escaped(target.path)) is whole and unchanged")
        } catch {
            throw Refusal(error.text, hint: error.hint).told()
        }
    }

    private struct Opening: Sendable {
        let path: String
        let key: String
        let passphrase: String?
        let certificate: String?

        func open(into target: OutputFile) throws(SealProblem) {
            let certificate = try certificate.map { path throws(SealProblem) in try SealRecipients(paths: []).certificate(path) }
            let key = Secret(try text(of: key))
            let passphrase = try passphrase.map { path throws(SealProblem) in
                Secret(String(try text(of: path).prefix { !$0.isNewline }))
            }
            let sealed: SharedFile
            let size: Int64
            do throws(FileProblem) {
                sealed = try OpenFile.open(path).shared()
                size = try sealed.status().size
            } catch {
                throw SealProblem("\(error)")
            }
            do throws(SealProblem) {
                try target.write(mode: 0o600, translating: { SealProblem("\($0)") }) { file throws(SealProblem) in
                    try SealOpener.open(
                        descriptor: sealed.descriptor, size: size, key: key, passphrase: passphrase, certificate: certificate
                    ) { bytes throws(SealProblem) in
                        do throws(FileProblem) { try file.write(bytes) } catch { throw SealProblem("\(error)") }
                    }
                }
            } catch {
                throw SealProblem("could not open \(VisibleText.escaped(path)): \(error.text)", hint: error.hint)
            }
        }

        private func text(of path: String) throws(SealProblem) -> String {
            let bytes: [UInt8]
            do throws(FileProblem) { bytes = try OpenFile.open(path).readAll(limit: OpenCommand.longestText) } catch {
                throw SealProblem("\(error)")
            }
            return String(decoding: bytes, as: UTF8.self)
        }
    }
}

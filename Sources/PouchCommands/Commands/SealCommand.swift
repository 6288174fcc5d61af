import ArgumentParser
import Foundation
import PouchAgent
import PouchCrypto
import PouchFiles
import PouchKit

/// `pouch seal FILE --to CERTIFICATE`
struct SealCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "seal",
        abstract: "Encrypts a file for those who hold the key of a certificate.",
        discussion: """
            CMS AuthEnvelopedData with AES-256-GCM, as a partner with `seal:` gets it. Whoever has the key of one of the certificates opens it,
            with `pouch open` or `openssl cms -decrypt`; nobody else does, and no change on the way goes unnoticed. The file stays as it is.

            Examples:
              pouch seal report.csv --to globex.pem                    makes report.csv.cms
              pouch seal report.csv --to a.pem --to b.pem -o out.cms   two may open it
            """
    )

    @Argument(help: "The file.", completion: .file()) var path: String
    @Option(
        name: .customLong("to"), help: "A recipient's certificate, PEM or DER; may be given several times.", completion: .file())
    var recipients: [String]
    @Option(name: [.customShort("o"), .customLong("output")], help: "The sealed file; FILE.cms by itself.", completion: .file())
    var output: String?

    func validate() throws {
        if recipients.isEmpty { throw ValidationError("somebody must be able to open it: --to CERTIFICATE") }
    }

    func run() async throws {
        let target = OutputFile(output ?? path + ".cms")
        let (path, paths) = (path, recipients.map { URL(fileURLWithPath: $0).standardizedFileURL.path })
        do throws(SealProblem) {
            let certificates = try await onBlockingThread { () throws(SealProblem) in try Self.certificates(paths) }
            _ = try await onBlockingThread { () throws(SealProblem) in try Self.seal(path, into: target, for: certificates) }
            let names = certificates.map { "\($0.subject) (\($0.key))" }.joined(separator: " and ")
            Terminal.print("\(VisibleText.escaped(target.path)) is sealed to \(names)")
        } catch {
            throw Refusal(error.text, hint: error.hint).told()
        }
    }

    private static func certificates(_ paths: [String]) throws(SealProblem) -> [SealCertificate] {
        let recipients = SealRecipients(paths: paths)
        let certificates = try recipients.certificates()
        for notice in recipients.status(at: SystemClock().now).notices {
            guard !notice.isBlocking else { throw SealProblem(notice.text, hint: notice.hint) }
            Terminal.complain("warning: \(notice.text)")
        }
        return certificates
    }

    private static func seal(_ path: String, into target: OutputFile, for recipients: [SealCertificate])
        throws(SealProblem) -> SealedCopy.Made
    {
        let source: SharedFile
        let size: Int64
        do throws(FileProblem) {
            source = try OpenFile.open(path).shared()
            size = try source.status().size
        } catch {
            throw SealProblem("\(error)")
        }
        guard size <= Sealer.largestContent else {
            throw SealProblem(
                "\(VisibleText.escaped(path)) has \(size) bytes, and at most \(Sealer.largestContent) can be sealed at once")
        }
        return try target.write(mode: 0o644, translating: { SealProblem("\($0)") }) { file throws(SealProblem) in
            do throws(SealedCopy.Failure) {
                return try SealedCopy.seal(
                    source.descriptor, named: source.path, size: size, into: file, for: recipients, mayGoOn: { _ in true })
            } catch {
                throw Self.problem(error, path)
            }
        }
    }

    private static func problem(_ failure: SealedCopy.Failure, _ path: String) -> SealProblem {
        switch failure {
        case .seal(let problem): problem
        case .copy(.source(let problem)), .copy(.target(let problem)): SealProblem("\(problem)")
        case .copy(.otherSize): SealProblem("\(VisibleText.escaped(path)) was written to while it was read")
        case .copy(.stopped): SealProblem("stopped")
        }
    }
}

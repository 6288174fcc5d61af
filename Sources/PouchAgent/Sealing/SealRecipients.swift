package import PouchCrypto
import PouchFiles
package import PouchKit
import Synchronization

/// The certificates that a partner's files are sealed to, as they lie on disk now: a file that was replaced is read again, so that a
/// renewed certificate needs no restart.
package final class SealRecipients: Sendable {
    private struct Known {
        let identity: FileIdentity
        let certificate: SealCertificate
    }

    /// Bytes. A certificate has two thousand.
    private static let longestFile = 1 << 20

    /// Absolute.
    package let paths: [String]
    private let known = Mutex<[String: Known]>([:])

    /// Reads nothing yet.
    package init(paths: [String]) { self.paths = paths }

    /// What is in the files, in their order. Blocking, for a moment.
    ///
    /// - Throws: `SealProblem`, with the path in its text, when one of them cannot be sealed to. Validity is not looked at.
    package func certificates() throws(SealProblem) -> [SealCertificate] {
        var certificates: [SealCertificate] = []
        for path in paths { certificates.append(try certificate(path)) }
        return certificates
    }

    /// - Throws: `SealProblem`, as `certificates`.
    package func certificate(_ path: String) throws(SealProblem) -> SealCertificate {
        let bytes: [UInt8]
        let identity: FileIdentity
        do throws(FileProblem) {
            let file = try OpenFile.open(path)
            identity = try file.status().identity
            if let known = known.withLock({ $0[path] }), known.identity == identity { return known.certificate }
            bytes = try file.readAll(limit: Self.longestFile)
        } catch {
            throw SealProblem(
                "the certificate \(VisibleText.escaped(path)) cannot be read: \(error.cause)", isShortage: error.isExhausted)
        }
        do throws(SealProblem) {
            let certificate = try SealCertificate(bytes)
            known.withLock { $0[path] = Known(identity: identity, certificate: certificate) }
            return certificate
        } catch {
            throw SealProblem("\(VisibleText.escaped(path)) \(error.text)", hint: error.hint)
        }
    }

    /// What is to be said of them now. Blocking, for a moment.
    package func status(at now: Timestamp) -> SealStatus {
        SealStatus(
            recipients: paths.map { path in
                do throws(SealProblem) {
                    return SealStatus.Recipient(try certificate(path), at: now, path: VisibleText.escaped(path))
                } catch {
                    let notice = SealNotice(code: "seal-certificate", text: error.text, hint: error.hint, isBlocking: true)
                    return SealStatus.Recipient(words: VisibleText.escaped(path), notice: notice)
                }
            }
        )
    }
}

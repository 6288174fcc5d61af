import Glibc
import PouchCrypto
package import PouchFiles
package import PouchKit

/// A file to deliver, as the agent would lend it: a real one, open, with real digests, and with lies where a test wants them.
package final class TestFile: Sendable {
    package let path: DropPath
    package let contents: SeenObject
    package let source: SharedFile
    private let claimed: FileIdentity
    private let digests: FileDigests

    /// - Parameters:
    ///   - folder: where the file is made. It goes with the folder.
    ///   - name: its path as a drop.
    package init(_ bytes: [UInt8], in folder: TemporaryFolder, name: String = "drops/test.bin") throws {
        var generator = SystemRandomNumberGenerator()
        let place = try folder.write(bytes, to: "source-\(Hexadecimal.text(of: generator.next()))")
        path = try DropPath(name)
        source = try OpenFile.open(place).shared()
        claimed = try source.status().identity
        digests = try FileHasher.digests(ofFile: source.descriptor, size: claimed.size)
        contents = SeenObject(sha256: digests.sha256, size: claimed.size)
        absolutePath = place
    }

    package let absolutePath: String
    package var size: Int64 { claimed.size }

    /// Writes to the file behind everybody's back.
    package func change(to bytes: [UInt8]) throws {
        let descriptor = open(absolutePath, O_WRONLY | O_TRUNC | O_CLOEXEC)
        guard descriptor >= 0 else { throw FileProblem(operation: "open", path: absolutePath, errno: errno) }
        let file = OpenFile(adopting: descriptor, path: absolutePath)
        try file.write(bytes)
        // Within one tick of the clock a file can change without its time: this one is to be seen.
        try file.setModified(nanoseconds: claimed.modified + 1_000_000_000)
    }

    /// The file as the agent lends it.
    ///
    /// - Parameters:
    ///   - size: what is said of it; `nil`: the truth.
    ///   - digests: what computing them ends with; `nil`: the truth.
    ///   - verifyUnchanged: what looking at it ends with; `nil`: looks.
    package func outgoing(
        size: Int64? = nil,
        digests: (@Sendable () async throws(DeliveryFailure) -> FileDigests)? = nil,
        verifyUnchanged: (@Sendable () throws(DeliveryFailure) -> Void)? = nil
    ) -> OutgoingFile {
        let saidSize = size ?? claimed.size
        let (truth, claimed, source) = (self.digests, claimed, source)
        // Closures in full: `??` between closures of typed throws crashes the compiler (Swift 6.3).
        return OutgoingFile(
            path: path,
            size: saidSize,
            modified: Timestamp(nanoseconds: claimed.modified),
            descriptor: source.descriptor,
            digests: { () async throws(DeliveryFailure) in
                guard let digests else { return truth }
                return try await digests()
            },
            partDigests: { (part, kind) async throws(DeliveryFailure) in
                do {
                    return try FileHasher.digests(ofFile: source.descriptor, part: part, kind: kind)
                } catch {
                    throw Self.changed
                }
            },
            knownDigests: { digests == nil ? truth : nil },
            verifyUnchanged: { () throws(DeliveryFailure) in
                if let verifyUnchanged { return try verifyUnchanged() }
                let now = try? source.status().identity
                guard now?.size == saidSize, now?.modified == claimed.modified else { throw Self.changed }
            }
        )
    }

    package static let changed = DeliveryFailure(
        .sourceChanged, code: "source-changed", attempt: "read the file", cause: "it is not what was claimed any more")
}

/// What lies at a destination under a key.
package struct SeenObject: Hashable, Sendable {
    package let sha256: SHA256Digest
    package let size: Int64

    package init(sha256: SHA256Digest, size: Int64) {
        self.sha256 = sha256
        self.size = size
    }

    package init(_ bytes: [UInt8]) {
        self.init(sha256: SHA256Hasher.digest(of: bytes), size: Int64(bytes.count))
    }
}

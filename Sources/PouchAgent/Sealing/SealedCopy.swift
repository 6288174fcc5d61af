package import PouchCrypto
package import PouchFiles
package import PouchKit

/// Seals a file into another, and takes the digests of both in one reading.
package enum SealedCopy {
    package enum Failure: Error, Hashable {
        case copy(FileCopy.Failure)
        case seal(SealProblem)
    }

    package struct Made: Hashable, Sendable {
        /// Of the file itself.
        package let digests: FileDigests
        package let seal: SealRecord
    }

    /// - Parameters:
    ///   - source: Read with `pread`: its own offset stays where it is.
    ///   - target: Empty; written from where it stands, and not synced.
    ///   - mayGoOn: Asked after each block, with the bytes of the source that were sealed; `false` ends it with `.stopped`.
    package static func seal(
        _ source: Int32,
        named name: String,
        size: Int64,
        into target: borrowing OpenFile,
        for recipients: [SealCertificate],
        mayGoOn: (Int64) -> Bool
    ) throws(Failure) -> Made {
        var sealer = try Self.sealing { () throws(SealProblem) in try Sealer(to: recipients) }
        var plain = FileDigester()
        var sealed = FileDigester()
        var sealedSize: Int64 = 0
        var problem: SealProblem?
        func flush() throws(FileCopy.Failure) {
            do throws(FileProblem) {
                try sealer.takeOutput { bytes throws(FileProblem) in
                    sealed.update(bytes)
                    sealedSize += Int64(bytes.count)
                    try target.write(bytes)
                }
            } catch {
                throw .target(error)
            }
        }
        do throws(FileCopy.Failure) {
            try FileCopy.read(source, named: name, size: size) { block, offset throws(FileCopy.Failure) in
                plain.update(block)
                do throws(SealProblem) { try sealer.update(block) } catch {
                    problem = error
                    return false
                }
                try flush()
                return mayGoOn(offset)
            }
        } catch {
            throw problem.map { .seal($0) } ?? .copy(error)
        }
        try Self.sealing { () throws(SealProblem) in try sealer.finish() }
        do throws(FileCopy.Failure) { try flush() } catch { throw .copy(error) }
        let seal = SealRecord(size: sealedSize, digests: sealed.finish(), recipients: recipients.map(\.fingerprint))
        return Made(digests: plain.finish(), seal: seal)
    }

    private static func sealing<Value: ~Copyable>(_ work: () throws(SealProblem) -> Value) throws(Failure) -> Value {
        do throws(SealProblem) { return try work() } catch { throw .seal(error) }
    }
}

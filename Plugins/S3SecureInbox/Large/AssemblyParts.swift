import PouchAWS
import PouchKit
import Synchronization

/// Filling the upload.
extension Assembly {
    enum Sight {
        case parts([Int: UploadedPart])
        case gone
        case notPermitted
    }

    enum Filling {
        case filled([UploadedPart])
        case uploadGone
        case sourceGone
    }

    /// What lies in an upload of an earlier attempt. Parts of another size than ours, or another checksum, are copied again.
    func look(into upload: MultipartUpload) async throws(DeliveryFailure) -> Sight {
        do throws(AWSFailure) {
            let parts = try await leg.s3.listParts(of: upload).filter { isOurs($0) }
            return .parts(Dictionary(parts.map { ($0.number, $0) }) { $1 })
        } catch {
            switch (error.code, error.status) {
            case ("NoSuchUpload", _): return .gone
            case (_, 403): return .notPermitted
            default: throw failure(error)
            }
        }
    }

    private func isOurs(_ part: UploadedPart) -> Bool {
        guard pieces.indices.contains(part.number - 1) else { return false }
        let piece = pieces[part.number - 1]
        guard part.size == piece.size else { return false }
        guard let expected = piece.checksum, let checksum = part.checksum else { return true }
        return checksum == expected
    }

    func fill(_ upload: MultipartUpload, _ lying: [Int: UploadedPart]) async throws(DeliveryFailure) -> Filling {
        let shelf = PartShelf(lying)
        await withDiscardingTaskGroup { group in
            for (number, piece) in zip(1..., pieces) where lying[number] == nil && !shelf.isOver {
                guard let slot = await budget.slot() else {
                    let failure = DeliveryFailure(.retry, code: "cancelled", attempt: attempt, cause: "it was cancelled")
                    shelf.end(.failure(failure))
                    break
                }
                group.addTask {
                    let result = await copy(piece, number: number, into: upload)
                    switch result {
                    case .success(let part): shelf.add(part)
                    case .failure(let end): shelf.end(end)
                    }
                    withExtendedLifetime(slot) {}
                }
            }
        }
        switch shelf.ending {
        case nil: return .filled(shelf.parts)
        case .uploadGone: return .uploadGone
        case .sourceGone: return .sourceGone
        case .failure(let failure): throw failure
        }
    }

    private func copy(_ piece: Piece, number: Int, into upload: MultipartUpload) async -> Result<UploadedPart, PartShelf.Ending> {
        let answer: PartAnswer
        do throws(AWSFailure) {
            answer = try await leg.s3.uploadPartCopy(
                UploadPartCopy(upload: upload, number: number, source: piece.source, range: piece.range))
        } catch {
            return .failure(ending(error, piece))
        }
        log.add(requests: answer.requests)
        if let expected = piece.checksum, let checksum = answer.part.checksum, checksum != expected {
            return .failure(.failure(mismatch("part \(number) was copied with the CRC64NVME \(checksum), and has \(expected)")))
        }
        if let asked = piece.source.versionID, let copied = answer.sourceVersionID, copied != asked {
            return .failure(.failure(mismatch("version \(VisibleText.escaped(copied)) was copied, asked was \(asked)")))
        }
        return .success(answer.part)
    }

    private func ending(_ reason: AWSFailure, _ piece: Piece) -> PartShelf.Ending {
        log.note(reason)
        switch reason.code {
        case "NoSuchUpload": return .uploadGone
        // The only condition of a part's copy is about its source.
        case "NoSuchKey", "NoSuchVersion", "PreconditionFailed": return .sourceGone
        case _ where leg.isPerhapsExpired(reason, storedEarlier: storedEarlier): return .sourceGone
        default: return .failure(failure(reason, copying: piece.source))
        }
    }

    private func mismatch(_ cause: String) -> DeliveryFailure {
        DeliveryFailure(
            .retry, code: "wrong-copy", attempt: attempt, cause: cause, hint: "nothing of it can be seen in the inbox")
    }
}

/// The parts as they come in, in any order, and why no more come.
private final class PartShelf: Sendable {
    enum Ending: Error {
        case uploadGone
        case sourceGone
        case failure(DeliveryFailure)
    }

    private let state: Mutex<(parts: [Int: UploadedPart], ending: Ending?)>

    init(_ lying: [Int: UploadedPart]) { state = Mutex((lying, nil)) }

    /// In their order.
    var parts: [UploadedPart] { state.withLock { $0.parts.values.sorted { $0.number < $1.number } } }
    var ending: Ending? { state.withLock { $0.ending } }
    var isOver: Bool { ending != nil }

    func add(_ part: UploadedPart) { state.withLock { $0.parts[part.number] = part } }

    /// The first says most.
    func end(_ ending: Ending) { state.withLock { $0.ending = $0.ending ?? ending } }
}

import PouchAWS
import PouchKit

/// The one request that the partner sees.
extension Assembly {
    private static let mostCompletions = 3

    /// - Parameter perhapsComplete: An earlier attempt may have completed it.
    /// - Returns: `nil` when the upload is gone without an effect.
    func complete(
        _ upload: MultipartUpload,
        _ parts: [UploadedPart],
        perhapsComplete: Bool
    ) async throws(DeliveryFailure) -> Outcome? {
        var request = CompleteMultipartUpload(
            upload: upload, parts: parts, checksum: checksum, size: pieces.reduce(0) { $0 + $1.size })
        request.isCreateOnly = attributes.isCreateOnly
        var perhapsComplete = perhapsComplete
        for _ in 0..<Self.mostCompletions {
            let failed: AWSFailure
            do throws(AWSFailure) {
                let answer = try await leg.s3.completeMultipartUpload(request)
                log.add(requests: answer.requests)
                return .completed(answer)
            } catch {
                log.note(error)
                failed = error
            }
            if failed.code == "NoSuchUpload" { return perhapsComplete || failed.isOutcomeUnknown ? .found : nil }
            if failed.code == "PreconditionFailed" {
                await leg.abort(upload)
                try await note(nil)
                return .taken(perhapsByUs: perhapsComplete || failed.isOutcomeUnknown)
            }
            guard failed.isOutcomeUnknown else { return try await refused(failed, upload) }
            if failed.origin == .cancelled { return .interrupted(failure(failed)) }
            perhapsComplete = true
            // The upload says whether it took effect; to complete it again is to ask once more.
            switch await isThere(upload) {
            case true?: continue
            case false?: return .found
            case nil: return .unknown
            }
        }
        return .unknown
    }

    /// `nil`: it cannot be asked.
    private func isThere(_ upload: MultipartUpload) async -> Bool? {
        do throws(AWSFailure) {
            _ = try await leg.s3.listParts(of: upload)
            return true
        } catch {
            return error.code == "NoSuchUpload" ? false : nil
        }
    }

    private func refused(_ reason: AWSFailure, _ upload: MultipartUpload) async throws(DeliveryFailure) -> Outcome? {
        switch reason.code {
        // After a conflict S3 wants a new upload; the others say that what lies there cannot become the object.
        case "ConditionalRequestConflict", "InvalidPart", "InvalidPartOrder", "EntityTooSmall", "BadDigest", "InvalidRequest":
            await leg.abort(upload)
            try await note(nil)
        default:
            // Nothing of ours is at large, and what was copied waits for a better time.
            try await note(upload.noted(isCompleting: false))
        }
        throw failure(reason)
    }
}

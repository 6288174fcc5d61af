import PouchAWS
import PouchKit

/// The one request that the partner sees.
extension Assembly {
    private static let mostCompletions = 3

    /// - Returns: `nil` when the upload is gone, and nothing that was sent here can have done it.
    func complete(
        _ upload: MultipartUpload,
        _ parts: [UploadedPart],
        _ doubt: Doubt
    ) async throws(DeliveryFailure) -> Outcome? {
        var request = CompleteMultipartUpload(
            upload: upload, parts: parts, checksum: checksum, size: pieces.reduce(0) { $0 + $1.size })
        request.isCreateOnly = attributes.isCreateOnly
        var doubt = doubt
        var wasLost = false
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
            if failed.code == "NoSuchUpload" { return wasLost || failed.isOutcomeUnknown ? .found : nil }
            if failed.code == "PreconditionFailed" {
                doubt.current = doubt.current || failed.isOutcomeUnknown
                return .taken(perhapsByUs: try await giveUp(upload, doubt).isOpen)
            }
            guard failed.isOutcomeUnknown else { return try await refused(failed, upload, doubt) }
            if failed.origin == .cancelled { return .interrupted(failure(failed)) }
            (wasLost, doubt.current) = (true, true)
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

    private func refused(
        _ reason: AWSFailure,
        _ upload: MultipartUpload,
        _ doubt: Doubt
    ) async throws(DeliveryFailure) -> Outcome? {
        switch reason.code {
        // The one that it is in conflict with may be our own, of before.
        case "ConditionalRequestConflict" where doubt.current: return .unknown
        // After a conflict S3 wants a new upload; the others say that what lies there cannot become the object.
        case "ConditionalRequestConflict", "InvalidPart", "InvalidPartOrder", "EntityTooSmall", "BadDigest", "InvalidRequest":
            try await giveUp(upload, doubt)
        default:
            // What was copied waits for a better time.
            try await note(upload.noted(isCompleting: false, doubt))
        }
        throw failure(reason)
    }
}

import PouchAWS
import PouchKit
import Synchronization

/// Puts one object together in the inbox, within S3: parts are copied from the repository in parallel, and only completing the upload
/// lets the partner see anything.
struct Assembly: Sendable {
    /// What becomes one part.
    struct Piece: Sendable {
        let source: CopySource
        /// `nil`: all of it.
        let range: Range<Int64>?
        let size: Int64
        /// `nil` where only the whole's is known.
        let checksum: CRC64NVME?
    }

    enum Outcome {
        case completed(CompleteMultipartUpload.Answer)
        /// The answer to completing was lost just now, and the upload is gone: it took effect.
        case found
        case taken(perhapsByUs: Bool)
        /// Nobody knows whether completing took effect.
        case unknown
        case sourceGone
        /// As `unknown`, and there is no time to ask.
        case interrupted(DeliveryFailure)
    }

    let leg: InboxLeg
    let attempt: String
    let budget: TransferBudget
    /// In the order of the object.
    let pieces: [Piece]
    /// Of the object.
    let checksum: CRC64NVME
    /// In the inbox, prefix included.
    let key: String
    let attributes: ObjectAttributes
    /// When what is copied was stored, if that may be long ago.
    let storedEarlier: Timestamp?
    let log: AssemblyLog
    /// Notes durably what is open in the inbox.
    let note: @Sendable (Progress.Upload) async throws(DeliveryFailure) -> Void

    /// What may have taken effect, and no answer told of it.
    ///
    /// An upload that is gone was completed, or aborted by somebody: a lifecycle rule, after days. Only another object to the same key
    /// tells, which S3 refuses when the first is there.
    struct Doubt {
        /// An upload before this one.
        var former = false
        /// This one, by an earlier attempt.
        var current = false

        var isOpen: Bool { former || current }
    }

    private static let mostBeginnings = 2

    /// - Parameter known: What an earlier attempt began.
    func run(resuming known: Progress.Upload?) async throws(DeliveryFailure) -> Outcome {
        var known = known
        var doubt = Doubt(former: known?.followsLost ?? false, current: known?.isCompleting ?? false)
        for _ in 0..<Self.mostBeginnings {
            let earlier = known
            known = nil
            let upload: MultipartUpload
            var lying: [Int: UploadedPart] = [:]
            if let earlier {
                upload = MultipartUpload(bucket: leg.inbox.place, key: earlier.key, id: earlier.id)
                switch try await look(into: upload) {
                case .parts(let parts): lying = parts
                case .gone:
                    doubt = Doubt(former: doubt.isOpen)
                    continue
                case .notPermitted:
                    doubt = try await giveUp(upload, doubt)
                    continue
                }
            } else {
                upload = try await create(doubt)
            }
            if let outcome = try await finish(upload, lying, doubt) { return outcome }
            doubt = Doubt(former: doubt.isOpen)
        }
        throw DeliveryFailure(
            .retry, code: "upload-gone", attempt: attempt, cause: "the upload in the inbox was aborted by somebody else, twice",
            hint: "look for a lifecycle rule of s3://\(leg.inbox.place.name) that aborts incomplete uploads too soon")
    }

    private func create(_ doubt: Doubt) async throws(DeliveryFailure) -> MultipartUpload {
        let answer: CreateMultipartUpload.Answer
        do throws(AWSFailure) {
            answer = try await leg.s3.createMultipartUpload(
                CreateMultipartUpload(bucket: leg.inbox.place, key: key, attributes: attributes))
        } catch {
            log.note(error)
            throw failure(error)
        }
        log.add(requests: answer.requests)
        try Verification(attempt: attempt, place: "inbox").check(answer.encryption, key: leg.inbox.key)
        try await note(answer.upload.noted(isCompleting: false, doubt))
        return answer.upload
    }

    /// - Returns: `nil` when the upload is gone without an effect.
    private func finish(
        _ upload: MultipartUpload,
        _ lying: [Int: UploadedPart],
        _ doubt: Doubt
    ) async throws(DeliveryFailure) -> Outcome? {
        switch try await fill(upload, lying) {
        case .filled(let parts):
            try await note(upload.noted(isCompleting: true, doubt))
            return try await complete(upload, parts, doubt)
        case .uploadGone:
            return nil
        case .sourceGone:
            try await giveUp(upload, doubt)
            return .sourceGone
        }
    }

    /// What was in doubt of it is settled where it was there to be aborted.
    ///
    /// - Returns: what stays in doubt.
    @discardableResult
    func giveUp(_ upload: MultipartUpload, _ doubt: Doubt) async throws(DeliveryFailure) -> Doubt {
        var doubt = doubt
        if await leg.abort(upload) { doubt.current = false }
        doubt = Doubt(former: doubt.isOpen)
        try await note(upload.noted(isCompleting: false, doubt))
        return doubt
    }

    /// What a refusal means.
    func failure(_ reason: AWSFailure, copying source: CopySource? = nil) -> DeliveryFailure {
        Diagnosis.failure(
            reason,
            of: AttemptedCall(
                attempt: attempt, side: .inbox, identity: leg.publisher.label, bucket: leg.inbox.place, key: key,
                keyARN: leg.inbox.key, source: source, sourceKeyARN: source == nil ? nil : leg.repository.key,
                acl: leg.inbox.acl))
    }
}

/// What was sent, by whichever task, and what came back last.
final class AssemblyLog: Sendable {
    private let state = Mutex<(requests: Int, latest: AWSFailure?)>((0, nil))

    var requests: Int { state.withLock { $0.requests } }
    var latest: AWSFailure? { state.withLock { $0.latest } }

    func add(requests: Int) { state.withLock { $0.requests += requests } }

    func note(_ failure: AWSFailure) {
        state.withLock { state in
            state.requests += failure.requests
            state.latest = failure
        }
    }
}

extension InboxLeg {
    /// One that cannot be aborted now is aborted by the lifecycle rule of its bucket.
    ///
    /// - Returns: true when it is known not to have been completed.
    @discardableResult
    func abort(_ upload: MultipartUpload) async -> Bool { (try? await s3.abortMultipartUpload(upload)) ?? false }

    /// One of an earlier attempt, which may have had another bucket.
    func abort(_ upload: Progress.Upload) async {
        guard upload.bucket == inbox.place.name.description else { return }
        await abort(MultipartUpload(bucket: inbox.place, key: upload.key, id: upload.id))
    }

    func source(_ object: RepositoryObject) -> CopySource {
        CopySource(
            bucket: repository.place.name, owner: repository.place.owner, key: object.key, versionID: object.versionID,
            etag: object.etag)
    }
}

extension MultipartUpload {
    func noted(isCompleting: Bool, _ doubt: Assembly.Doubt) -> Progress.Upload {
        Progress.Upload(
            id: id, bucket: bucket.name.description, key: key, isCompleting: isCompleting || doubt.current,
            followsLost: doubt.former)
    }
}

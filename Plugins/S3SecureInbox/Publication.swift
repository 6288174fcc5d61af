import PouchAWS
import PouchKit

/// The stage `publish`: a copy within S3 from the repository into the inbox, by the publisher, who never sees the bytes.
struct Publication: Sendable {
    enum Outcome {
        case published(DeliveryOutcome)
        /// Nothing to copy from. What was announced before and may have taken effect is announced still.
        case sourceGone(stillAnnounced: Progress.Publishing?)
    }

    let run: DeliveryRun
    let target: InboxPlan.Inbox
    let publisher: S3SecureInbox.Party
    let s3: S3

    /// After this long a refusal that gives no reason may mean that the object has expired.
    private static let freshness: Duration = .seconds(86_400)

    private var attempt: String { "copy \(run.name) to the inbox of \(run.context.partner)" }

    /// What happened so far.
    private struct Log {
        var requests: Int
        var copied: CopyObject.Answer?
        var seen: ObjectReport?
        var latest: AWSFailure?
    }

    /// What a copy brought, as far as it ends the publication.
    private enum CopyResult {
        case goOn(PublicationCourse.Outcome)
        case sourceGone
        /// Nobody knows whether it took effect, and there is no time to ask.
        case interrupted(DeliveryFailure)
    }

    /// - Parameters:
    ///   - announced: What the checkpoint says was about to be sent.
    ///   - mayStoreAgain: The object was stored by an earlier attempt, perhaps long ago.
    func publish(
        _ stored: Progress.Stored,
        announced: Progress.Publishing?,
        mayStoreAgain: Bool
    ) async throws(DeliveryFailure) -> Outcome {
        let start = run.inbox.link.clock.monotonic
        var log = Log(requests: announced?.requests ?? 0)
        var course = PublicationCourse(
            key: run.context.key, announced: announced?.key, whenTaken: run.plan.whenTaken, delivery: run.context.delivery)
        var standing = announced
        while true {
            switch course.next {
            case .announce(let key):
                let publishing = Progress.Publishing(key: key, requests: log.requests)
                try await announce(publishing, stored)
                standing = publishing
                course.announced()
            case .copy(let key):
                do throws(DeliveryFailure) {
                    switch try await copy(stored, to: key, mayStoreAgain: mayStoreAgain, &log) {
                    case .goOn(let outcome): course.copied(outcome)
                    case .sourceGone: return .sourceGone(stillAnnounced: course.isOutcomeOpen ? standing : nil)
                    case .interrupted(let failure):
                        course.copied(.unknown)
                        throw failure
                    }
                } catch {
                    if !course.isOutcomeOpen { await settle(stored) }
                    throw error
                }
            case .ask(let key):
                course.saw(await look(at: key, &log))
            case .finish(let key, let confirmation):
                return .published(try delivered(stored, key, confirmation, log, since: start))
            case .refuse(let key):
                throw taken(key)
            case .comeBack(let key):
                throw unsettled(key, log.latest)
            }
        }
    }

    private func announce(_ publishing: Progress.Publishing, _ stored: Progress.Stored) async throws(DeliveryFailure) {
        let length = (target.prefix + publishing.key.description).utf8.count
        guard length <= DeliveryKey.longestKey else {
            throw DeliveryFailure(
                .quarantine, code: "key-too-long", attempt: attempt,
                cause: "the key in the inbox would have \(length) bytes, and S3 takes \(DeliveryKey.longestKey)",
                hint: "shorten inbox.prefix or the route's template")
        }
        try await run.context.save(Progress(stored: stored, publishing: publishing).checkpoint(for: run.plan.target))
    }

    /// No copy of ours is at large: a later attempt must not take somebody else's object for it.
    private func settle(_ stored: Progress.Stored) async {
        guard let checkpoint = try? Progress(stored: stored).checkpoint(for: run.plan.target) else { return }
        // When the journal cannot take it, what was announced stands: the later attempt asks before it believes.
        try? await run.context.save(checkpoint)
    }

    // MARK: Requests

    private func copy(
        _ stored: Progress.Stored,
        to key: DeliveryKey,
        mayStoreAgain: Bool,
        _ log: inout Log
    ) async throws(DeliveryFailure) -> CopyResult {
        // After the last byte was read, and before anything that the partner can see.
        try run.file.verifyUnchanged()
        let repository = run.plan.repository
        var attributes = ObjectAttributes(
            key: target.key, metadata: Consignment(run.file, stored.digests, in: run.context).inboxMetadata)
        attributes.contentType = "application/octet-stream"
        attributes.storageClass = target.storageClass
        attributes.acl = target.acl
        attributes.isCreateOnly = run.plan.whenTaken != .replace
        let source = CopySource(
            bucket: repository.place.name, owner: repository.place.owner, key: stored.key, versionID: stored.versionID,
            etag: stored.etag)
        let request = CopyObject(
            source: source, bucket: target.place, key: target.prefix + key.description, attributes: attributes)
        do throws(AWSFailure) {
            let answer = try await s3.copyObject(request)
            log.requests += answer.requests
            log.copied = answer
            return .goOn(.done)
        } catch {
            log.requests += error.requests
            log.latest = error
            return try await judge(error, request, stored, mayStoreAgain: mayStoreAgain)
        }
    }

    private func judge(
        _ failure: AWSFailure,
        _ request: CopyObject,
        _ stored: Progress.Stored,
        mayStoreAgain: Bool
    ) async throws(DeliveryFailure) -> CopyResult {
        if failure.code == "PreconditionFailed" {
            if await isAboutSource(failure, stored) { return .sourceGone }
            return .goOn(.taken(perhapsByUs: failure.isOutcomeUnknown))
        }
        let call = AttemptedCall(
            attempt: attempt, side: .inbox, identity: publisher.label, bucket: target.place, key: request.key,
            keyARN: target.key, source: request.source, sourceKeyARN: run.plan.repository.key, acl: target.acl)
        if failure.isOutcomeUnknown {
            return failure.origin == .cancelled ? .interrupted(Diagnosis.failure(failure, of: call)) : .goOn(.unknown)
        }
        if failure.code == "NoSuchKey" || failure.code == "NoSuchVersion" { return .sourceGone }
        let age = stored.at.duration(to: run.inbox.link.clock.now)
        // Who may not list the repository gets 403 for what is not there.
        if mayStoreAgain, failure.status == 403, age > Self.freshness { return .sourceGone }
        throw Diagnosis.failure(failure, of: call)
    }

    /// 412 stands for two conditions: the source is not what it was, or the target exists.
    private func isAboutSource(_ failure: AWSFailure, _ stored: Progress.Stored) async -> Bool {
        if let condition = failure.condition { return condition.lowercased().contains("copy-source") }
        if stored.isPinned { return false }
        do throws(AWSFailure) {
            let report = try await s3.headObject(in: run.plan.repository.place, key: stored.key)
            return report.etag != stored.etag
        } catch {
            return error.status == 404
        }
    }

    private func look(at key: DeliveryKey, _ log: inout Log) async -> PublicationCourse.Sight {
        do throws(AWSFailure) {
            let report = try await s3.headObject(in: target.place, key: target.prefix + key.description)
            log.requests += report.requests
            log.seen = report
            return report.metadata[Consignment.deliveryName] == run.context.delivery.description ? .ours : .foreign
        } catch {
            log.requests += error.requests
            switch error.status {
            case 404: return .absent
            case 403: return .notPermitted
            default:
                log.latest = error
                return .unanswered
            }
        }
    }

    // MARK: Ends

    private func delivered(
        _ stored: Progress.Stored,
        _ key: DeliveryKey,
        _ confirmation: Receipt.Confirmation,
        _ log: Log,
        since start: Duration
    ) throws(DeliveryFailure) -> DeliveryOutcome {
        let fullKey = target.prefix + key.description
        var facts = StageFacts(bucket: target.place, key: fullKey, keyARN: target.key)
        facts["sourceVersionId"] = stored.versionID
        facts["sourceEtag"] = stored.etag
        switch confirmation {
        case .byAnswer:
            if let answer = log.copied {
                try verify(answer, stored)
                facts.add(versionID: answer.versionID, etag: answer.etag, checksum: answer.checksum, ids: answer.ids)
                facts["region"] = answer.region.description
            }
        case .byQuestion:
            if let report = log.seen {
                try verify(report, stored)
                facts.add(versionID: report.versionID, etag: report.etag, checksum: nil, ids: report.ids)
            }
        case .byConflict:
            facts["requestId"] = log.latest?.ids.request
            facts["hostId"] = log.latest?.ids.host
        }
        let record = StageRecord(
            stage: .publish, identity: target.identity, facts: facts.values, requests: log.requests,
            milliseconds: run.milliseconds(since: start))
        return .delivered(
            Receipt(
                location: "s3://\(target.place.name)/\(fullKey)", key: fullKey, confirmation: confirmation,
                stages: [stored.record, record]))
    }

    private func verify(_ answer: CopyObject.Answer, _ stored: Progress.Stored) throws(DeliveryFailure) {
        try Verification(attempt: attempt, place: "inbox").check(answer.encryption, key: target.key)
        if let checksum = answer.checksum, checksum != stored.digests.crc64nvme {
            throw mismatch("the copy's CRC64NVME is \(checksum), the file's \(stored.digests.crc64nvme)")
        }
        if stored.isPinned, let source = answer.sourceVersionID, source != stored.versionID {
            throw mismatch("version \(VisibleText.escaped(source)) was copied, asked was \(stored.versionID ?? "another")")
        }
    }

    private func verify(_ report: ObjectReport, _ stored: Progress.Stored) throws(DeliveryFailure) {
        try Verification(attempt: attempt, place: "inbox").check(report.encryption, key: target.key)
        if let size = report.size, size != stored.size {
            throw mismatch("the object in the inbox has \(size) bytes, the file \(stored.size)")
        }
    }

    private func mismatch(_ cause: String) -> DeliveryFailure {
        DeliveryFailure(
            .hold, code: "wrong-copy", attempt: attempt, cause: cause,
            hint: "what lies in the inbox is not what was sent: the partner should not use it")
    }

    private func taken(_ key: DeliveryKey) -> DeliveryFailure {
        DeliveryFailure(
            .quarantine, code: "key-taken", attempt: attempt,
            cause:
                "s3://\(target.place.name)/\(VisibleText.escaped(target.prefix + key.description)) exists, and is not of this delivery",
            hint: run.plan.whenTaken == .fail ? "when-taken: suffix would deliver beside it" : nil)
    }

    private func unsettled(_ key: DeliveryKey, _ latest: AWSFailure?) -> DeliveryFailure {
        DeliveryFailure(
            .retry(after: latest?.retryAfter), code: "outcome-unknown", attempt: attempt,
            cause: "it is not known whether the copy took effect"
                + (latest.map { "; the last answer was \($0)" } ?? ""),
            hint:
                "the next attempt asks first; it is settled sooner where the publisher may read the inbox (s3:GetObject, without Decrypt)",
            isThrottling: latest?.isThrottling ?? false)
    }
}

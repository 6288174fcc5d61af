import PouchAWS
import PouchKit

/// The way from our repository into the partner's inbox, and who goes it.
struct InboxLeg: Sendable {
    let repository: InboxPlan.Repository
    let inbox: InboxPlan.Inbox
    let whenTaken: WhenTaken
    let publisher: S3SecureInbox.Party
    /// As the publisher.
    let s3: S3

    var clock: any AgentClock { s3.client.link.clock }

    /// After this long a refusal that gives no reason may mean that the object has expired: who may not list the repository gets 403
    /// for what is not there.
    private static let freshness: Duration = .seconds(86_400)

    /// - Parameter storedEarlier: When it was stored, if that may be long ago.
    func isPerhapsExpired(_ failure: AWSFailure, storedEarlier: Timestamp?) -> Bool {
        guard let storedEarlier, failure.status == 403 else { return false }
        return storedEarlier.duration(to: clock.now) > Self.freshness
    }
}

/// The stage `publish`: a copy within S3 from the repository into the inbox, by the publisher, who never sees the bytes.
struct Publication: Sendable {
    enum Outcome {
        case published(Published)
        /// Nothing to copy from. What was announced before and may have taken effect is announced still.
        case sourceGone(stillAnnounced: Progress.Publishing?)
    }

    /// What came of it, for the receipt.
    struct Published: Sendable {
        /// `s3://acme-inbox/from-orga/seeds.csv`
        let location: String
        /// Prefix included.
        let key: String
        let confirmation: Receipt.Confirmation
        let record: StageRecord
    }

    let consignment: Consignment
    let shape: ConsignmentShape
    let leg: InboxLeg
    let memory: any PublicationMemory
    /// When it was stored, if an earlier attempt did that, perhaps long ago: then it may have expired since.
    var storedEarlier: Timestamp?
    /// What the partner's requests may use together.
    var budget = TransferBudget()

    var target: InboxPlan.Inbox { leg.inbox }
    private var name: String { VisibleText.escaped(consignment.key.name) }
    var attempt: String { "copy \(name) to the inbox of \(consignment.partner)" }

    /// What happened so far.
    struct Log {
        var requests: Int
        var landed: Landed?
        var seen: ObjectReport?
        var latest: AWSFailure?
    }

    /// What the answer says of the object in the inbox.
    struct Landed {
        let etag: String
        let versionID: String?
        let sourceVersionID: String?
        let encryption: EncryptionReport
        let checksum: CRC64NVME?
        let ids: RequestIDs
        let region: Region

        init(_ answer: CopyObject.Answer) {
            (etag, versionID, sourceVersionID) = (answer.etag, answer.versionID, answer.sourceVersionID)
            (encryption, checksum, ids, region) = (answer.encryption, answer.checksum, answer.ids, answer.region)
        }

        init(_ answer: CompleteMultipartUpload.Answer) {
            (etag, versionID, sourceVersionID) = (answer.etag, answer.versionID, nil)
            (encryption, checksum, ids, region) = (answer.encryption, answer.checksum, answer.ids, answer.region)
        }
    }

    /// What a copy brought, as far as it ends the publication.
    enum CopyResult {
        case goOn(PublicationCourse.Outcome)
        case sourceGone
        /// Nobody knows whether it took effect, and there is no time to ask.
        case interrupted(DeliveryFailure)
    }

    /// - Parameter announced: What an earlier attempt was about to send when it last noted anything.
    func publish(announced: Progress.Publishing?) async throws(DeliveryFailure) -> Outcome {
        let start = leg.clock.monotonic
        var log = Log(requests: announced?.requests ?? 0)
        var course = PublicationCourse(
            key: consignment.key, announced: announced.flatMap { $0.isAtLarge ? $0.key : nil }, resumed: announced?.key,
            whenTaken: leg.whenTaken, delivery: consignment.delivery, remembersAttempts: memory.remembersAttempts)
        let standing = StandingAnnouncement(announced)
        while true {
            switch course.next {
            case .announce(let key):
                try await announce(key, requests: log.requests, standing)
                course.announced()
            case .copy(let key):
                do throws(DeliveryFailure) {
                    switch try await send(to: key, standing, &log) {
                    case .goOn(let outcome): course.copied(outcome)
                    case .sourceGone: return .sourceGone(stillAnnounced: course.isOutcomeOpen ? standing.current : nil)
                    case .interrupted(let failure):
                        course.copied(.unknown)
                        throw failure
                    }
                } catch {
                    // An open upload stays noted: it cannot be taken for a copy that is at large.
                    if !course.isOutcomeOpen, standing.current?.upload == nil { await memory.settle() }
                    throw error
                }
            case .ask(let key):
                course.saw(await look(at: key, &log))
            case .finish(let key, let confirmation):
                return .published(try published(key, confirmation, log, since: start))
            case .refuse(let key):
                throw taken(key)
            case .comeBack(let key):
                throw unsettled(key, log.latest)
            case .cannotTell(let key):
                throw unseen(key)
            }
        }
    }

    /// An upload of an earlier attempt at the same key goes on; one at another key is given up.
    private func announce(_ key: DeliveryKey, requests: Int, _ standing: StandingAnnouncement) async throws(DeliveryFailure) {
        let fullKey = target.prefix + key.description
        guard fullKey.utf8.count <= DeliveryKey.longestKey else {
            throw DeliveryFailure(
                .quarantine, code: "key-too-long", attempt: attempt,
                cause: "the key in the inbox would have \(fullKey.utf8.count) bytes, and S3 takes \(DeliveryKey.longestKey)",
                hint: "shorten inbox.prefix or the route's template")
        }
        var publishing = Progress.Publishing(key: key, requests: requests)
        if let former = standing.current, let upload = former.upload {
            if former.key == key { publishing.upload = upload } else { await leg.abort(upload) }
        }
        try await memory.announce(publishing)
        standing.change(to: publishing)
    }

    // MARK: Requests

    private func send(
        to key: DeliveryKey,
        _ standing: StandingAnnouncement,
        _ log: inout Log
    ) async throws(DeliveryFailure) -> CopyResult {
        // After the last byte was read, and before anything that the partner can see.
        try memory.verifySource()
        switch shape {
        case .object(let object) where consignment.size <= PartPlan.largestPart: return try await copy(object, to: key, &log)
        case .object, .segments: return try await assemble(at: key, standing, &log)
        }
    }

    /// What the object in the inbox is to have.
    var attributes: ObjectAttributes {
        var attributes = ObjectAttributes(key: target.key, metadata: consignment.inboxMetadata)
        attributes.contentType = "application/octet-stream"
        attributes.storageClass = target.storageClass
        attributes.acl = target.acl
        attributes.isCreateOnly = leg.whenTaken != .replace
        return attributes
    }

    private func copy(
        _ object: RepositoryObject,
        to key: DeliveryKey,
        _ log: inout Log
    ) async throws(DeliveryFailure) -> CopyResult {
        let request = CopyObject(
            source: leg.source(object), bucket: target.place, key: target.prefix + key.description, attributes: attributes)
        guard let slot = await budget.slot() else {
            throw DeliveryFailure(.retry, code: "cancelled", attempt: attempt, cause: "it was cancelled")
        }
        defer { withExtendedLifetime(slot) {} }
        do throws(AWSFailure) {
            let answer = try await leg.s3.copyObject(request)
            log.requests += answer.requests
            log.landed = Landed(answer)
            return .goOn(.done)
        } catch {
            log.requests += error.requests
            log.latest = error
            return try await judge(error, request, object)
        }
    }

    private func judge(
        _ failure: AWSFailure,
        _ request: CopyObject,
        _ object: RepositoryObject
    ) async throws(DeliveryFailure) -> CopyResult {
        if failure.code == "PreconditionFailed" {
            if await isAboutSource(failure, object) { return .sourceGone }
            return .goOn(.taken(perhapsByUs: failure.isOutcomeUnknown))
        }
        let call = AttemptedCall(
            attempt: attempt, side: .inbox, identity: leg.publisher.label, bucket: target.place, key: request.key,
            keyARN: target.key, source: request.source, sourceKeyARN: leg.repository.key, acl: target.acl)
        if failure.isOutcomeUnknown {
            return failure.origin == .cancelled ? .interrupted(Diagnosis.failure(failure, of: call)) : .goOn(.unknown)
        }
        if failure.code == "NoSuchKey" || failure.code == "NoSuchVersion" { return .sourceGone }
        if leg.isPerhapsExpired(failure, storedEarlier: storedEarlier) { return .sourceGone }
        throw Diagnosis.failure(failure, of: call)
    }

    /// 412 stands for two conditions: the source is not what it was, or the target exists.
    private func isAboutSource(_ failure: AWSFailure, _ object: RepositoryObject) async -> Bool {
        if let condition = failure.condition { return condition.lowercased().contains("copy-source") }
        if object.isPinned { return false }
        do throws(AWSFailure) {
            let report = try await leg.s3.headObject(in: leg.repository.place, key: object.key)
            return report.etag != object.etag
        } catch {
            return error.status == 404
        }
    }

    func look(at key: DeliveryKey, _ log: inout Log) async -> PublicationCourse.Sight {
        do throws(AWSFailure) {
            let report = try await leg.s3.headObject(in: target.place, key: target.prefix + key.description)
            log.requests += report.requests
            log.seen = report
            return report.metadata[Consignment.deliveryName] == consignment.delivery.description ? .ours : .foreign
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

    private func published(
        _ key: DeliveryKey,
        _ confirmation: Receipt.Confirmation,
        _ log: Log,
        since start: Duration
    ) throws(DeliveryFailure) -> Published {
        let fullKey = target.prefix + key.description
        var facts = StageFacts(bucket: target.place, key: fullKey, keyARN: target.key)
        switch shape {
        case .object(let object), .segments(let object):
            facts["sourceVersionId"] = object.versionID
            facts["sourceEtag"] = object.etag
        }
        switch confirmation {
        case .byAnswer:
            if let answer = log.landed {
                try verify(answer)
                facts.add(versionID: answer.versionID, etag: answer.etag, checksum: answer.checksum, ids: answer.ids)
                facts["region"] = answer.region.description
            }
        case .byQuestion:
            if let report = log.seen {
                try verify(report)
                facts.add(versionID: report.versionID, etag: report.etag, checksum: nil, ids: report.ids)
            }
        case .byConflict:
            facts["requestId"] = log.latest?.ids.request
            facts["hostId"] = log.latest?.ids.host
        }
        let record = StageRecord(
            stage: .publish, identity: target.identity, facts: facts.values, requests: log.requests,
            milliseconds: leg.clock.milliseconds(since: start))
        return Published(
            location: "s3://\(target.place.name)/\(fullKey)", key: fullKey, confirmation: confirmation, record: record)
    }

    private func verify(_ answer: Landed) throws(DeliveryFailure) {
        try Verification(attempt: attempt, place: "inbox").check(answer.encryption, key: target.key)
        let expected = consignment.digests.crc64nvme
        if let checksum = answer.checksum, checksum != expected {
            throw mismatch("the copy's CRC64NVME is \(checksum), the file's \(expected)")
        }
        if case .object(let object) = shape, object.isPinned, let source = answer.sourceVersionID, source != object.versionID {
            throw mismatch("version \(VisibleText.escaped(source)) was copied, asked was \(object.versionID ?? "another")")
        }
    }

    private func verify(_ report: ObjectReport) throws(DeliveryFailure) {
        try Verification(attempt: attempt, place: "inbox").check(report.encryption, key: target.key)
        if let size = report.size, size != consignment.size {
            throw mismatch("the object in the inbox has \(size) bytes, the file \(consignment.size)")
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
            hint: leg.whenTaken == .fail ? "when-taken: suffix would deliver beside it" : nil)
    }

    private func unseen(_ key: DeliveryKey) -> DeliveryFailure {
        DeliveryFailure(
            .hold, code: "inbox-not-askable", attempt: attempt,
            cause:
                "s3://\(target.place.name)/\(VisibleText.escaped(target.prefix + key.description)) exists, and \(leg.publisher.label) "
                + "may not ask whether it is this delivery",
            hint:
                "a publisher that keeps no journal needs s3:GetObject on the inbox, in its own policy and in the partner's bucket policy; "
                + "it needs no right to decrypt there")
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

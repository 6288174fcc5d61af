import PouchAWS
import PouchHTTP
import PouchKit
import PouchPartnerKit

/// Begins an upload, sends it an empty part, lists it and aborts it: what larger files need besides. Nothing of it becomes an object.
struct PartsProbe: Sendable {
    /// What was refused of it, if anything.
    enum Outcome {
        case complete
        /// No part could be sent.
        case refused(AWSFailure, leavesOpen: Bool)
        /// Parts can be sent; an upload that was left open cannot be looked into, or not be ended.
        case careless(AWSFailure, leavesOpen: Bool)
    }

    let s3: S3
    let place: BucketPlace
    let key: String
    let attributes: ObjectAttributes

    /// For messages.
    var trace: String { "; an upload without content is left open at s3://\(place.name)/\(key)" }

    func outcome() async -> Outcome {
        let upload: MultipartUpload
        do throws(AWSFailure) {
            upload = try await s3.createMultipartUpload(CreateMultipartUpload(bucket: place, key: key, attributes: attributes))
                .upload
        } catch {
            return .refused(error, leavesOpen: false)
        }
        let sent = await refusal { () async throws(AWSFailure) in
            _ = try await s3.uploadPart(UploadPart(upload: upload, number: 1, body: .none, digests: InboxCheck.nothing))
        }
        let listed = await refusal { () async throws(AWSFailure) in _ = try await s3.listParts(of: upload) }
        let aborted = await refusal { () async throws(AWSFailure) in try await s3.abortMultipartUpload(upload) }
        if let sent { return .refused(sent, leavesOpen: aborted != nil) }
        return (aborted ?? listed).map { .careless($0, leavesOpen: aborted != nil) } ?? .complete
    }

    private func refusal(_ work: () async throws(AWSFailure) -> Void) async -> AWSFailure? {
        do throws(AWSFailure) {
            try await work()
            return nil
        } catch {
            return error
        }
    }
}

extension InboxCheck {
    static let partsName = "parts"

    /// Where `upload: multipart` wants it: whether the generator can send parts.
    ///
    /// - Returns: whether a delivery could go on.
    func sendParts(_ remedies: Remedies, _ record: inout CheckRecord) async -> Bool {
        let repository = plan.repository
        guard repository.upload.method == .multipart else { return true }
        let probe = PartsProbe(
            s3: inbox.generatorS3, place: repository.place, key: repository.prefix + Self.probeFolder + Self.partsName,
            attributes: emptyObject(at: "", in: repository.place).attributes)
        let call = AttemptedCall(
            attempt: "send a part to s3://\(repository.place.name)/\(probe.key)", side: .repository,
            identity: inbox.generator.label, bucket: repository.place, key: probe.key, keyARN: repository.key)
        switch await probe.outcome() {
        case .complete:
            record.add(.good, "store", "\(inbox.generator.name) sends files in parts", proof: .permitted)
            return true
        case .refused(let reason, let leavesOpen):
            record.add(
                Diagnosis.failure(reason, of: call), "store",
                fixes: RefusedAction(reason.message).map { remedies.fixes(for: $0, as: .generator) } ?? [])
            if leavesOpen { tellOpen(probe, "store", &record) }
            return false
        case .careless(let reason, let leavesOpen):
            note(
                "store", reason, by: inbox.generator, leavesOpen, probe, fixes: remedies.ofRole(.storeInParts, .generator), &record)
            return true
        }
    }

    /// Where a low `segments-above` wants it of files that are not large: whether the publisher can join segments.
    ///
    /// - Returns: whether a delivery could go on.
    func joinSegments(_ probe: PublishProbe, _ remedies: Remedies, _ record: inout CheckRecord) async -> Bool {
        guard plan.choices.joinsSegments else { return true }
        let (target, publisher) = (probe.target, probe.publisher)
        var attributes = ObjectAttributes(key: target.key, metadata: Self.mark)
        attributes.storageClass = target.storageClass
        attributes.acl = target.acl
        let parts = PartsProbe(
            s3: probe.s3, place: target.place, key: target.prefix + Self.probeFolder + Self.partsName, attributes: attributes)
        let call = AttemptedCall(
            attempt: "join segments at s3://\(target.place.name)/\(parts.key)", side: .inbox, identity: publisher.label,
            bucket: target.place, key: parts.key, keyARN: target.key)
        switch await parts.outcome() {
        case .complete:
            record.add(.good, "segments", "\(publisher.name) joins segments in the inbox", proof: .permitted)
            return true
        case .refused(let reason, let leavesOpen):
            record.add(
                Diagnosis.failure(reason, of: call), "segments", fixes: remedies.joining(RefusedAction(reason.message)))
            if leavesOpen { tellOpen(parts, "segments", &record) }
            return false
        case .careless(let reason, let leavesOpen):
            note("segments", reason, by: publisher, leavesOpen, parts, fixes: remedies.keepingUploads, &record)
            return true
        }
    }

    private func note(
        _ step: String, _ reason: AWSFailure, by party: S3SecureInbox.Party, _ leavesOpen: Bool, _ probe: PartsProbe,
        fixes: [Finding.Fix], _ record: inout CheckRecord
    ) {
        record.add(
            .note, step, "\(party.name) may not \(leavesOpen ? "abort" : "list the parts of") its uploads: \(reason.code)",
            hint: "what a stop left open begins anew, and stays until the bucket's lifecycle rule aborts it", fixes: fixes)
        if leavesOpen { tellOpen(probe, step, &record) }
    }

    private func tellOpen(_ probe: PartsProbe, _ step: String, _ record: inout CheckRecord) {
        record.add(.note, step, "it left an open upload without content at s3://\(probe.place.name)/\(probe.key)")
    }
}

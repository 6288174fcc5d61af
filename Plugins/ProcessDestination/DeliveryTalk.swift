import Glibc
import PouchKit

/// What host and plugin say to each other about one attempt at one delivery.
struct DeliveryTalk: Sendable {
    let file: OutgoingFile
    let context: DeliveryContext
    let plan: PluginPlan
    let link: PluginLink
    let patience: Patience
    let question: DeliveryQuestion
    let started: ContinuousClock.Instant

    typealias Outcome = Result<DeliveryOutcome, DeliveryFailure>

    enum Presence {
        case present(Receipt)
        case absent
        /// With the plugin's words.
        case unknown(String)
        case failed(DeliveryFailure)
    }

    // MARK: Asking

    /// Whether an earlier attempt, whose answer is lost, took effect.
    func ask(within limit: Duration) async throws(PluginLoss) -> Presence {
        let request = link.open(.exists(question), within: limit)
        defer { request.close() }
        switch try await request.reply() {
        case .presence(.absent): return .absent
        case .presence(.unknown(let text)): return .unknown(text.map { ": " + link.redaction.sentence($0) } ?? "")
        case .presence(.present(let arrival)):
            if let disagreement = disagreement(with: arrival, mustSay: false) { return .failed(disagreement) }
            return .present(receipt(arrival, confirmation: .byQuestion, requests: 0))
        case .failed(let failed): return .failed(failure(failed))
        case .unsupported: return .unknown(": the plugin cannot be asked")
        default: throw violation("it answered `exists` with something else")
        }
    }

    // MARK: Delivering

    /// - Parameter again: true when it may have arrived before: then the answer alone does not say which sending did it.
    func deliver(within limit: Duration, again: Bool = false) async throws(PluginLoss) -> Outcome {
        let (size, context) = (file.size, context)
        let request = link.open(.deliver(order(within: limit)), within: limit) { bytes in
            context.report(bytesSent: min(max(bytes, 0), size))
        }
        defer { request.close() }
        var announcements = 0
        var wasSaved = question.checkpoint != nil
        while true {
            switch try await request.reply() {
            case .checkpoint(let data, let ready):
                let isReady = ready != nil || announcements > 0
                do throws(DeliveryFailure) {
                    try await save(data, ready, isReady: isReady)
                    wasSaved = true
                    // What the plugin may do once it is told `saved` is not to happen any more: it never was allowed to, and nobody is to
                    // wonder whether it did.
                    if Task.isCancelled, isReady, announcements == 0 { try await save(data, nil, isReady: false) }
                } catch {
                    try await stop(request)
                    if case .sourceChanged = error.remedy, !wasSaved { await abandon() }
                    return .failure(error)
                }
                if ready != nil { announcements += 1 }
                if Task.isCancelled { request.cancel() } else { request.send(.saved) }
            case .done(let arrival):
                guard announcements > 0 else {
                    throw violation("it said `done` without having announced it (`checkpoint` with `ready`)")
                }
                if let disagreement = disagreement(with: arrival, mustSay: true) { return .failure(disagreement) }
                return .success(
                    .delivered(receipt(arrival, confirmation: confirmation(arrival, again: again), requests: announcements)))
            case .handedOver(let data, let arrival):
                guard plan.manifest.handsOver == true, announcements > 0 else {
                    throw violation("it handed over, and its manifest or its checkpoints did not say that it would")
                }
                return await handOver(data, arrival, requests: announcements)
            case .failed(let failed): return .failure(failure(failed))
            case .unsupported: throw violation("it does not know `deliver`")
            default: throw violation("it answered `deliver` with something else")
            }
        }
    }

    /// Nothing becomes visible before this has returned: the plugin waits for `saved`.
    private func save(_ data: String, _ ready: PluginMessage.Sent?, isReady: Bool) async throws(DeliveryFailure) {
        if let ready {
            guard ready.size == file.size, ready.sha256 == question.sha256 else {
                throw failure(
                    .sourceChanged, "source-changed",
                    "what the plugin read has \(ready.size) bytes and the SHA-256 \(ready.sha256), and the file had \(file.size) and "
                        + "\(question.sha256)")
            }
            context.report(bytesSent: file.size)
            try file.verifyUnchanged()
        }
        let saved = SavedProgress(delivery: context.delivery, data: data, isReady: isReady)
        try await context.save(saved.checkpoint(target: plan.target))
    }

    /// Until the plugin has said that it stopped: what it says before is of no interest any more.
    private func stop(_ request: PluginRequest) async throws(PluginLoss) {
        request.cancel()
        while true {
            switch try await request.reply() {
            case .failed, .done, .handedOver, .unsupported: return
            default: continue
            }
        }
    }

    /// The file is taken afresh, and no checkpoint leads to what was sent of it: nobody else would ask for it.
    private func abandon() async {
        let request = link.open(.abandon(delivery: context.delivery, checkpoint: ""), within: patience.answer)
        defer { request.close() }
        // A plugin that is lost over it is started again by whoever needs it next.
        _ = try? await request.reply()
    }

    private func handOver(_ data: String, _ arrival: PluginMessage.Arrival, requests: Int) async -> Outcome {
        if let disagreement = disagreement(with: arrival, mustSay: true) { return .failure(disagreement) }
        let checkpoint = SavedProgress(delivery: context.delivery, data: data, isReady: true).checkpoint(target: plan.target)
        do throws(DeliveryFailure) { try await context.save(checkpoint) } catch { return .failure(error) }
        return .success(.handedOver(checkpoint, receipt(arrival, confirmation: .byAnswer, requests: requests)))
    }

    private func order(within limit: Duration) -> DeliveryOrder {
        DeliveryOrder(
            question: question, attempt: context.attempt, whenTaken: plan.whenTaken,
            // Opened anew there, with an offset of its own. It leads to this very file for as long as the request runs.
            file: "/proc/\(getpid())/fd/\(file.descriptor)",
            modified: file.modified, partner: context.partner, route: context.route, agent: context.agent,
            source: file.path.description, secondsLeft: (limit / .seconds(1)).rounded(.down),
            bytesPerSecond: context.budget.limits.share)
    }

    // MARK: Judging

    /// What the plugin says of the far end, against what was to arrive.
    private func disagreement(with arrival: PluginMessage.Arrival, mustSay: Bool) -> DeliveryFailure? {
        let keys = plan.whenTaken == .suffix ? [context.key, context.key.suffixed(for: context.delivery)] : [context.key]
        guard keys.contains(arrival.key) else {
            return disagreed("it arrived under the key '\(VisibleText.escaped(arrival.key.description))'")
        }
        guard let sent = arrival.sent else {
            return mustSay ? disagreed("it arrived, without its size and its SHA-256") : nil
        }
        guard sent.size == file.size, sent.sha256 == question.sha256 else {
            return disagreed("\(sent.size) bytes with the SHA-256 \(sent.sha256) arrived")
        }
        return nil
    }

    private func disagreed(_ claim: String) -> DeliveryFailure {
        failure(
            .hold, "plugin-disagrees",
            "the plugin says that \(claim); it was to be \(file.size) bytes with the SHA-256 \(question.sha256) under that of the delivery",
            hint: "look at the far end, and run `pouch plugin test` on the plugin")
    }

    private func confirmation(_ arrival: PluginMessage.Arrival, again: Bool) -> Receipt.Confirmation {
        let said = arrival.confirmation ?? .byAnswer
        return again && said == .byAnswer ? .byConflict : said
    }

    private func failure(_ failed: PluginMessage.Failed) -> DeliveryFailure {
        let after = failed.retryAfter.flatMap { $0.isFinite ? Duration.seconds(min(max($0, 0), 86_400)) : nil }
        let remedy: DeliveryFailure.Remedy =
            switch failed.type {
            case .retry, .throttle: .retry(after: after)
            case .cancelled: .retry
            case .hold: .hold
            case .quarantine: .quarantine
            case .sourceChanged: .sourceChanged
            }
        let code = failed.code.utf8.prefix(64).allSatisfy { $0 > 0x20 && $0 < 0x7F } ? String(failed.code.prefix(64)) : "plugin"
        return DeliveryFailure(
            remedy, code: failed.type == .cancelled ? "stopped" : code, attempt: plan.attempt(at: file, as: context.key),
            cause: link.redaction.sentence(failed.text), hint: failed.hint.map(link.redaction.sentence),
            isThrottling: failed.type == .throttle)
    }

    private func failure(
        _ remedy: DeliveryFailure.Remedy, _ code: String, _ cause: String, hint: String? = nil
    ) -> DeliveryFailure {
        DeliveryFailure(remedy, code: code, attempt: plan.attempt(at: file, as: context.key), cause: cause, hint: hint)
    }

    private func violation(_ text: String) -> PluginLoss {
        link.giveUp(.violation(text))
        return link.loss ?? PluginLoss(.violation(text))
    }

    private func receipt(
        _ arrival: PluginMessage.Arrival, confirmation: Receipt.Confirmation, requests: Int
    ) -> Receipt {
        var facts = Dictionary(
            arrival.facts.map { (link.redaction.sentence($0), link.redaction.sentence($1)) },
            uniquingKeysWith: { first, _ in first })
        facts["plugin"] = plan.name.description + (plan.manifest.version.map { " " + $0 } ?? "")
        facts["size"] = String(file.size)
        facts["sha256"] = question.sha256.description
        let took = (ContinuousClock.now - started).components
        let record = StageRecord(
            stage: .place, identity: nil, facts: facts, requests: requests,
            milliseconds: took.seconds * 1_000 + took.attoseconds / 1_000_000_000_000_000)
        let said = arrival.location.map(link.redaction.sentence)
        let place = plan.place.hasSuffix("/") ? plan.place : plan.place + "/"
        return Receipt(
            location: said.flatMap { $0.contains("://") ? $0 : nil } ?? place + arrival.key.description,
            key: arrival.key.description, confirmation: confirmation, stages: [record])
    }
}

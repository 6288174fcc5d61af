import Foundation
import PouchFiles
package import PouchJournal
import PouchKit
import PouchWatch

/// What the agent answers when it is asked through the control socket, or by a command that opened the state itself.
extension Agent: ControlAnswering {
    package func answer(
        _ request: ControlRequest,
        progress: @escaping @Sendable (ControlAnswer) async -> Bool
    ) async -> ControlAnswer {
        do {
            switch request {
            case .status: return .done(text: try await statusText())
            case .hold(let partner, let reason): return try await hold(partner, reason: reason)
            case .release(let partner): return try await release(partner)
            case .retry(let text): return try await retry(text)
            case .send(let path, let partner): return await send(path, to: partner, progress: progress)
            case .reload(let onlyPlanning): return await reload(onlyPlanning: onlyPlanning)
            }
        } catch {
            return .refused(text: "\(error)", hint: nil)
        }
    }

    // MARK: Status

    package func status() async throws(JournalFailure) -> AgentStatus {
        let now = clock.now
        let monotonic = clock.monotonic
        let snapshot = try await journal.snapshot(now: now)
        let folders = zip(plan.folders, intake.folderStates).map { plan, state in
            FolderStatus(
                folder: plan.watched.path,
                isThere: state.isThere,
                sweptAt: state.figures?.began,
                files: state.figures?.files ?? 0,
                unsettled: state.figures?.unsettled ?? 0,
                unmatched: state.unmatched.count,
                ignored: state.figures?.ignored ?? [:],
                notices: state.notices
            )
        }
        // Certificates are read from disk when they were replaced.
        let seals = await onBlockingThread { [plan] in plan.partners.map { $0.seal?.recipients.status(at: now) } }
        let lanes = zip(plan.partners, seals).compactMap { partner, seal in
            self.lanes[partner.name].map { lane in
                LaneStatus(partner: partner.name, hold: lane.hold, breaker: Self.word(lane.breaker, at: monotonic), seal: seal)
            }
        }
        return AgentStatus(
            isRunning: true,
            at: now,
            journal: snapshot,
            folders: folders,
            lanes: lanes,
            running: board.running,
            account: recovery.lastAccount,
            troubles: [intake.pauseReason.map { "nothing is taken in: \($0)" }, outbox.trouble, closer.trouble].compactMap(\.self)
        )
    }

    private func statusText() async throws -> String {
        String(decoding: try JSONEncoder().encode(try await status()), as: UTF8.self)
    }

    private static func word(_ breaker: Breaker.State, at now: Duration) -> String {
        switch breaker {
        case .closed: "closed"
        case .open(let until, _):
            "it did not answer several times in a row; the next try is in \(max(0, (until - now).components.seconds)) s"
        case .probing: "it did not answer several times in a row; a try is under way"
        }
    }

    // MARK: Stepping in

    private func hold(_ partner: PartnerName, reason: String) async throws(JournalFailure) -> ControlAnswer {
        guard plan.partners.contains(where: { $0.name == partner }) else { return unknown(partner) }
        let hold = PartnerHold(code: "by-hand", reason: reason)
        _ = try await journal.hold(partner, code: hold.code, reason: reason, at: clock.now).value()
        lanes[partner]?.change(hold: hold)
        return .done(text: "\(partner) is held; its files queue until `pouch release \(partner)`")
    }

    private func release(_ partner: PartnerName) async throws(JournalFailure) -> ControlAnswer {
        guard plan.partners.contains(where: { $0.name == partner }) else { return unknown(partner) }
        let now = clock.now
        let release = try await journal.release(partner, at: now).value()
        // Whoever releases a partner knows that it is there again: nothing waits for its next time.
        let waiting = try await journal.bringForward(of: partner, waitsBeyond: now, to: now).value()
        lanes[partner]?.change(hold: nil)
        lanes[partner]?.tryNow()
        alerts.clear(.held, subject: partner.description)
        let more = waiting > 0 ? "; \(waiting) that waited for a later time are tried now" : ""
        guard release.wasHeld || release.deliveries > 0 else { return .done(text: "\(partner) was not held\(more)") }
        return .done(text: "\(partner) is released; \(release.deliveries) deliveries that were held wait again\(more)")
    }

    private func retry(_ text: String?) async throws(JournalFailure) -> ControlAnswer {
        let found = try await journal.stopped(matching: text)
        guard !found.isEmpty else {
            guard let text else { return .done(text: "nothing is held or quarantined") }
            return .refused(
                text: "no held or quarantined delivery begins with '\(VisibleText.escaped(text))'",
                hint: "`pouch status` and `pouch trace FILE` show the ids; what waits is tried now by `pouch release PARTNER`"
            )
        }
        if text != nil, found.count > 1 {
            return .refused(text: "\(found.count) deliveries begin with that", hint: "give more digits of the id")
        }
        if text != nil, let delivery = found.first, delivery.isWithoutKey {
            return .refused(
                text: "\(delivery.path) cannot be tried again for \(delivery.partner): no key could be made for it",
                hint: "drop it again under another name, or with another template (`as:`)"
            )
        }
        var lines: [String] = []
        for delivery in found {
            lines.append(try await retry(delivery))
            lanes.noteBacklog(of: delivery.partner)
        }
        let more = lines.count - Self.mostLines
        return .done(text: (lines.prefix(Self.mostLines) + (more > 0 ? ["and \(more) more"] : [])).joined(separator: "\n"))
    }

    /// What a person reads of an answer.
    private static let mostLines = 100

    /// - Returns: one line for people.
    private func retry(_ delivery: DeliverySummary) async throws(JournalFailure) -> String {
        let name = "\(delivery.id.shortForm) to \(delivery.partner)"
        guard !delivery.isWithoutKey else { return "\(name) cannot be tried again: no key could be made for \(delivery.path)" }
        do throws(JournalFailure) {
            let outcome = try await journal.retry(delivery.id, as: .random(), at: clock.now).value()
            alerts.clear(delivery.state == .held ? .held : .quarantined, subject: delivery.partner.description)
            switch outcome {
            case .waitingAgain: return "\(name) waits again"
            case .newDelivery(let id, _): return "\(name) is tried again as \(id.shortForm)"
            }
        } catch {
            // Somebody else was faster: no reason to leave the others.
            guard error.kind == .outOfPlace else { throw error }
            return "\(name) is on its way already"
        }
    }

    private func unknown(_ partner: PartnerName) -> ControlAnswer {
        .refused(
            text: "there is no partner '\(partner)'",
            hint: "partners: " + plan.partners.map(\.name.description).joined(separator: ", ")
        )
    }

    // MARK: Send

    private func send(
        _ path: String,
        to partner: PartnerName,
        progress: @escaping @Sendable (ControlAnswer) async -> Bool
    ) async -> ControlAnswer {
        guard plan.partners.contains(where: { $0.name == partner }) else { return unknown(partner) }
        let delivery = DeliveryID.random()
        let admission: Admission
        do {
            admission = try await onBlockingThread { () throws(SendRefusal) in
                try SendAdmission(plan: self.plan, at: self.clock.now).admission(of: path, to: partner, as: delivery)
            }
        } catch {
            return .refused(text: error.text, hint: error.hint)
        }
        let endings = sends.endings(of: delivery)
        defer { sends.forget(delivery) }
        do {
            // A drop that is also sent by hand is still a drop: what the folder remembers of it stays as it was.
            let kept = try await journal.kept(folder: admission.folder, path: admission.path)
            _ = try await intake.admit(admission).value()
            if kept != admission.identity { _ = journal.forgetKept(folder: admission.folder, path: admission.path) }
        } catch {
            return .refused(text: "\(error)", hint: "nothing was sent; `pouch status` says what hinders the agent")
        }
        let size = admission.identity.size
        return await withTaskGroup(of: ControlAnswer?.self) { group in
            group.addTask { [board, clock, lanes] in
                // A caller that went away does not stop the delivery; it is journaled and goes on.
                while !Task.isCancelled {
                    if let entry = board.progress(of: delivery) {
                        guard await progress(.progress(sent: entry.sent, of: entry.size)) else { return nil }
                    } else if let hold = lanes[partner]?.hold {
                        // Whatever held the partner meanwhile: nobody knows for how long.
                        return Self.queued(delivery, partner, hold)
                    }
                    do { try await clock.sleep(for: .milliseconds(100)) } catch { return nil }
                }
                return nil
            }
            group.addTask { await self.lastAnswer(endings, delivery: delivery, partner: partner, size: size, progress: progress) }
            defer { group.cancelAll() }
            for await answer in group {
                if let answer { return answer }
            }
            return .refused(text: "stopped before the end; the delivery \(delivery.shortForm) goes on with the agent", hint: nil)
        }
    }

    private static func queued(_ delivery: DeliveryID, _ partner: PartnerName, _ hold: PartnerHold) -> ControlAnswer {
        .refused(
            text: "queued as \(delivery.shortForm), but \(partner) is held: \(hold.reason)",
            hint: "after the fix: pouch release \(partner)"
        )
    }

    private func lastAnswer(
        _ endings: AsyncStream<DeliveryPipeline.Ending>,
        delivery: DeliveryID,
        partner: PartnerName,
        size: Int64,
        progress: @escaping @Sendable (ControlAnswer) async -> Bool
    ) async -> ControlAnswer? {
        if let hold = lanes[partner]?.hold { return Self.queued(delivery, partner, hold) }
        for await ending in endings {
            switch ending {
            case .recorded:
                _ = await progress(.progress(sent: size, of: size))
                let story = try? await journal.trace(delivery.description).first
                return .done(text: "delivered: \(story?.receipt?.location ?? delivery.description)")
            case .quarantined(let failure, _), .held(let failure), .heldAlone(let failure):
                return .refused(text: failure.description, hint: "pouch trace \(delivery.shortForm)")
            case .waiting(let failure, let pause):
                return .refused(
                    text: "\(failure)",
                    hint:
                        "it will be tried again in \(pause.components.seconds) s by a running agent; pouch trace \(delivery.shortForm)"
                )
            case .retaken, .unrecorded: continue
            case .stopped: return nil
            }
        }
        return nil
    }
}

extension DeliverySummary {
    /// It was quarantined at admission: what stands for its key is no name to deliver under.
    fileprivate var isWithoutKey: Bool { key == .standIn(for: id) }
}

import PouchAWS
import PouchKit

/// One message after the other, from its text to its end in the queue.
struct MessageWork: Sendable {
    let queue: SQS
    let redrive: Redrive
    /// A message that is worked on is kept from others for this long, again and again.
    let visibility: Duration
    let desk: ConsignmentDesk
    let slots: Slots
    let farewells: Farewells
    let clock: any AgentClock
    let report: @Sendable (PublisherNews) -> Void

    /// - Parameter hold: Given back early by what may take hours.
    func handle(_ message: SQS.Message, _ hold: SlotHold) async {
        let verdicts = await withTaskGroup(of: [(String, PublishingVerdict)]?.self) { group in
            group.addTask { await self.verdicts(on: message, hold) }
            group.addTask {
                await keepFromOthers(message)
                return nil
            }
            while let next = await group.next() {
                guard let verdicts = next else { continue }
                group.cancelAll()
                return verdicts
            }
            return []
        }
        // Cut short: what is known now is not the whole, and the message comes back by itself.
        if Task.isCancelled { return }
        let fate = MessageFate(verdicts.map(\.1), receiveCount: message.receiveCount, redrive: redrive)
        switch fate {
        case .delete: farewells.add(message.receipt)
        case .comeBack(let pause), .leave(let pause): await hide(message, for: pause)
        }
        for (object, verdict) in verdicts { tell(verdict, object, fate, message) }
    }

    private func verdicts(on message: SQS.Message, _ hold: SlotHold) async -> [(String, PublishingVerdict)] {
        switch EventMessage(body: message.body) {
        case .test: return []
        case .unreadable(let reason):
            let failure = DeliveryFailure(
                .quarantine, code: "unreadable-event", attempt: "read the message \(message.id)", cause: reason,
                hint: "only S3, by itself, through SNS or EventBridge, should be allowed to write to the queue")
            return [(message.id, .never(failure))]
        case .objects(let notices):
            var verdicts: [(String, PublishingVerdict)] = []
            for notice in ObjectNotice.latest(of: notices) {
                let verdict = await desk.publish(
                    bucket: notice.bucket, key: notice.key, versionID: notice.versionID,
                    on: .message(isRepeated: message.receiveCount != 1, onLengthy: { hold.giveBack() }))
                verdicts.append((ConsignmentDesk.object(notice.bucket, notice.key), verdict))
            }
            return verdicts
        }
    }

    private func tell(_ verdict: PublishingVerdict, _ object: String, _ fate: MessageFate, _ message: SQS.Message) {
        switch verdict {
        case .done, .doneBefore: slots.change { $0.succeeded() }
        case .nothing: break
        case .later(let failure):
            if failure.isThrottling {
                var asked: Duration?
                if case .retry(let after) = failure.remedy { asked = after }
                slots.change { [now = clock.monotonic] in $0.throttled(asked: asked, at: now) }
                report(.throttled(atOnce: slots.pace.atOnce))
            }
            if case .comeBack(let pause) = fate { report(.postponed(failure, object: object, in: pause)) }
        case .never(let failure): report(.refused(failure, object: object, reception: message.receiveCount))
        }
    }

    /// A long copy outlasts the time for which the queue keeps the message from others.
    private func keepFromOthers(_ message: SQS.Message) async {
        while !Task.isCancelled {
            do { try await clock.sleep(for: visibility / 3) } catch { return }
            await hide(message, for: visibility)
        }
    }

    /// When it fails the message comes back sooner, and is found published.
    private func hide(_ message: SQS.Message, for time: Duration) async {
        do throws(AWSFailure) {
            try await queue.changeVisibility(of: message.receipt, to: time)
        } catch {
            guard error.origin != .cancelled else { return }
            report(.queueTrouble(error, pause: nil))
        }
    }
}

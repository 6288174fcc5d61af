package import PouchAWS
package import PouchKit

/// The publisher as a service of its own: takes events from a queue, copies consignments into inboxes, deletes a message only
/// when its copy is verified.
///
/// It keeps nothing: any number may run side by side, and any may be killed at any time. A message that was not deleted is given
/// to another, which asks the inbox whether the delivery is there already.
package final class PublisherService: Sendable {
    package struct Settings: Hashable, Sendable {
        /// For receipts and logs.
        package var name: String
        /// A message that is worked on is kept from others for this long, again and again until it is done.
        package var visibility: Duration = .seconds(120)
        package var atOnce = 32
        /// `nil`: never by itself.
        package var reconcileEvery: Duration?
        /// What is younger is left to its event.
        package var leastAge: Duration = .seconds(900)
        package var writesReceipts = true
        /// How long what is under way may go on after a stop was asked for.
        package var drainLimit: Duration = .seconds(20)

        package init(name: String) { self.name = name }
    }

    package enum Mode: Hashable, Sendable {
        case service
        /// Until the queue is empty, and everything in the repositories was looked at.
        case once
        /// Only what lies in the repositories.
        case reconcileOnly
    }

    /// How a run ended.
    package struct Ending: Hashable, Sendable {
        package var published = 0
        package var postponed = 0
        package var refused = 0
        /// Why it could not do its work, or not all of it.
        package var trouble: String?

        package init() {}

        package var isComplete: Bool { trouble == nil && postponed == 0 && refused == 0 }
    }

    private let queue: SQS?
    private let settings: Settings
    private let clock: any AgentClock
    private let desk: ConsignmentDesk
    private let slots: Slots
    private let stopping = StopRequest()
    private let tally: PublishingTally
    private let report: @Sendable (PublisherNews) -> Void

    /// - Parameters:
    ///   - queue: `nil` for a run that only reconciles.
    ///   - report: Told of everything that happens, from many tasks.
    package init(
        queue: SQS?,
        partners: [PublisherPartner],
        settings: Settings,
        clock: any AgentClock,
        report: @escaping @Sendable (PublisherNews) -> Void
    ) {
        let tally = PublishingTally()
        self.queue = queue
        self.settings = settings
        self.clock = clock
        self.tally = tally
        let counting = { @Sendable (news: PublisherNews) in
            tally.count(news)
            report(news)
        }
        self.report = counting
        desk = ConsignmentDesk(
            partners: partners, name: settings.name, writesReceipts: settings.writesReceipts, clock: clock, report: counting)
        slots = Slots(most: settings.atOnce)
    }

    /// Takes nothing new; `run` ends when what is under way is done, or after the drain limit.
    package func stop() {
        report(.draining)
        stopping.make()
        slots.close()
    }

    package func run(_ mode: Mode) async -> Ending {
        report(.started(queue: queue?.queue.description, partners: desk.partners.map(\.name)))
        await withTaskGroup(of: Void.self) { group in
            group.addTask { await self.work(mode) }
            group.addTask { [stopping, clock, settings] in
                await stopping.wait()
                try? await clock.sleep(for: settings.drainLimit)
            }
            // Either the work ended, or its time after a stop did: whatever goes on is cut short.
            await group.next()
            group.cancelAll()
        }
        return tally.ending
    }

    private func work(_ mode: Mode) async {
        switch (mode, queue) {
        case (.reconcileOnly, _), (_, nil): await reconcile(leastAge: .zero)
        case (.once, let queue?):
            await listen(to: queue, untilEmpty: true)
            if !stopping.isMade { await reconcile(leastAge: .zero) }
        case (.service, let queue?):
            await withTaskGroup(of: Void.self) { group in
                group.addTask { await self.listen(to: queue, untilEmpty: false) }
                group.addTask { await self.reconcileEverySoOften() }
            }
        }
    }

    // MARK: The queue

    private func listen(to queue: SQS, untilEmpty: Bool) async {
        let hasDeadLetters = await hasDeadLetters(queue)
        let farewells = Farewells(queue: queue, report: report)
        await withTaskGroup(of: Void.self) { group in
            group.addTask { await farewells.run() }
            await withDiscardingTaskGroup { messages in
                var failures = 0
                while !Task.isCancelled, let room = await slots.take(atMost: SQS.mostInOneCall) {
                    let received = await receive(room, from: queue, waiting: untilEmpty ? .seconds(1) : SQS.longestPoll)
                    let found = (try? received?.get()) ?? []
                    slots.give(back: room - found.count)
                    for message in found {
                        messages.addTask {
                            await self.handle(message, of: queue, hasDeadLetters: hasDeadLetters, farewells)
                            self.slots.give(back: 1)
                        }
                    }
                    switch received {
                    case nil: return
                    case .success:
                        failures = 0
                        if untilEmpty, found.isEmpty, slots.inUse == 0 { return }
                        // The last ones are under way: asking on would be a busy loop, were it not for the second it waits.
                        await rest(until: slots.pace.restsUntil)
                    case .failure(let failure):
                        failures += 1
                        if untilEmpty, failures >= 3 { return tally.fail(failure, queue.queue) }
                        let pause = min(Duration.seconds(1 << min(failures, 6)), .seconds(60))
                        report(.queueTrouble(failure, pause: pause))
                        await rest(until: clock.monotonic + pause)
                    }
                }
            }
            farewells.close()
        }
    }

    private func receive(
        _ most: Int, from queue: SQS, waiting: Duration
    ) async -> Result<[SQS.Message], AWSFailure>? {
        await stopping.orResult { [settings] in
            do throws(AWSFailure) {
                return .success(try await queue.receive(most, waiting: waiting, visibility: settings.visibility))
            } catch {
                return .failure(error)
            }
        }
    }

    private func rest(until time: Duration) async {
        let pause = time - clock.monotonic
        guard pause > .zero else { return }
        _ = await stopping.orResult { [clock] in try? await clock.sleep(for: pause) }
    }

    private func hasDeadLetters(_ queue: SQS) async -> Bool {
        do throws(AWSFailure) {
            let has = try await queue.attributes().mostReceptions != nil
            if !has { report(.noDeadLetters) }
            return has
        } catch {
            // Perhaps we may not ask: then nothing is given back at once, which is safe in both cases.
            report(.queueTrouble(error, pause: nil))
            return false
        }
    }

    // MARK: One message

    private func handle(_ message: SQS.Message, of queue: SQS, hasDeadLetters: Bool, _ farewells: Farewells) async {
        let verdicts = await withTaskGroup(of: [(String, PublishingVerdict)]?.self) { group in
            group.addTask { await self.verdicts(on: message) }
            group.addTask {
                await self.keepFromOthers(message, queue)
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
        let fate = MessageFate(verdicts.map(\.1), receiveCount: message.receiveCount, hasDeadLetters: hasDeadLetters)
        switch fate {
        case .delete: farewells.add(message.receipt)
        case .comeBack(let pause), .leave(let pause): await hide(message, for: pause, queue)
        }
        for (object, verdict) in verdicts { tell(verdict, object, fate, message) }
    }

    private func verdicts(on message: SQS.Message) async -> [(String, PublishingVerdict)] {
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
                    bucket: notice.bucket, key: notice.key, versionID: notice.versionID, goesOn: message.receiveCount != 1)
                verdicts.append(("s3://\(notice.bucket)/\(notice.key)", verdict))
            }
            return verdicts
        }
    }

    private func tell(_ verdict: PublishingVerdict, _ object: String, _ fate: MessageFate, _ message: SQS.Message) {
        switch verdict {
        case .done: slots.change { $0.succeeded() }
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
    private func keepFromOthers(_ message: SQS.Message, _ queue: SQS) async {
        while !Task.isCancelled {
            do { try await clock.sleep(for: settings.visibility / 3) } catch { return }
            await hide(message, for: settings.visibility, queue)
        }
    }

    /// When it fails the message comes back sooner, and is found published.
    private func hide(_ message: SQS.Message, for time: Duration, _ queue: SQS) async {
        do throws(AWSFailure) {
            try await queue.changeVisibility(of: message.receipt, to: time)
        } catch {
            guard error.origin != .cancelled else { return }
            report(.queueTrouble(error, pause: nil))
        }
    }

    // MARK: The repositories

    private func reconcileEverySoOften() async {
        guard let every = settings.reconcileEvery else { return }
        // Publishers that were started together do not list together.
        var pause = every * Double.random(in: 0..<1)
        while true {
            let isOver = await stopping.orResult { [clock, pause] in
                do { try await clock.sleep(for: pause) } catch { return true }
                return false
            }
            guard isOver == false else { return }
            await reconcile(leastAge: settings.leastAge)
            pause = every
        }
    }

    private func reconcile(leastAge: Duration) async {
        for partner in desk.partners where !stopping.isMade {
            let reconciliation = Reconciliation(
                desk: desk, partner: partner, leastAge: leastAge, atOnce: settings.atOnce, stop: stopping)
            do throws(DeliveryFailure) {
                report(.reconciled(partner.name, try await reconciliation.run()))
            } catch {
                report(.reconciliationFailed(partner.name, error))
            }
        }
    }
}

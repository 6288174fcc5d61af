package import PouchAWS
package import PouchKit
import Synchronization

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

        /// Of one partner's copies that may take hours.
        var lengthyAtOnce: Int { max(atOnce / 8, 1) }

        /// Why it must not run so.
        func objection(to mode: Mode) -> String? {
            guard !writesReceipts, mode != .service || reconcileEvery != nil else { return nil }
            return "looking through the repositories needs receipts, and receipts: false writes none: what a partner took out of "
                + "its inbox would be copied there again"
        }
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

    /// Each has its own connections.
    private static let partnersAtOnce = 8
    /// Slots that become free within this are filled by one call.
    private static let gathering: Duration = .milliseconds(50)
    /// One is lost with a publisher that is killed, and one with a short trouble.
    private static let fewestReceptions = 3

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
        let run = DeliveryID.random().description
        desk = ConsignmentDesk(
            partners: partners, name: settings.name, writesReceipts: settings.writesReceipts, clock: clock,
            visibility: settings.visibility,
            lengthy: LengthyCopies(mostOfOnePartner: settings.lengthyAtOnce, run: run), report: counting)
        slots = Slots(most: settings.atOnce)
    }

    /// Takes nothing new; `run` ends when what is under way is done, or after the drain limit.
    package func stop() {
        report(.draining)
        stopping.make()
        slots.close()
    }

    package func run(_ mode: Mode) async -> Ending {
        if mode == .service { tally.stopCounting() }
        if let objection = settings.objection(to: mode) {
            tally.fail(objection)
            return tally.ending
        }
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
        guard await mayLeaveReceipts() else { return }
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
        let farewells = Farewells(queue: queue, report: report)
        let work = MessageWork(
            queue: queue, redrive: await redrive(of: queue), visibility: settings.visibility, desk: desk, slots: slots,
            farewells: farewells, clock: clock, report: report)
        await withTaskGroup(of: Void.self) { group in
            group.addTask { await farewells.run() }
            await withDiscardingTaskGroup { messages in
                var failures = 0
                while !Task.isCancelled,
                    let room = await slots.take(
                        atMost: SQS.mostInOneCall, gather: { await rest(until: clock.monotonic + Self.gathering) })
                {
                    let received = await receive(room, from: queue, waiting: untilEmpty ? .seconds(1) : SQS.longestPoll)
                    let found = (try? received?.get()) ?? []
                    slots.give(back: room - found.count)
                    for message in found {
                        messages.addTask {
                            let hold = SlotHold(self.slots)
                            await work.handle(message, hold)
                            hold.giveBack()
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
                        if untilEmpty, failures >= 3 {
                            return tally.fail("\(queue.queue) could not be asked for messages: \(failure)")
                        }
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

    private func redrive(of queue: SQS) async -> Redrive {
        do throws(AWSFailure) {
            guard let receptions = try await queue.attributes().mostReceptions else {
                report(.unsuitable(.never))
                return .never
            }
            if receptions < Self.fewestReceptions { report(.unsuitable(.after(receptions: receptions))) }
            return .after(receptions: receptions)
        } catch {
            // Perhaps we may not ask: then nothing is given back at once, which is safe in both cases.
            report(.queueTrouble(error, pause: nil))
            return .unknown
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
        await forEachPartner { [self] partner in
            let reconciliation = Reconciliation(
                desk: desk, partner: partner, leastAge: leastAge, atOnce: settings.atOnce, stop: stopping)
            do throws(DeliveryFailure) {
                report(.reconciled(partner.name, try await reconciliation.run()))
            } catch {
                report(.reconciliationFailed(partner.name, error))
            }
        }
    }

    /// Who may publish and not leave receipts would publish again what the partner took: better not at all.
    private func mayLeaveReceipts() async -> Bool {
        guard settings.writesReceipts else { return true }
        let isRefused = Atomic(false)
        await forEachPartner { [self] partner in
            do throws(DeliveryFailure) {
                try await desk.receipts.probe(partner)
            } catch {
                guard error.remedy == .hold else { return report(.receiptsUncertain(partner.name, error)) }
                report(.receiptsRefused(partner.name, error))
                isRefused.store(true, ordering: .relaxed)
            }
        }
        return !isRefused.load(ordering: .relaxed)
    }

    private func forEachPartner(_ work: @escaping @Sendable (PublisherPartner) async -> Void) async {
        await withTaskGroup(of: Void.self) { group in
            for (index, partner) in desk.partners.enumerated() where !stopping.isMade {
                if index >= Self.partnersAtOnce { await group.next() }
                group.addTask { await work(partner) }
            }
        }
    }
}

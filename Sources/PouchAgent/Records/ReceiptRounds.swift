import Logging
import PouchJournal
import PouchKit
import PouchManifest

/// Asks from time to time whether other publishers finished what was handed over to them, and records it.
struct ReceiptRounds: Sendable {
    let agent: String
    /// Those that the configuration names now.
    let partners: @Sendable () -> [PartnerPlan]
    let journal: Journal
    let outbox: ManifestOutbox
    let clock: any AgentClock
    let logger: Logger

    private static let pause: Duration = .seconds(60)
    private static let page = 64
    /// Of one partner in one round: what is never published must not be asked for all day.
    private static let mostInOneRound = 1_024

    /// Where the next round of a partner begins.
    private typealias Places = [PartnerName: Int64]

    func run() async {
        var places: Places = [:]
        while !Task.isCancelled {
            await round(&places)
            do { try await clock.sleep(for: Self.pause) } catch { return }
        }
    }

    /// Everything that waits for word, once.
    func round() async {
        var places: Places = [:]
        await round(&places)
    }

    private func round(_ places: inout Places) async {
        for partner in partners() {
            guard let shelf = partner.receipts else { continue }
            do {
                places[partner.name] = try await askAll(partner, shelf, after: places[partner.name] ?? 0)
            } catch {
                logger.warning("receipts could not be taken in", metadata: ["partner": "\(partner.name)", "cause": "\(error)"])
            }
        }
    }

    /// - Returns: Where to go on; zero for the beginning.
    private func askAll(_ partner: PartnerPlan, _ shelf: any ReceiptShelf, after: Int64) async throws(JournalFailure) -> Int64 {
        var last = after
        var asked = 0
        while asked < Self.mostInOneRound, !Task.isCancelled {
            let page = try await journal.handedOver(to: partner.name, after: last, limit: Self.page)
            guard let end = page.last?.delivery.sequence else { return 0 }
            for (handedOver, answer) in await answers(of: shelf, to: page, atOnce: partner.limits.atOnce) {
                switch answer {
                case .success(let receipt?): try await record(handedOver, receipt, partner)
                case .success(nil): break
                case .failure(let failure):
                    logger.warning(
                        "a receipt could not be taken in",
                        metadata: ["delivery": "\(handedOver.delivery.id)", "partner": "\(partner.name)", "cause": "\(failure)"])
                    // Others may be readable; a far end that does not answer is asked again in the next round.
                    guard case .retry = failure.remedy else { continue }
                    return last
                }
            }
            asked += page.count
            last = end
        }
        return last
    }

    private func answers(
        of shelf: any ReceiptShelf, to page: [HandedOver], atOnce: Int
    ) async -> [(HandedOver, Result<Receipt?, DeliveryFailure>)] {
        await withTaskGroup(of: (HandedOver, Result<Receipt?, DeliveryFailure>).self) { group in
            var answers: [(HandedOver, Result<Receipt?, DeliveryFailure>)] = []
            var rest = page[...]
            func askNext() {
                guard let next = rest.popFirst() else { return }
                group.addTask { (next, await Self.answer(of: shelf, to: next)) }
            }
            for _ in 0..<max(atOnce, 1) { askNext() }
            for await answer in group {
                answers.append(answer)
                askNext()
            }
            return answers
        }
    }

    private static func answer(of shelf: any ReceiptShelf, to handedOver: HandedOver) async -> Result<Receipt?, DeliveryFailure> {
        // What was handed over, which for a sealed file is another than what was dropped.
        guard let digests = handedOver.delivery.seal?.digests ?? handedOver.delivery.file.digests else { return .success(nil) }
        do throws(DeliveryFailure) {
            return .success(try await shelf.receipt(of: handedOver.delivery.id, digests: digests))
        } catch {
            return .failure(error)
        }
    }

    private func record(_ handedOver: HandedOver, _ receipt: Receipt, _ partner: PartnerPlan) async throws(JournalFailure) {
        let (delivery, now) = (handedOver.delivery, clock.now)
        guard let digests = delivery.file.digests else { return }
        let whole = Receipt(
            location: receipt.location, key: receipt.key, confirmation: receipt.confirmation,
            stages: handedOver.receipt.stages + receipt.stages)
        let entry = ManifestLines(agent: agent, adapter: partner.destination.traits.adapter)
            .finished(
                delivery, outcome: .delivered, receipt: whole, digests: digests, seal: delivery.seal, attempt: delivery.attempts,
                at: now)
        guard try await journal.confirm(delivery.id, receipt: whole, at: now, entry: entry).value() else { return }
        outbox.ring()
        logger.info(
            "published by another",
            metadata: [
                "delivery": "\(delivery.id)", "partner": "\(partner.name)", "file": "\(delivery.file.path)",
                "location": "\(receipt.location)",
            ])
    }
}

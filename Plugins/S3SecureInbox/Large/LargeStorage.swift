import PouchAWS
import PouchCrypto
import PouchKit
import Synchronization

/// Where the parts of a large file go, and what is made of them.
protocol PartStore: Sendable {
    var attempt: String { get }

    /// Makes room for the parts of one file.
    func begin() async throws(DeliveryFailure) -> PartialStore.Place

    func send(
        _ part: OutgoingPart,
        to place: PartialStore.Place,
        progress: @escaping @Sendable (Int64) -> Void
    ) async throws(PartTrouble) -> (part: PartialStore.Part, requests: Int)

    /// All parts lie there: makes a consignment of them.
    ///
    /// - Parameters:
    ///   - requests: Sent for the parts in this attempt.
    ///   - start: When the storing began.
    func finish(
        _ partial: PartialStore,
        _ digests: FileDigests,
        requests: Int,
        since start: Duration
    ) async throws(PartTrouble) -> Progress.Stored
}

/// A part that was hashed a moment ago: its bytes are still in memory.
struct OutgoingPart: Sendable {
    /// From 1.
    let number: Int
    let range: Range<Int64>
    let digests: PartDigests
}

/// Why a part was not stored.
enum PartTrouble: Error {
    case failure(DeliveryFailure)
    /// What was begun is not there any more, or is not of this file: it begins anew.
    case useless(String)
}

/// The stage `store` of a file that goes in parts: one reader hashes them in their order, and each leaves at once, in parallel within the
/// partner's slots. What was stored and saved is not sent again.
struct LargeStorage: Sendable {
    let run: DeliveryRun
    let plan: PartPlan
    let store: any PartStore

    /// Beginnings in one attempt.
    private static let mostBeginnings = 2

    private var file: OutgoingFile { run.file }

    /// - Parameter known: How far an earlier attempt got.
    func stored(from known: PartialStore?) async throws(DeliveryFailure) -> Progress.Stored {
        let start = run.inbox.link.clock.monotonic
        var partial = known
        if let kept = known, kept.plan != plan || kept.modified != file.modified {
            await discard(kept)
            partial = nil
        }
        var reason = ""
        for _ in 0..<Self.mostBeginnings {
            let ledger: PartLedger
            if let partial { ledger = self.ledger(partial) } else { ledger = try await newLedger() }
            partial = nil
            do throws(PartTrouble) {
                try await fill(ledger)
                return try await finish(ledger, since: start)
            } catch {
                switch error {
                case .failure(let failure): throw failure
                case .useless(let why): reason = why
                }
                // Whatever else it is: a file that is not the one that was claimed is the better reason.
                try file.verifyUnchanged()
                await discard(await ledger.partial)
            }
        }
        throw DeliveryFailure(
            .retry, code: "parts-useless", attempt: store.attempt, cause: reason,
            hint: "the parts that were stored do not fit together, or a lifecycle rule aborted the upload: it begins again")
    }

    private func newLedger() async throws(DeliveryFailure) -> PartLedger {
        let partial = PartialStore(place: try await store.begin(), plan: plan, modified: file.modified)
        // An upload must not be forgotten.
        try await save(partial)
        return ledger(partial)
    }

    private func ledger(_ partial: PartialStore) -> PartLedger {
        PartLedger(partial) { (partial) async throws(DeliveryFailure) in try await save(partial) }
    }

    private func save(_ partial: PartialStore) async throws(DeliveryFailure) {
        try await run.context.save(partial.checkpoint(for: run.plan.target))
    }

    /// Nobody will finish what was begun there.
    private func discard(_ partial: PartialStore) async {
        await run.inbox.abandon(partial.checkpoint(for: run.plan.target))
    }

    // MARK: Parts

    private func fill(_ ledger: PartLedger) async throws(PartTrouble) {
        let known = await ledger.partial
        let tally = Tally(context: run.context)
        let trouble = FirstTrouble()
        await withDiscardingTaskGroup { group in
            for number in plan.numbers where !trouble.isNoted {
                do throws(PartTrouble) {
                    guard let part = try await read(number, known, tally) else { continue }
                    guard let slot = await run.context.budget.slot() else { throw cancelled }
                    group.addTask {
                        do throws(PartTrouble) {
                            try await send(part, to: known.place, ledger, tally)
                        } catch {
                            trouble.note(error)
                        }
                        withExtendedLifetime(slot) {}
                    }
                } catch {
                    trouble.note(error)
                }
            }
        }
        if let first = trouble.first { throw first }
    }

    /// - Returns: `nil` when the part lies there already. It is read all the same while the file's digests are not known: what lies there
    ///   must be of the file as it is now.
    private func read(_ number: Int, _ known: PartialStore, _ tally: Tally) async throws(PartTrouble) -> OutgoingPart? {
        let range = plan.range(of: number)
        let lying = known.parts[number]
        if lying != nil, file.knownDigests != nil {
            tally.note(sent: plan.size(of: number), of: number)
            return nil
        }
        let digests: PartDigests
        do throws(DeliveryFailure) {
            digests = try await file.digests(of: range, kind)
        } catch {
            throw .failure(error)
        }
        guard let lying else { return OutgoingPart(number: number, range: range, digests: digests) }
        guard lying.checksum == digests.crc64nvme else { throw .useless("part \(number) is not what was stored of it before") }
        tally.note(sent: plan.size(of: number), of: number)
        return nil
    }

    /// Over plain http the hash of what is sent is the only proof of it.
    private var kind: PartDigests.Kind {
        run.plan.repository.place.endpoint?.isSecure == false ? .checksumAndSHA256 : .checksum
    }

    private func send(
        _ part: OutgoingPart,
        to place: PartialStore.Place,
        _ ledger: PartLedger,
        _ tally: Tally
    ) async throws(PartTrouble) {
        let sent = try await store.send(part, to: place) { tally.note(sent: $0, of: part.number) }
        do throws(DeliveryFailure) {
            try await ledger.add(sent.part, number: part.number, requests: sent.requests)
        } catch {
            throw .failure(error)
        }
    }

    private var cancelled: PartTrouble {
        .failure(DeliveryFailure(.retry, code: "cancelled", attempt: store.attempt, cause: "it was cancelled"))
    }

    // MARK: End

    private func finish(_ ledger: PartLedger, since start: Duration) async throws(PartTrouble) -> Progress.Stored {
        let digests: FileDigests
        do throws(DeliveryFailure) {
            try await ledger.saveAll()
            // Known from the parts, unless they were not read from the start.
            digests = try await file.digests()
            try file.verifyUnchanged()
        } catch {
            throw .failure(error)
        }
        let partial = await ledger.partial
        let checksum = plan.numbers.reduce(CRC64NVME(0)) { sum, number in
            guard let part = partial.parts[number] else { return sum }
            return CRC64NVMEHasher.combine(sum, part.checksum, lengthOfSecond: plan.size(of: number))
        }
        guard checksum == digests.crc64nvme else { throw .useless("the parts do not give the file's checksum") }
        return try await store.finish(partial, digests, requests: await ledger.requests, since: start)
    }
}

/// How much was sent, over all parts. A part that is sent again counts once.
private final class Tally: Sendable {
    private let context: DeliveryContext
    private let state = Mutex<(complete: Int64, parts: [Int: Int64])>((0, [:]))

    init(context: DeliveryContext) { self.context = context }

    func note(sent: Int64, of number: Int) {
        let total = state.withLock { state in
            state.complete += sent - (state.parts[number] ?? 0)
            state.parts[number] = sent
            return state.complete
        }
        context.report(bytesSent: total)
    }
}

/// The trouble that came first: what follows from it says less.
private final class FirstTrouble: Sendable {
    private let state = Mutex<PartTrouble?>(nil)

    var first: PartTrouble? { state.withLock { $0 } }
    var isNoted: Bool { first != nil }

    func note(_ trouble: PartTrouble) { state.withLock { $0 = $0 ?? trouble } }
}

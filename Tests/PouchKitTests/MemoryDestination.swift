import Glibc
import PouchKit
import PouchTestSupport
import Synchronization

/// A bug that is planted, to see whether the promises find it.
enum Flaw: String, CaseIterable {
    case placesBeforeSaving, swallowsJournalFailures, savesNothing, overwrites, forgetsItself, believesTwins, readsOnlyWhatWasSaid
    case ignoresDigests, ignoresVerification, movesTheOffset, leavesParts, removesWhatIsVisible
    case ignoresCancellation, ignoresTheDeadline, overstatesProgress, ignoresCase, escapesNames, alwaysConfirmedByAnswer,
        blamesTheFile
    case cutsTheLastByte, changesRemedies, seesNothing, believesAnyVersion, namesNoStages, changesItsTraits, dropsWhatIsConcurrent
}

/// What a `MemoryDestination` delivers to.
final class MemoryTarget: Sendable {
    struct Object: Sendable {
        let bytes: [UInt8]
        let delivery: DeliveryID?
    }

    struct State: Sendable {
        var objects: [DeliveryKey: Object] = [:]
        var parts: [DeliveryID: [UInt8]] = [:]
        var fault: DestinationFault?
        var isBroken = false
        var deliveries = 0
        var running = 0
    }

    let state = Mutex(State())
}

/// The simplest destination that keeps every promise, or one that breaks one of them.
struct MemoryDestination: Destination {
    let target: MemoryTarget
    let whenTaken: WhenTaken
    let flaw: Flaw?

    var traits: DestinationTraits {
        let suffix = flaw == .changesItsTraits ? "-\(target.state.withLock { $0.deliveries })" : ""
        return DestinationTraits(
            adapter: AdapterName(unchecked: "memory"),
            stages: [DestinationTraits.Stage(name: .place, identity: nil, place: "memory://")],
            target: TargetFingerprint("memory" + suffix), largestFile: 1 << 30)
    }

    func check() async -> [Finding] {
        let isBroken = target.state.withLock { $0.isBroken } && flaw != .seesNothing
        return [isBroken ? Finding(.failure, "the memory is broken", hint: "mend it") : Finding(.good, "the memory is there")]
    }

    func abandon(_ checkpoint: Checkpoint) async {
        guard let saved = Saved(checkpoint), flaw != .leavesParts else { return }
        target.state.withLock { state in
            state.parts[saved.delivery] = nil
            if flaw == .removesWhatIsVisible { state.objects[saved.key] = nil }
        }
    }

    func deliver(
        _ file: OutgoingFile, from checkpoint: Checkpoint?, in context: DeliveryContext
    ) async throws(DeliveryFailure) -> DeliveryOutcome {
        target.state.withLock { state in
            state.deliveries += 1
            state.running += 1
        }
        defer { target.state.withLock { $0.running -= 1 } }
        if flaw == .believesAnyVersion, checkpoint?.version == 9_999 { return receipt(context.key, .byQuestion) }
        try stopIfAsked(context)
        if let largest = traits.largestFile, file.size > largest { throw failed(.hold, "too-large") }
        if checkpoint.flatMap(Saved.init) != nil || context.attempt > 1, let there = ask(context) {
            return receipt(there, .byQuestion)
        }
        let bytes = try await contents(of: file, context)
        target.state.withLock { $0.parts[context.delivery] = bytes }
        // Lets the others come in between.
        if flaw == .dropsWhatIsConcurrent { for _ in 0..<100 { await Task.yield() } }
        do throws(DeliveryFailure) {
            return try await place(bytes, context)
        } catch {
            if error.remedy == .quarantine { target.state.withLock { $0.parts[context.delivery] = nil } }
            throw error
        }
    }

    private func contents(of file: OutgoingFile, _ context: DeliveryContext) async throws(DeliveryFailure) -> [UInt8] {
        var bytes: [UInt8] = []
        var block = [UInt8](repeating: 0, count: 1 << 16)
        while flaw != .readsOnlyWhatWasSaid || bytes.count < file.size {
            try stopIfAsked(context)
            let count = pread(file.descriptor, &block, block.count, bytes.count)
            guard count >= 0 else { throw failed(.retry, "EIO") }
            if count == 0 { break }
            bytes += block[..<count]
            guard flaw == .readsOnlyWhatWasSaid || bytes.count <= file.size else { throw TestFile.changed }
            context.report(bytesSent: Int64(bytes.count) + (flaw == .overstatesProgress ? 1 : 0))
            if target.state.withLock({ $0.fault }) == .cut {
                target.state.withLock { $0.fault = nil }
                throw failed(.retry, "cut")
            }
        }
        if flaw == .readsOnlyWhatWasSaid { return Array(bytes.prefix(Int(file.size))) }
        guard bytes.count == file.size else { throw TestFile.changed }
        do throws(DeliveryFailure) {
            let digests = try await file.digests()
            guard digests.sha256 == SeenObject(bytes).sha256 || flaw == .ignoresDigests else { throw TestFile.changed }
            if flaw != .ignoresVerification { try file.verifyUnchanged() }
        } catch {
            throw flaw == .changesRemedies ? failed(.retry, "read") : error
        }
        if flaw == .movesTheOffset { lseek(file.descriptor, 0, SEEK_END) }
        return flaw == .cutsTheLastByte && bytes.count > 5 << 20 ? bytes.dropLast() : bytes
    }

    private func place(_ bytes: [UInt8], _ context: DeliveryContext) async throws(DeliveryFailure) -> DeliveryOutcome {
        let own = flaw == .ignoresCase ? lowered(context.key) : flaw == .escapesNames ? escaped(context.key) : context.key
        for key in whenTaken == .suffix ? [own, own.suffixed(for: context.delivery)] : [own] {
            if flaw == .placesBeforeSaving { _ = put(bytes, key, context) }
            if flaw != .savesNothing {
                do throws(DeliveryFailure) {
                    try await context.save(Saved(delivery: context.delivery, key: key).checkpoint(traits.target))
                } catch {
                    if flaw != .swallowsJournalFailures { throw error }
                }
            }
            switch target.state.withLock({ $0.fault }) {
            case .refusePermission: throw failed(flaw == .blamesTheFile ? .quarantine : .hold, "AccessDenied")
            case .fullDisk: throw failed(flaw == .blamesTheFile ? .quarantine : .retry, "ENOSPC")
            default: break
            }
            guard target.state.withLock({ !$0.isBroken }) else { throw failed(.hold, "broken") }
            guard put(bytes, key, context) else { continue }
            let lost = target.state.withLock { state in
                defer { if state.fault == .lostReplyAfterEffect { state.fault = nil } }
                return state.fault == .lostReplyAfterEffect
            }
            return receipt(key, lost && flaw != .alwaysConfirmedByAnswer ? .byQuestion : .byAnswer)
        }
        throw failed(.quarantine, "taken")
    }

    private func put(_ bytes: [UInt8], _ key: DeliveryKey, _ context: DeliveryContext) -> Bool {
        target.state.withLock { state in
            if let there = state.objects[key], there.delivery != context.delivery || flaw == .forgetsItself, whenTaken != .replace,
                flaw != .overwrites
            {
                guard flaw == .believesTwins, there.bytes == bytes else { return false }
            }
            state.parts[context.delivery] = nil
            if flaw == .dropsWhatIsConcurrent, state.running > 1 { return true }
            state.objects[key] = MemoryTarget.Object(bytes: bytes, delivery: context.delivery)
            return true
        }
    }

    private func ask(_ context: DeliveryContext) -> DeliveryKey? {
        guard flaw != .forgetsItself else { return nil }
        return target.state.withLock { state in
            [context.key, context.key.suffixed(for: context.delivery)].first { state.objects[$0]?.delivery == context.delivery }
        }
    }

    private func stopIfAsked(_ context: DeliveryContext) throws(DeliveryFailure) {
        if Task.isCancelled, flaw != .ignoresCancellation { throw failed(.retry, "cancelled") }
        if context.budget.limits.deadline <= .zero, flaw != .ignoresTheDeadline { throw failed(.retry, "deadline") }
    }

    private func receipt(_ key: DeliveryKey, _ confirmation: Receipt.Confirmation) -> DeliveryOutcome {
        let stage = StageRecord(stage: .place, identity: nil, facts: ["key": key.description], requests: 1, milliseconds: 0)
        return .delivered(
            Receipt(
                location: "memory:///\(key)", key: key.description, confirmation: confirmation,
                stages: flaw == .namesNoStages ? [] : [stage]))
    }

    private func failed(_ remedy: DeliveryFailure.Remedy, _ code: String) -> DeliveryFailure {
        DeliveryFailure(remedy, code: code, attempt: "put it into memory", cause: code, hint: "free or mend the memory")
    }

    private func lowered(_ key: DeliveryKey) -> DeliveryKey { (try? DeliveryKey(key.description.lowercased())) ?? key }

    private func escaped(_ key: DeliveryKey) -> DeliveryKey { (try? DeliveryKey(VisibleText.escaped(key.description))) ?? key }

    private struct Saved {
        let delivery: DeliveryID
        let key: DeliveryKey

        init(delivery: DeliveryID, key: DeliveryKey) { (self.delivery, self.key) = (delivery, key) }

        init?(_ checkpoint: Checkpoint) {
            guard checkpoint.version == 1, let text = String(validating: checkpoint.payload, as: UTF8.self), text.utf8.count > 33,
                let delivery = try? DeliveryID(String(text.prefix(32))), let key = try? DeliveryKey(String(text.dropFirst(33)))
            else { return nil }
            self.init(delivery: delivery, key: key)
        }

        func checkpoint(_ target: TargetFingerprint) -> Checkpoint {
            Checkpoint(stage: .place, version: 1, target: target, payload: Array("\(delivery) \(key)".utf8))
        }
    }
}

final class MemoryHarness: DestinationHarness {
    private let target = MemoryTarget()
    private let flaw: Flaw?

    init(flaw: Flaw? = nil) { self.flaw = flaw }

    func destination(whenTaken: WhenTaken) async throws -> any Destination {
        MemoryDestination(target: target, whenTaken: whenTaken, flaw: flaw)
    }

    func visible() async throws -> [DeliveryKey: SeenObject] {
        target.state.withLock { $0.objects }.mapValues { SeenObject($0.bytes) }
    }

    func key(of receipt: Receipt) throws -> DeliveryKey { try DeliveryKey(receipt.key) }

    func occupy(_ key: DeliveryKey, with bytes: [UInt8]) async throws {
        target.state.withLock { $0.objects[key] = MemoryTarget.Object(bytes: bytes, delivery: nil) }
    }

    func leftovers() async throws -> [String] { target.state.withLock { $0.parts.keys.map(\.description) } }

    let faults = Set(DestinationFault.allCases)

    func inject(_ fault: DestinationFault) async throws { target.state.withLock { $0.fault = fault } }

    func heal() async throws { target.state.withLock { $0.fault = nil } }

    func hostileNames() throws -> [String] { try Vectors.naughtyStrings() }

    func breakTarget() async throws { target.state.withLock { $0.isBroken = true } }
}

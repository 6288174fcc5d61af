import Glibc
import PouchKit
import Synchronization

/// A far end in memory that answers as its script says, one line a call, and delivers when the script is over.
final class ScriptedDestination: Destination {
    enum Answer: Sendable {
        case deliver
        /// Before anything was stored.
        case refuse(DeliveryFailure.Remedy, code: String)
        /// After the checkpoint was saved.
        case breakOff(DeliveryFailure.Remedy, code: String)
        case handOver
        /// Somebody writes to the source while it is read.
        case rewriteSource(String)
    }

    struct Call: Hashable, Sendable {
        let delivery: DeliveryID
        let key: String
        let attempt: Int
        let checkpoint: Checkpoint?
    }

    private struct State {
        var script: [Answer]
        var calls: [Call] = []
        var objects: [String: [UInt8]] = [:]
        var seen: [[UInt8]] = []
        var abandoned: [Checkpoint] = []
    }

    let traits: DestinationTraits
    private let state: Mutex<State>

    init(_ script: [Answer] = [], target: String = "memory", largestFile: Int64? = nil) {
        traits = DestinationTraits(
            adapter: AdapterName(unchecked: "memory"),
            stages: [DestinationTraits.Stage(name: .place, identity: nil, place: "memory://")],
            target: TargetFingerprint(target),
            largestFile: largestFile
        )
        state = Mutex(State(script: script))
    }

    var calls: [Call] { state.withLock { $0.calls } }
    var abandoned: [Checkpoint] { state.withLock { $0.abandoned } }
    /// What the partner has, as text.
    var objects: [String: String] {
        state.withLock { $0.objects.mapValues { String(decoding: $0, as: UTF8.self) } }
    }

    /// The same as bytes.
    var bodies: [String: [UInt8]] { state.withLock { $0.objects } }
    /// What each attempt that read the file was given.
    var seen: [[UInt8]] { state.withLock { $0.seen } }

    func check() async -> [Finding] { [] }

    func deliver(
        _ file: OutgoingFile,
        from checkpoint: Checkpoint?,
        in context: DeliveryContext
    ) async throws(DeliveryFailure) -> DeliveryOutcome {
        let answer = state.withLock { state in
            state.calls.append(
                Call(
                    delivery: context.delivery, key: context.key.description, attempt: context.attempt, checkpoint: checkpoint))
            return state.script.isEmpty ? Answer.deliver : state.script.removeFirst()
        }
        switch answer {
        case .refuse(let remedy, let code): throw failure(remedy, code)
        case .rewriteSource(let text):
            do { try Rewriting.rewrite(Rewriting.place(of: file.descriptor), as: text) } catch {
                throw failure(.quarantine, "test-broken")
            }
        case .deliver, .breakOff, .handOver: break
        }
        var bytes = [UInt8](repeating: 0, count: Int(file.size))
        let count = pread(file.descriptor, &bytes, bytes.count, 0)
        let body = Array(bytes.prefix(count))
        state.withLock { $0.seen.append(body) }
        _ = try await file.digests()
        try file.verifyUnchanged()
        context.report(bytesSent: Int64(count))
        let saved = Checkpoint(stage: .place, version: 1, target: traits.target, payload: Array("half-way".utf8))
        try await context.save(saved)
        if case .breakOff(let remedy, let code) = answer { throw failure(remedy, code) }
        let key = context.key.description
        state.withLock { $0.objects[key] = body }
        let receipt = Receipt(
            location: "memory://\(key)",
            key: key,
            confirmation: .byAnswer,
            stages: [StageRecord(stage: .place, identity: nil, facts: ["bytes": "\(count)"], requests: 1, milliseconds: 1)]
        )
        if case .handOver = answer { return .handedOver(saved, receipt) }
        return .delivered(receipt)
    }

    func abandon(_ checkpoint: Checkpoint) async { state.withLock { $0.abandoned.append(checkpoint) } }

    private func failure(_ remedy: DeliveryFailure.Remedy, _ code: String) -> DeliveryFailure {
        DeliveryFailure(remedy, code: code, attempt: "put the file into memory", cause: "\(code) (400)", hint: "ask the script")
    }
}

import PouchAWS
import Synchronization

/// Deletes messages that are done with, ten at a time when there are so many: while one call is under way the next ones gather.
final class Farewells: Sendable {
    private let queue: SQS
    private let report: @Sendable (PublisherNews) -> Void
    private let receipts = Mutex<[String]>([])
    private let bell: AsyncStream<Void>
    private let ringer: AsyncStream<Void>.Continuation

    init(queue: SQS, report: @escaping @Sendable (PublisherNews) -> Void) {
        self.queue = queue
        self.report = report
        (bell, ringer) = AsyncStream.makeStream(of: Void.self, bufferingPolicy: .bufferingNewest(1))
    }

    func add(_ receipt: String) {
        receipts.withLock { $0.append(receipt) }
        ringer.yield()
    }

    /// No more will come: `run` ends when all are deleted.
    func close() { ringer.finish() }

    func run() async {
        for await _ in bell { await deleteAll() }
        await deleteAll()
    }

    /// What cannot be deleted is received once more, and found published.
    private func deleteAll() async {
        while true {
            let batch = receipts.withLock { receipts in
                let batch = Array(receipts.prefix(SQS.mostInOneCall))
                receipts.removeFirst(batch.count)
                return batch
            }
            guard !batch.isEmpty else { return }
            do throws(AWSFailure) {
                let failed = try await queue.delete(batch)
                if let failure = failed.first {
                    report(
                        .queueTrouble(
                            AWSFailure(
                                operation: "DeleteMessageBatch", origin: .answered(status: 200), code: failure.code,
                                message: "\(failed.count) of \(batch.count) messages were not deleted"), pause: nil))
                }
            } catch {
                report(.queueTrouble(error, pause: nil))
            }
        }
    }
}

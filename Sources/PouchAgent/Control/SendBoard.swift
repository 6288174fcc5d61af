import PouchKit
import Synchronization

/// Those who wait for the end of a delivery that they asked for with `send`.
final class SendBoard: Sendable {
    private let waiting = Mutex<[DeliveryID: AsyncStream<DeliveryPipeline.Ending>.Continuation]>([:])

    /// Ask before the delivery is admitted, so that its end is not missed.
    func endings(of delivery: DeliveryID) -> AsyncStream<DeliveryPipeline.Ending> {
        let (stream, continuation) = AsyncStream<DeliveryPipeline.Ending>.makeStream(bufferingPolicy: .bufferingNewest(4))
        waiting.withLock { $0[delivery] = continuation }
        return stream
    }

    func ended(_ delivery: DeliveryID, _ ending: DeliveryPipeline.Ending) {
        waiting.withLock { waiting in _ = waiting[delivery]?.yield(ending) }
    }

    func forget(_ delivery: DeliveryID) {
        waiting.withLock { $0.removeValue(forKey: delivery) }?.finish()
    }
}

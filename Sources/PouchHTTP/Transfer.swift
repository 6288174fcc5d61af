import CCurl
import Synchronization

/// One use of an easy handle: what a `TransferLoop` drives, whatever the protocol. HTTP is one, SFTP another, each with its own
/// options and its own reading of libcurl's codes.
///
/// A transfer is made, called and released by the thread of its loop; only what it was made from crosses threads.
protocol Transfer: AnyObject {
    /// How often somebody should look whether it still moves.
    var attention: Duration { get }

    /// It told libcurl to pause, and wants to go on at that time, by the machine's monotonic clock.
    var restsUntil: Duration? { get }

    /// Sets the options of its handle. Called once, before the transfer starts. The handle's callbacks get the transfer as
    /// their context: the loop keeps it alive for as long as the handle lives.
    func configure(_ handle: EasyHandle) throws(TransferProblem)

    /// The transfer is over. Called exactly once, also for a transfer that never began; the handle, where there was one, is
    /// no longer driven.
    func end(_ end: TransferEnd, of handle: EasyHandle?)
}

enum TransferEnd {
    /// libcurl is done, well or badly.
    case completed(CURLcode)
    /// libcurl gave no sign of life for so long, and its sockets were cut (`TurnWatch`).
    case overran(Duration)
    /// Its `Cancellation` was raised.
    case cancelled
    /// The loop was closed.
    case closed
    case broken(TransferProblem)
}

/// Raised by the one who waits, seen by the loop. It belongs to one transfer and dies with it: a cancellation that comes too
/// late leaves nothing behind.
final class Cancellation: Sendable {
    private let flag = Atomic(false)

    var isRaised: Bool { flag.load(ordering: .acquiring) }

    func raise() { flag.store(true, ordering: .releasing) }
}

/// A transfer that waits for its turn.
struct Submission: Sendable {
    let id: UInt64
    let cancellation: Cancellation
    let make: @Sendable () -> any Transfer
}

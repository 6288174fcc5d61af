/// Tells when a loop turns faster than anything can move.
///
/// libssh2 1.10 waits for a socket to become readable or writable while it needs only one of the two: a server that says nothing, with a socket
/// that takes everything, makes curl_multi_poll return at once, again and again, and one thread burns a processor.
struct IdleTurns: Hashable, Sendable {
    /// Turns in `span` that a transfer at full speed does not reach.
    private static let most = 100
    private static let span = Duration.milliseconds(10)

    private var began = Duration.zero
    private var count = 0

    /// Counts a turn.
    ///
    /// - Returns: true when the loop had better rest for a millisecond.
    mutating func mustRest(at now: Duration) -> Bool {
        if now - began >= Self.span {
            began = now
            count = 0
        }
        count += 1
        return count > Self.most
    }
}

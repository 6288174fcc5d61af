/// An event that a script tells its test about.
struct Signal: Sendable {
    private let stream: AsyncStream<Void>
    private let continuation: AsyncStream<Void>.Continuation

    init() { (stream, continuation) = AsyncStream.makeStream() }

    func fire() { continuation.yield() }

    /// Returns once `fire` was called, before or after.
    func fired() async {
        for await _ in stream { return }
    }
}

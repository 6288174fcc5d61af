/// How long a plugin is waited for. Every wait ends.
package struct Patience: Hashable, Sendable {
    /// From the start to the end of the handshake.
    package var start: Duration
    /// For the answer to a `cancel`; then the plugin is killed.
    package var cancel: Duration
    /// While it has something to do and says nothing; the manifest's `silence` goes before it.
    package var silence: Duration
    /// For an answer to `check`, `exists` and `abandon`.
    package var answer: Duration
    /// For the end of a pause between two starts; what has to rest longer fails what comes for it.
    package var rest: Duration

    package init(
        start: Duration = .seconds(20), cancel: Duration = .seconds(10), silence: Duration = .seconds(300),
        answer: Duration = .seconds(120), rest: Duration = .seconds(10)
    ) {
        self.start = start
        self.cancel = cancel
        self.silence = silence
        self.answer = answer
        self.rest = rest
    }
}

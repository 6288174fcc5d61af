import Synchronization

/// What a request is told, in order, for its one reader. Small: a plugin that sends more than a request can ask for is told off.
final class Mailbox<Letter: Sendable>: Sendable {
    private static var mostUnread: Int { 8 }

    private struct State {
        var letters: [Letter] = []
        var reader: CheckedContinuation<Letter, Never>?
    }

    private let state = Mutex(State())

    /// - Returns: false when too many lie there unread.
    func post(_ letter: Letter) -> Bool {
        let (reader, hasRoom) = state.withLock { state -> (CheckedContinuation<Letter, Never>?, Bool) in
            if let reader = state.reader {
                state.reader = nil
                return (reader, true)
            }
            state.letters.append(letter)
            return (nil, state.letters.count <= Self.mostUnread)
        }
        reader?.resume(returning: letter)
        return hasRoom
    }

    /// Waits whether or not the task is cancelled: whoever opened the request is always answered.
    func next() async -> Letter {
        await withCheckedContinuation { continuation in
            let letter = state.withLock { state -> Letter? in
                guard state.letters.isEmpty else { return state.letters.removeFirst() }
                state.reader = continuation
                return nil
            }
            if let letter { continuation.resume(returning: letter) }
        }
    }
}

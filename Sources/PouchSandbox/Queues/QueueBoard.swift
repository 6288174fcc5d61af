import FoundationEssentials
import PouchCrypto
package import PouchKit
import Synchronization

/// All queues of all accounts, in memory: they begin empty when the sandbox does.
package final class QueueBoard: Sendable {
    package struct Queue: Sendable {
        package let account: String
        package let settings: QueueSettings
        package var arn: String { settings.arn(in: account) }
    }

    private struct State {
        var contents: [String: MessageQueue]
        var sentCounts: [String: Int] = [:]
        var duplicateEvery: [String: Int] = [:]
        var waiters: [Int: AsyncStream<Void>.Continuation] = [:]
        var nextWaiter = 0
    }

    /// By ARN.
    package let queues: [String: Queue]
    private let state: Mutex<State>

    package init(scenario: SandboxScenario) {
        var queues: [String: Queue] = [:]
        for account in scenario.accounts {
            for settings in account.queues { queues[settings.arn(in: account.id)] = Queue(account: account.id, settings: settings) }
        }
        self.queues = queues
        state = Mutex(State(contents: queues.mapValues { _ in MessageQueue() }))
    }

    package func queue(_ account: String, _ name: String) -> Queue? {
        queues.values.first { $0.account == account && $0.settings.name == name }
    }

    /// From now on every so many messages one lies there twice; 0: never.
    package func duplicate(every count: Int, in queue: Queue) { state.withLock { $0.duplicateEvery[queue.arn] = count } }

    package func contents(of queue: Queue) -> MessageQueue { state.withLock { $0.contents[queue.arn] ?? MessageQueue() } }

    /// - Returns: The id of the message.
    @discardableResult
    package func send(_ body: String, to queue: Queue, at now: Timestamp) -> String {
        let id = Self.messageID()
        let waiters = state.withLock { state in
            let count = (state.sentCounts[queue.arn] ?? 0) + 1
            state.sentCounts[queue.arn] = count
            state.contents[queue.arn]?.send(body, id: id, at: now)
            let every = state.duplicateEvery[queue.arn] ?? queue.settings.duplicateEvery
            if every > 0, count.isMultiple(of: every) { state.contents[queue.arn]?.send(body, id: id, at: now) }
            return Array(state.waiters.values)
        }
        for waiter in waiters { waiter.yield() }
        return id
    }

    /// What can be received now. Messages that are dead go where the queue's settings say.
    package func receive(
        _ most: Int, from queue: Queue, hiddenFor visibility: Duration, at now: Timestamp
    ) -> [(message: MessageQueue.Message, receipt: String)] {
        let rule = queue.settings.deadLetters
        let heap = rule.flatMap { self.queue(queue.account, $0.queue) }
        return state.withLock { state in
            guard
                let (given, dead) = state.contents[queue.arn]?.receive(
                    most, hiddenFor: visibility, mostReceptions: heap == nil ? nil : rule?.after, at: now,
                    receipt: { SandboxSecrets.randomHex(16) })
            else { return [] }
            for message in dead { if let heap { state.contents[heap.arn]?.send(message.body, id: message.id, at: message.sent) } }
            return given
        }
    }

    package func change<Value: Sendable>(_ queue: Queue, _ change: (inout MessageQueue) -> Value) -> Value? {
        let (value, waiters) = state.withLock { state -> (Value?, [AsyncStream<Void>.Continuation]) in
            guard var contents = state.contents[queue.arn] else { return (nil, []) }
            let value = change(&contents)
            state.contents[queue.arn] = contents
            return (value, Array(state.waiters.values))
        }
        // A message may have been given back.
        for waiter in waiters { waiter.yield() }
        return value
    }

    /// Returns when something may have changed, or when the time is over.
    package func waitForNews(atMost limit: Duration) async {
        let (stream, continuation) = AsyncStream.makeStream(of: Void.self, bufferingPolicy: .bufferingNewest(1))
        let number = state.withLock { state in
            state.nextWaiter += 1
            state.waiters[state.nextWaiter] = continuation
            return state.nextWaiter
        }
        await withTaskGroup(of: Void.self) { group in
            group.addTask { for await _ in stream { return } }
            group.addTask { try? await Task.sleep(for: limit) }
            await group.next()
            group.cancelAll()
        }
        state.withLock { $0.waiters[number] = nil }
    }

    private static func messageID() -> String {
        let digits = SandboxSecrets.randomHex(16)
        return [8, 4, 4, 4, 12].reduce(into: (parts: [Substring](), rest: digits[...])) { result, length in
            result.parts.append(result.rest.prefix(length))
            result.rest = result.rest.dropFirst(length)
        }.parts.joined(separator: "-")
    }
}

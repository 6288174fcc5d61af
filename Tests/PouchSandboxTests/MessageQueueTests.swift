import PouchKit
import PouchSandbox
import Testing

@Suite("The messages of a queue")
struct MessageQueueTests {
    private static let start = House.now

    private static func queue(_ bodies: String...) -> MessageQueue {
        var queue = MessageQueue()
        for (index, body) in bodies.enumerated() { queue.send(body, id: "\(index)", at: start) }
        return queue
    }

    private static func receive(
        _ queue: inout MessageQueue, _ most: Int = 10, after seconds: Int64 = 0, mostReceptions: Int? = nil
    ) -> (bodies: [String], receipts: [String], dead: [String]) {
        let (given, dead) = queue.receive(
            most, hiddenFor: .seconds(30), mostReceptions: mostReceptions, at: start.advanced(by: .seconds(seconds)),
            receipt: { "\(seconds)" })
        return (given.map(\.message.body), given.map(\.receipt), dead.map(\.body))
    }

    @Test("what was received is kept from others for its time, and comes back with a higher count")
    func visibility() {
        var queue = Self.queue("a", "b", "c")
        #expect(Self.receive(&queue, 2).bodies == ["a", "b"])
        #expect(Self.receive(&queue).bodies == ["c"])
        #expect(Self.receive(&queue, after: 29).bodies.isEmpty)
        #expect(queue.waitingCount == 0)
        #expect(queue.inFlightCount == 3)
        #expect(Self.receive(&queue, after: 30).bodies.sorted() == ["a", "b", "c"])
        #expect(queue.all.map(\.receiveCount) == [2, 2, 2])
    }

    @Test("only the receipt of the latest reception deletes")
    func receipts() {
        var queue = Self.queue("a")
        let old = Self.receive(&queue).receipts[0]
        let new = Self.receive(&queue, after: 30).receipts[0]
        #expect(queue.delete(old) == .gone)
        #expect(queue.delete("nonsense") == .unknownReceipt)
        #expect(queue.all.count == 1)
        #expect(queue.delete(new) == .done)
        #expect(queue.all.isEmpty)
        #expect(Self.receive(&queue, after: 90).bodies.isEmpty)
    }

    @Test("a visibility can be prolonged, or given up at once, and not once it is over")
    func changing() {
        var queue = Self.queue("a")
        let receipt = Self.receive(&queue).receipts[0]
        func after(_ seconds: Int64) -> Timestamp { Self.start.advanced(by: .seconds(seconds)) }
        #expect(queue.changeVisibility(of: receipt, to: .seconds(60), at: after(20)) == .done)
        #expect(Self.receive(&queue, after: 79).bodies.isEmpty)
        #expect(queue.changeVisibility(of: receipt, to: .zero, at: after(79)) == .done)
        #expect(queue.changeVisibility(of: receipt, to: .seconds(60), at: after(79)) == .gone)
        #expect(Self.receive(&queue, after: 79).bodies == ["a"])
    }

    @Test("what is kept from nobody is given once in a call, and again in the next")
    func withoutVisibility() {
        var queue = Self.queue("a")
        for count in 1...2 {
            let given = queue.receive(10, hiddenFor: .zero, mostReceptions: nil, at: Self.start, receipt: { "\(count)" }).given
            #expect(given.map(\.message.receiveCount) == [count])
        }
    }

    @Test("a message that was received too often is dead instead of received once more")
    func deadLetters() {
        var queue = Self.queue("poison")
        #expect(Self.receive(&queue, mostReceptions: 2).bodies == ["poison"])
        #expect(Self.receive(&queue, after: 30, mostReceptions: 2).bodies == ["poison"])
        let third = Self.receive(&queue, after: 60, mostReceptions: 2)
        #expect(third.bodies.isEmpty)
        #expect(third.dead == ["poison"])
        #expect(queue.all.isEmpty)
    }
}

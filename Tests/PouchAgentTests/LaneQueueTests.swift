import PouchAgent
import PouchJournal
import PouchKit
import Testing

@Suite("the queue of a lane")
struct LaneQueueTests {
    private func deliveries(_ numbers: ClosedRange<Int64>) throws -> [PendingDelivery] {
        try numbers.map { try Specimen.delivery($0) }
    }

    private func read(_ found: [PendingDelivery], wasCut: Bool = false, due: Duration? = nil) -> LaneQueue {
        var queue = LaneQueue()
        queue.willRead()
        queue.didRead(found, wasCut: wasCut, nextDue: due)
        return queue
    }

    @Test("wants the journal to be read at the beginning")
    func beginsWithBacklog() {
        var queue = LaneQueue()
        #expect(queue.hasBacklog)
        #expect(queue.next() == nil)
    }

    @Test("gives out deliveries in the order of the journal")
    func keepsOrder() throws {
        let all = try deliveries(1...3)
        var queue = read(all)
        #expect([queue.next(), queue.next(), queue.next(), queue.next()] == [all[0], all[1], all[2], nil])
        #expect(!queue.hasBacklog)
    }

    @Test("never has a delivery twice, however often the journal names it")
    func hasEachOnce() throws {
        let all = try deliveries(1...2)
        var queue = read(all)
        #expect(queue.next() == all[0])
        queue.willRead()
        queue.didRead(all, wasCut: false, nextDue: nil)
        #expect([queue.next(), queue.next()] == [all[1], nil])
    }

    @Test("takes a delivery again when its attempt has ended")
    func takesAgain() throws {
        let delivery = try Specimen.delivery()
        var queue = read([delivery])
        _ = queue.next()
        queue.ended(delivery.id)
        queue.willRead()
        queue.didRead([delivery], wasCut: false, nextDue: nil)
        #expect(queue.next() == delivery)
    }

    @Test("does not believe a reading about what ended while it was read")
    func distrustsOldReadings() throws {
        let delivery = try Specimen.delivery()
        var queue = read([delivery])
        _ = queue.next()
        queue.willRead()
        queue.ended(delivery.id)
        queue.didRead([delivery], wasCut: false, nextDue: nil)
        #expect(queue.next() == nil)
        queue.willRead()
        queue.didRead([delivery], wasCut: false, nextDue: nil)
        #expect(queue.next() == delivery, "the next reading is believed")
    }

    @Test("wants more when the journal had more than it gave, when it could not be read, and when something was admitted")
    func knowsOfBacklog() {
        #expect(read([], wasCut: true).hasBacklog)
        var queue = LaneQueue()
        queue.willRead()
        #expect(!queue.hasBacklog)
        queue.didNotRead()
        #expect(queue.hasBacklog)
        var other = read([])
        #expect(!other.hasBacklog)
        other.noteBacklog()
        #expect(other.hasBacklog)
    }

    @Test("keeps the backlog that was noted while the journal was read")
    func keepsBacklogDuringReading() {
        var queue = LaneQueue()
        queue.willRead()
        queue.noteBacklog()
        queue.didRead([], wasCut: false, nextDue: nil)
        #expect(queue.hasBacklog)
    }

    @Test("wakes at the earliest time that is due")
    func knowsTheEarliest() {
        var queue = read([], due: .seconds(10))
        #expect(queue.nextDue == .seconds(10))
        queue.noteDue(at: .seconds(12))
        #expect(queue.nextDue == .seconds(10))
        queue.noteDue(at: .seconds(3))
        #expect(queue.nextDue == .seconds(3))
        queue.willRead()
        #expect(queue.nextDue == nil)
        queue.noteDue(at: .seconds(4))
        queue.didRead([], wasCut: false, nextDue: .seconds(20))
        #expect(queue.nextDue == .seconds(4), "what ended while it was read is due all the same")
    }
}

@Suite("the board of running deliveries")
struct ProgressBoardTests {
    private func entry(_ number: UInt64, began seconds: Int64) -> ProgressBoard.Entry {
        ProgressBoard.Entry(
            delivery: DeliveryID(high: 1, low: number),
            partner: Specimen.acme,
            path: "seeds.csv",
            size: 100,
            sent: 0,
            began: Timestamp(seconds: seconds)
        )
    }

    @Test("shows what runs, the oldest first, with what was sent of it")
    func showsRunning() {
        let board = ProgressBoard()
        board.began(entry(1, began: 20))
        board.began(entry(2, began: 10))
        board.sent(40, of: DeliveryID(high: 1, low: 1))
        #expect(board.running.map(\.sent) == [0, 40])
        #expect(board.progress(of: DeliveryID(high: 1, low: 1))?.sent == 40)
    }

    @Test("forgets what has ended, and what is reported of it afterwards")
    func forgets() {
        let board = ProgressBoard()
        let entry = entry(1, began: 1)
        board.began(entry)
        board.ended(entry.delivery)
        board.sent(99, of: entry.delivery)
        #expect(board.running.isEmpty)
        #expect(board.progress(of: entry.delivery) == nil)
    }
}

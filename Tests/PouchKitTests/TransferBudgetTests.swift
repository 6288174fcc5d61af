import PouchKit
import Testing

@Suite("The schedule of bytes")
struct ByteScheduleTests {
    /// Senders that ask whenever their turn has come, each a little late; how much they were given between two times.
    private func sent(
        by senders: Int,
        rate: (Duration) -> Int64,
        lateness: Duration,
        from start: Duration,
        to end: Duration
    ) -> Int64 {
        var schedule = ByteSchedule()
        var turns = Array(repeating: Duration.zero, count: senders)
        var total: Int64 = 0
        while let next = turns.min(), next < end, let sender = turns.firstIndex(of: next) {
            let reservation = schedule.reserve(upTo: 1 << 20, rate: rate(next), at: next)
            let leaves = max(reservation.start, next)
            if leaves >= start, leaves < end { total += reservation.count }
            turns[sender] = leaves + lateness
        }
        return total
    }

    @Test(
        "gives within 5 % of the rate over 10 s, however many share it and however late their timers are",
        arguments: [1, 3, 8, 64], [100_000, 5_000_000, 2_000_000_000] as [Int64])
    func isExact(senders: Int, rate: Int64) {
        for lateness in [Duration.zero, .milliseconds(2), .milliseconds(15)] {
            // One sender of 256 KiB at a time cannot be late and give 2 GB/s.
            if rate > 1_000_000_000, lateness * Int(rate >> 18) > .seconds(senders) { continue }
            let given = sent(by: senders, rate: { _ in rate }, lateness: lateness, from: .zero, to: .seconds(10))
            let deviation = abs(Double(given) / Double(rate * 10) - 1)
            #expect(deviation < 0.05, "\(given) bytes in 10 s, \(lateness) late")
        }
    }

    @Test("a new rate holds at once")
    func changes() {
        let given = sent(
            by: 8, rate: { $0 < .seconds(5) ? 10_000_000 : 1_000_000 }, lateness: .milliseconds(1), from: .seconds(5.3),
            to: .seconds(15.3))
        #expect(abs(Double(given) / 10_000_000 - 1) < 0.05)
        let faster = sent(
            by: 8, rate: { $0 < .seconds(5) ? 1_000_000 : 10_000_000 }, lateness: .milliseconds(1), from: .seconds(5.3),
            to: .seconds(15.3))
        #expect(abs(Double(faster) / 100_000_000 - 1) < 0.05)
    }

    @Test("a long rest is not made up for")
    func rests() {
        var schedule = ByteSchedule()
        _ = schedule.reserve(upTo: 1_000, rate: 1_000_000, at: .zero)
        let later = Duration.seconds(3_600)
        var given: Int64 = 0
        while case let turn = schedule.reserve(upTo: 1 << 20, rate: 1_000_000, at: later), turn.start <= later {
            given += turn.count
        }
        #expect(given <= 150_000)
    }
}

@Suite("The slots of a partner")
struct TransferSlotTests {
    @Test("no more requests run than there are slots, and those who wait come in their order")
    func ordered() async throws {
        let budget = TransferBudget(TransferBudget.Limits(atOnce: 1))
        var first = await budget.slot()
        #expect(first != nil)
        let (order, came) = AsyncStream.makeStream(of: Int.self)
        await withDiscardingTaskGroup { group in
            for number in 1...3 {
                group.addTask {
                    let slot = await budget.slot()
                    came.yield(number)
                    withExtendedLifetime(slot) {}
                }
                // Until it stands in line.
                while budget.waiting < number { await Task.yield() }
            }
            first = nil
        }
        came.finish()
        #expect(await order.reduce(into: []) { $0.append($1) } == [1, 2, 3])
    }

    @Test("more slots let more in at once; fewer take none away")
    func resized() async throws {
        let budget = TransferBudget(TransferBudget.Limits(atOnce: 1))
        let first = await budget.slot()
        async let second = budget.slot()
        while budget.waiting < 1 { await Task.yield() }
        budget.change(to: TransferBudget.Limits(atOnce: 2))
        let both = [first, await second]
        #expect(both.allSatisfy { $0 != nil })
        budget.change(to: TransferBudget.Limits(atOnce: 1))
        withExtendedLifetime(both) {}
    }

    @Test("whoever is cancelled leaves the line, and takes nobody's slot along")
    func cancelled() async throws {
        let budget = TransferBudget(TransferBudget.Limits(atOnce: 1))
        var first = await budget.slot()
        let waiting = Task { await budget.slot() }
        while budget.waiting < 1 { await Task.yield() }
        waiting.cancel()
        #expect(await waiting.value == nil)
        #expect(budget.waiting == 0)
        #expect(first != nil)
        first = nil
        #expect(await Task { await budget.slot() }.value != nil)
    }
}

import PouchKit
import Synchronization
import Testing

@Suite("loops that are asked whether they move")
struct HeartbeatTests {
    @Test("one that comes around is not silent, one that does not is, by its name")
    func silence() {
        let heartbeats = Heartbeats()
        let (first, second) = (heartbeats.join("first"), heartbeats.join("second"))
        #expect(heartbeats.silent == [], "nobody was asked")
        heartbeats.ask()
        #expect(heartbeats.silent == ["first", "second"])
        second.beat()
        #expect(heartbeats.silent == ["first"])
        first.beat()
        #expect(heartbeats.silent == [])
        heartbeats.ask()
        #expect(heartbeats.silent == ["first", "second"], "each question wants its own answer")
    }

    @Test("asking wakes those that wait")
    func wakes() {
        let heartbeats = Heartbeats()
        let wakes = Mutex(0)
        let heartbeat = heartbeats.join("loop", wake: { wakes.withLock { $0 += 1 } })
        heartbeats.ask()
        #expect(wakes.withLock { $0 } == 1)
        heartbeat.beat()
    }

    @Test("one that has left, and one that is excused, is not missed")
    func excuses() {
        let heartbeats = Heartbeats()
        let isExcused = Mutex(true)
        let gone = heartbeats.join("gone")
        let kept = heartbeats.join("kept", isExcused: { isExcused.withLock { $0 } })
        heartbeats.ask()
        gone.leave()
        #expect(heartbeats.silent == [])
        isExcused.withLock { $0 = false }
        #expect(heartbeats.silent == ["kept"], "it is asked still, and nothing keeps it any more")
        kept.beat()
        #expect(heartbeats.silent == [])
    }
}

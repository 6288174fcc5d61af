import PouchAgent
import Synchronization
import Testing

@Suite("a value that is computed once")
struct SingleFlightTests {
    private struct Trouble: Error {}

    private final class Counter: Sendable {
        private let number = Mutex(0)
        var value: Int { number.withLock { $0 } }
        @discardableResult func increase() -> Int {
            number.withLock {
                $0 += 1
                return $0
            }
        }
    }

    @Test("is computed by the first who asks, and given to all")
    func computesOnce() async throws {
        let flight = SingleFlight<Int, Trouble>()
        let computations = Counter()
        let bell = Bell()
        let values = try await withThrowingTaskGroup(of: Int.self) { group in
            for _ in 0..<50 {
                group.addTask {
                    try await flight.value { () async throws(Trouble) in
                        computations.increase()
                        await bell.wait()
                        return 7
                    }
                }
            }
            bell.ring()
            return try await group.reduce(into: []) { $0.append($1) }
        }
        #expect(values == Array(repeating: 7, count: 50))
        #expect(computations.value == 1)
    }

    @Test("is not computed when it is known")
    func usesWhatIsKnown() async throws {
        let flight = SingleFlight<Int, Trouble>(known: 3)
        let value = try await flight.value { () async throws(Trouble) in throw Trouble() }
        #expect(value == 3)
    }

    @Test("is computed again after a failure: a failure is not kept")
    func forgetsFailures() async throws {
        let flight = SingleFlight<Int, Trouble>()
        await #expect(throws: Trouble.self) { () async throws in
            _ = try await flight.value { () async throws(Trouble) in throw Trouble() }
        }
        let value = try await flight.value { () async throws(Trouble) in 5 }
        #expect(value == 5)
    }

    @Test("is computed by somebody who waited when the first one fails", arguments: 0..<20)
    func takesOver(_: Int) async {
        let flight = SingleFlight<Int, Trouble>()
        let begun = Bell()
        let fails = Bell()
        let computations = Counter()
        let outcomes = await withTaskGroup(of: Int?.self) { group in
            group.addTask {
                try? await flight.value { () async throws(Trouble) in
                    computations.increase()
                    begun.ring()
                    await fails.wait()
                    throw Trouble()
                }
            }
            await begun.wait()
            for _ in 0..<8 {
                group.addTask {
                    try? await flight.value { () async throws(Trouble) in
                        computations.increase()
                        return 9
                    }
                }
            }
            fails.ring()
            return await group.reduce(into: []) { $0.append($1) }
        }
        #expect(outcomes.filter { $0 == nil }.count == 1, "the one that failed")
        #expect(outcomes.filter { $0 == 9 }.count == 8)
        #expect(computations.value == 2)
    }
}

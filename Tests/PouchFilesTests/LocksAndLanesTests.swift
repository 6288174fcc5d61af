import Foundation
import Glibc
import PouchFiles
import PouchKit
import Synchronization
import Testing

@Suite("Locks, leases and the threads for what blocks")
struct LocksAndLanesTests {
    @Test("a second agent on one state directory is refused with the first one's process id")
    func stateLock() throws {
        let scratch = try Scratch()
        var first: StateLock? = try StateLock(state: scratch.path)
        #expect(first != nil)
        #expect(throws: StateLockFailure.held(path: scratch.path + "/lock", by: getpid())) { try StateLock(state: scratch.path) }
        first = nil
        _ = try StateLock(state: scratch.path)
    }

    @Test("the lock is free when its holder lets go, whatever a child that was forked meanwhile still holds")
    func stateLockInAChild() throws {
        let scratch = try Scratch()
        var first: StateLock? = try StateLock(state: scratch.path)
        // What a child has between fork and exec: a second descriptor of the same open file.
        let descriptors = try FileManager.default.contentsOfDirectory(atPath: "/proc/self/fd").compactMap { Int32($0) }
        let held = try #require(
            descriptors.first {
                (try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/fd/\($0)")) == scratch.path + "/lock"
            })
        let child = dup(held)
        defer { close(child) }
        #expect(first != nil)
        first = nil
        _ = try StateLock(state: scratch.path)
    }

    @Test("a state directory that is missing is a problem, not a lock")
    func missingState() {
        #expect {
            try StateLock(state: "/nowhere")
        } throws: { error in
            guard case .problem(let problem) = error as? StateLockFailure else { return false }
            return problem.isMissing
        }
    }

    @Test("the lease tells whether anybody has the file open for writing")
    func writeLease() throws {
        let scratch = try Scratch()
        let path = try scratch.file("a")
        let reader = try OpenFile.open(path)
        #expect(WriteLease.probe(descriptor: reader.descriptor) == .free)
        do {
            let writer = OpenFile(adopting: open(path, O_WRONLY), path: path)
            #expect(WriteLease.probe(descriptor: reader.descriptor) == .beingWritten)
            _ = consume writer
        }
        #expect(WriteLease.probe(descriptor: reader.descriptor) == .free)
        #expect(WriteLease.probe(descriptor: scratch.folder.descriptor) == .notPermitted)
    }

    @Test("a writer that opens a thousand times while we probe harms nobody")
    func leaseRace() async throws {
        let scratch = try Scratch()
        let path = try scratch.file("a")
        let reader = try OpenFile.open(path).shared()
        async let writing: Void = BlockingExecutor.shared.run {
            for _ in 0..<2_000 { close(open(path, O_WRONLY)) }
        }
        let verdicts = await BlockingExecutor.shared.run {
            (0..<2_000).map { _ in WriteLease.probe(descriptor: reader.descriptor) }
        }
        await writing
        #expect(!verdicts.contains(.notPermitted))
    }

    @Test("space and kind of a file system are told")
    func filesystem() throws {
        let scratch = try Scratch()
        #expect(try Filesystem.freeBytes(scratch.path) > 0)
        #expect(try Filesystem.kind(of: scratch.folder.descriptor) == .local)
        #expect(problem { () throws(FileProblem) in _ = try Filesystem.kind(of: -1) }?.errno == EBADF)
    }

    @Test("a lane works in order, one at a time, off the shared pool, and passes typed failures")
    func lane() async throws {
        let lane = BlockingLane(name: "test")
        let order = Mutex<[Int]>([])
        let thread = await lane.run { pthread_self() }
        for number in 0..<100 {
            let same = await lane.run {
                order.withLock { $0.append(number) }
                return pthread_self() == thread
            }
            #expect(same)
        }
        #expect(order.withLock { $0 } == Array(0..<100))
        await #expect(throws: FileProblem.self) {
            try await lane.run { () throws(FileProblem) in _ = try OpenFile.open("/nowhere") }
        }
    }

    @Test("a lane that hangs holds up neither another lane nor the shared threads")
    func hangingLane() async {
        let hung = BlockingLane(name: "hung")
        var ends: [Int32] = [0, 0]
        #expect(pipe(&ends) == 0)
        let (reading, writing) = (ends[0], ends[1])
        async let waiting = hung.run {
            var byte: UInt8 = 0
            return read(reading, &byte, 1)
        }
        let other = BlockingLane(name: "other")
        #expect(await other.run { 1 } == 1)
        #expect(await onBlockingThread { 2 } == 2)
        #expect(write(writing, "x", 1) == 1)
        #expect(await waiting == 1)
        close(reading)
        close(writing)
    }

    @Test("a thousand calls at once run on no more threads than were asked for, and all are answered")
    func manyCalls() async {
        let executor = BlockingExecutor(name: "test", threads: 3)
        let seen = SeenThreads()
        let sum = await withTaskGroup(of: Int.self) { group in
            for number in 0..<1_000 {
                group.addTask {
                    await executor.run {
                        seen.noteThis()
                        return number
                    }
                }
            }
            return await group.reduce(0, +)
        }
        #expect(sum == 499_500)
        #expect((1...3).contains(seen.count))
    }

    @Test("cancelling the task raises the sign for work that has begun")
    func stopSign() async {
        let lane = BlockingLane(name: "test")
        let (begun, beginning) = AsyncStream<Void>.makeStream()
        let task = Task {
            await lane.run(stoppable: { (sign: StopSign) in
                beginning.yield()
                while !sign.isRaised { sched_yield() }
                return true
            })
        }
        for await _ in begun { break }
        task.cancel()
        #expect(await task.value)
    }
}

private final class SeenThreads: Sendable {
    private let threads = Mutex<Set<UInt>>([])

    var count: Int { threads.withLock { $0.count } }

    func noteThis() { _ = threads.withLock { $0.insert(UInt(pthread_self())) } }
}

import Glibc
import PouchFiles
import PouchKit
import PouchWatch
import Testing

@Suite("DropWatcher, under load", .timeLimit(.minutes(20)))
struct LoadTests {
    private let scratch: Scratch

    init() throws { scratch = try Scratch() }

    private func fill(_ count: Int, folders: Int = 1, text: String = "contents") async throws {
        let scratch = scratch
        for folder in 0..<folders { try scratch.makeFolders("drop/\(folder)") }
        try await onBlockingThread { () throws in
            for index in 0..<count { try scratch.write("drop/\(index % folders)/\(index).csv", text) }
        }
    }

    @Test("20,000 files that come in a burst are each handed over once")
    func burst() async throws {
        try await scratch.watching { receiver, _ in
            try await fill(20_000, folders: 3)
            await receiver.until { $0.claimed.count == 20_000 }
            #expect(Set(receiver.record.claimed).count == 20_000)
            #expect(receiver.record.sizes.values.allSatisfy { $0 == 8 })
        }
    }

    @Test("when more events come than are kept, a sweep finds what they told of")
    func overflow() async throws {
        try await scratch.watching(capacities: WatchCapacities(events: 16)) { receiver, _ in
            try await fill(20_000, folders: 3)
            await receiver.until { $0.claimed.count == 20_000 }
            #expect(Set(receiver.record.claimed).count == 20_000)
            #expect(receiver.record.notices.contains(.overflowed(folder: scratch.drop)))
            #expect(receiver.record.sweeps.contains { $0.cause == .overflow })
        }
    }

    @Test("when more files must wait than are kept, they are found again when there is room")
    func backlog() async throws {
        try await fill(3_000, text: "")
        try await scratch.watching(capacities: WatchCapacities(candidates: 100)) { receiver, _ in
            await receiver.until { $0.claimed.count == 3_000 }
            #expect(receiver.record.sweeps.contains { $0.cause == .backlog })
        }
    }

    @Test("when the limit on watches is reached, the rest is swept, and it is told how many are needed")
    func watchLimit() async throws {
        for index in 0..<10 { try scratch.makeFolders("drop/\(index)") }
        try await scratch.watching(capacities: WatchCapacities(watches: 4)) { receiver, watcher in
            await receiver.until { !$0.notices.isEmpty && !$0.sweeps.isEmpty }
            guard case .watchLimit(_, let unwatched, let need, let limit) = receiver.record.notices.first else {
                Issue.record("expected a notice about the limit, found \(receiver.record.notices)")
                return
            }
            #expect(unwatched == 7)
            #expect(need >= 11)
            #expect(limit == 4)
            #expect(receiver.record.notices.first?.description.contains("sysctl fs.inotify.max_user_watches=65536") == true)
            for index in 0..<10 { try scratch.write("drop/\(index)/x.csv") }
            let figures = await watcher.sweepNow(folder: 0)
            #expect(figures.unwatchedDirectories == 7)
            await receiver.until { $0.claimed.count == 10 }
            #expect(receiver.record.notices.count == 1)
        }
    }

    @Test("a sweep on request begins after the request, whatever is under way")
    func requests() async throws {
        try await fill(2_000)
        try await scratch.watching(keeps: true) { _, watcher in
            for round in 1...5 {
                try scratch.write("drop/0/new-\(round).csv")
                let figures = await watcher.sweepNow(folder: 0)
                #expect(figures.files == 2_000 + round)
                #expect(figures.isComplete)
            }
        }
    }

    @Test("a watcher that saw tens of thousands of folders come and go still sees the next file at once")
    func churn() async throws {
        try await scratch.watching { receiver, watcher in
            for _ in 0..<4 {
                for index in 0..<6_000 { try scratch.makeFolder("drop/\(index)") }
                #expect(await watcher.sweepNow(folder: 0).unwatchedDirectories == 0)
                scratch.emptyDrop()
            }
            #expect(await watcher.sweepNow(folder: 0).directories == 1)
            let sweeps = receiver.record.sweeps.count
            try scratch.makeFolders("drop/a/b")
            try scratch.write("drop/a/b/x.csv")
            await receiver.until { $0.isClaimed("a/b/x.csv") }
            // It was told by events, and not by a sweep that happened to come.
            #expect(receiver.record.sweeps.dropFirst(sweeps).allSatisfy { $0.cause == .doubt })
        }
    }

    @Test("sweeps come by themselves")
    func schedule() async throws {
        try await scratch.watching(sweepEvery: .seconds(1)) { receiver, _ in
            await receiver.until { $0.sweeps.filter { $0.cause == .schedule }.count == 2 }
        }
    }
}

import Glibc
import PouchFiles
import PouchKit
import PouchWatch
import Synchronization
import Testing

@Suite("DropWatcher, folders", .timeLimit(.minutes(3)))
struct FolderEventTests {
    private let scratch: Scratch

    init() throws { scratch = try Scratch() }

    @Test("a folder that is moved in is looked through")
    func movedIn() async throws {
        try scratch.makeFolders("in/a/b")
        for index in 0..<20 {
            try scratch.write("in/\(index).csv")
            try scratch.write("in/a/b/\(index).csv")
        }
        try await scratch.watching { receiver, _ in
            try scratch.rename("in", "drop/in")
            await receiver.until { $0.claimed.count == 40 }
            #expect(receiver.record.isClaimed("in/a/b/7.csv"))
            try scratch.write("drop/in/a/b/new.csv")
            await receiver.until { $0.isClaimed("in/a/b/new.csv") }
            #expect(receiver.record.offered.count == 41)
        }
    }

    @Test("a file in a folder that was made a moment before is never missed", arguments: [2_000])
    func madeAndFilled(count: Int) async throws {
        try await scratch.watching { receiver, _ in
            for index in 0..<count {
                try scratch.makeFolders("drop/\(index)/deep")
                try scratch.write("drop/\(index)/deep/x.csv")
            }
            await receiver.until { $0.claimed.count == count }
            #expect(Set(receiver.record.claimed).count == count)
        }
    }

    @Test("files that come into a folder while it is renamed are handed over under their path")
    func renamed() async throws {
        try scratch.makeFolders("drop/a/b")
        try await scratch.watching { receiver, _ in
            try scratch.rename("drop/a", "drop/z")
            try scratch.write("drop/z/new.csv")
            try scratch.write("drop/z/b/new.csv")
            await receiver.until { $0.isClaimed("z/new.csv") && $0.isClaimed("z/b/new.csv") }
            try scratch.makeFolders("drop/a/b")
            try scratch.write("drop/a/b/other.csv")
            await receiver.until { $0.isClaimed("a/b/other.csv") }
            try scratch.rename("drop/z/b", "drop/a/b/c")
            try scratch.write("drop/a/b/c/third.csv")
            await receiver.until { $0.isClaimed("a/b/c/third.csv") }
            #expect(receiver.record.offered.count == 4)
        }
    }

    @Test("a file that was closed just before its folder was renamed is handed over under the new path")
    func renamedAfterClose() async throws {
        try await scratch.watching { receiver, _ in
            for index in 0..<100 {
                try scratch.makeFolders("drop/from")
                try scratch.write("drop/from/\(index).csv")
                try scratch.rename("drop/from", "drop/to-\(index)")
            }
            await receiver.until { $0.claimed.count == 100 }
        }
    }

    @Test("a folder that is deleted and made again is watched again")
    func madeAgain() async throws {
        try await scratch.watching { receiver, _ in
            for index in 0..<50 {
                try scratch.makeFolders("drop/again/deeper")
                try scratch.write("drop/again/deeper/\(index).csv")
                await receiver.until { $0.isClaimed("again/deeper/\(index).csv") }
                scratch.removeTree("drop/again")
            }
        }
    }

    @Test("a folder that is moved out is not looked into any more, and again when it returns")
    func movedOut() async throws {
        try scratch.makeFolders("drop/a/b")
        try await scratch.watching { receiver, watcher in
            try scratch.rename("drop/a", "outside")
            try scratch.write("outside/b/x.csv")
            #expect(await watcher.sweepNow(folder: 0).directories == 1)
            #expect(receiver.record.offered.isEmpty)
            try scratch.rename("outside", "drop/back")
            await receiver.until { $0.isClaimed("back/b/x.csv") }
        }
    }

    @Test("without recursion only the folder itself is looked at")
    func flat() async throws {
        try scratch.makeFolders("drop/a")
        try scratch.write("drop/a/x.csv")
        try await scratch.watching(recursive: false) { receiver, watcher in
            try scratch.makeFolders("drop/b")
            try scratch.write("drop/b/x.csv")
            try scratch.write("drop/y.csv")
            await receiver.until { $0.isClaimed("y.csv") }
            let figures = await watcher.sweepNow(folder: 0)
            #expect(figures.directories == 1)
            #expect(receiver.record.offered.count == 1)
        }
    }

    @Test("a link to a folder is not entered, and neither is what was put in a folder's place")
    func linkedFolder() async throws {
        try scratch.makeFolders("elsewhere")
        try scratch.write("elsewhere/x.csv")
        try await scratch.watching { receiver, watcher in
            try scratch.makeFolders("drop/a")
            try scratch.rename("drop/a", "a")
            try scratch.check(symlink("\(scratch.base)/elsewhere", "\(scratch.drop)/a"), "symlink")
            let figures = await watcher.sweepNow(folder: 0)
            #expect(figures.directories == 1)
            #expect(figures.ignored == ["a symbolic link": 1])
            #expect(receiver.record.offered.isEmpty)
        }
    }

    @Test("folders deeper than the bound are told of and not entered")
    func tooDeep() async throws {
        try scratch.makeFolders("drop/" + Array(repeating: "d", count: 70).joined(separator: "/"))
        try await scratch.watching { receiver, watcher in
            let figures = await watcher.sweepNow(folder: 0)
            #expect(figures.directories == 64)
            let isTold = receiver.record.notices.filter { if case .tooDeep = $0 { true } else { false } }
            #expect(isTold.count == 1)
        }
    }
}

@Suite("DropWatcher, the folder itself", .timeLimit(.minutes(3)))
struct RootTests {
    private let scratch: Scratch

    init() throws { scratch = try Scratch() }

    @Test("a folder that is renamed away is told of, and watched again when it returns")
    func renamedAway() async throws {
        try scratch.makeFolders("drop/a")
        try await scratch.watching { receiver, watcher in
            try scratch.rename("drop", "away")
            await receiver.until { $0.notices.contains { if case .vanished = $0 { true } else { false } } }
            try scratch.write("away/a/x.csv")
            let figures = await watcher.sweepNow(folder: 0)
            #expect(!figures.isComplete)
            #expect(receiver.record.offered.isEmpty)
            try scratch.rename("away", "drop")
            await receiver.until { $0.isClaimed("a/x.csv") }
            #expect(receiver.record.notices.contains(.returned(folder: scratch.drop)))
            try scratch.write("drop/a/y.csv")
            await receiver.until { $0.isClaimed("a/y.csv") }
        }
    }

    @Test("a folder that is not there at the start is told of, and watched when it comes")
    func notThere() async throws {
        scratch.removeTree("drop")
        try await scratch.watching { receiver, _ in
            #expect(receiver.record.notices.count == 1)
            try scratch.makeFolders("drop")
            try scratch.write("drop/x.csv")
            await receiver.until { $0.isClaimed("x.csv") }
        }
    }

    @Test("a folder that is deleted and made again is told of and watched again")
    func replaced() async throws {
        try await scratch.watching { receiver, _ in
            scratch.removeTree("drop")
            try scratch.makeFolders("drop")
            try scratch.write("drop/x.csv")
            await receiver.until { $0.isClaimed("x.csv") }
            try scratch.write("drop/y.csv")
            await receiver.until { $0.isClaimed("y.csv") }
            #expect(
                receiver.record.notices.contains {
                    if case .replaced = $0 { true } else if case .returned = $0 { true } else { false }
                })
        }
    }

    @Test("after the watcher ended a sweep answers that it saw nothing")
    func ended() async throws {
        let kept = Mutex<DropWatcher?>(nil)
        try await scratch.watching { _, watcher in kept.withLock { $0 = watcher } }
        let watcher = try #require(kept.withLock { $0 })
        #expect(await watcher.sweepNow(folder: 0).isComplete == false)
    }

    @Test("two folders are watched at once, and each file is told of in its own")
    func twoFolders() async throws {
        let other = try Scratch()
        try await scratch.watching { receiver, _ in
            try await other.watching { otherReceiver, _ in
                try scratch.write("drop/x.csv")
                try other.write("drop/y.csv")
                await receiver.until { $0.isClaimed("x.csv") }
                await otherReceiver.until { $0.isClaimed("y.csv") }
            }
            try scratch.write("drop/z.csv")
            await receiver.until { $0.isClaimed("z.csv") }
            #expect(receiver.record.offered.count == 2)
        }
    }
}

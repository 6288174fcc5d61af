import PouchFiles
import PouchKit
import PouchWatch
import Testing

/// What is seen of a file, by its size and time.
private func file(_ inode: UInt64 = 1, size: Int64 = 5, modified: Int64 = 1) -> FileIdentity {
    FileIdentity(device: 1, inode: inode, birth: Int64(inode), size: size, modified: modified)
}

private let start: Duration = .seconds(1_000)

@Suite("Settling, ready: closed")
struct SettlingWhenClosedTests {
    @Test("a file that was closed after writing and has no writer is settled at once", arguments: [0, 1, 1 << 40] as [Int64])
    func closed(size: Int64) {
        var settling = Settling(.closed)
        #expect(settling.observe(.closedAfterWriting, at: start) == .look)
        #expect(settling.observe(.seen(file(size: size)), at: start) == .askLease)
        #expect(settling.observe(.lease(.free, file(size: size)), at: start) == .settled(file(size: size)))
    }

    @Test("a file that was moved in and has no writer is settled at once")
    func movedIn() {
        var settling = Settling(.closed)
        #expect(settling.observe(.movedIn, at: start) == .look)
        #expect(settling.observe(.seen(file(size: 0)), at: start) == .askLease)
        #expect(settling.observe(.lease(.free, file(size: 0)), at: start) == .settled(file(size: 0)))
    }

    @Test("a swept file that has no writer is settled at once")
    func swept() {
        var settling = Settling(.closed)
        #expect(settling.observe(.seen(file()), at: start) == .askLease)
        #expect(settling.observe(.lease(.free, file()), at: start) == .settled(file()))
    }

    @Test("what is settled is what was seen after the lease was asked for")
    func settledIdentityIsTheLast() {
        var settling = Settling(.closed)
        _ = settling.observe(.seen(file(size: 5)), at: start)
        #expect(settling.observe(.lease(.free, file(size: 9, modified: 2)), at: start) == .settled(file(size: 9, modified: 2)))
    }

    @Test("a name that was only just created is left alone until its creator had time to open it")
    func created() {
        var settling = Settling(.closed)
        #expect(settling.observe(.created, at: start) == .wait(until: start + Settling.creationGrace))
        #expect(settling.observe(.closedAfterWriting, at: start) == .look)
    }

    @Test("an empty file that no event spoke for is looked at twice")
    func emptyAndSwept() {
        var settling = Settling(.closed)
        let later = start + Settling.creationGrace
        #expect(settling.observe(.seen(file(size: 0)), at: start) == .wait(until: later))
        #expect(settling.observe(.seen(file(size: 0)), at: start + .milliseconds(99)) == .wait(until: later))
        #expect(settling.observe(.seen(file(size: 0)), at: later) == .askLease)
        #expect(settling.observe(.lease(.free, file(size: 0)), at: later) == .settled(file(size: 0)))
    }

    @Test("an empty file that took another's name is looked at twice, whatever was said of the other")
    func emptyAndReplaced() {
        var settling = Settling(.closed)
        _ = settling.observe(.closedAfterWriting, at: start)
        _ = settling.observe(.seen(file(1)), at: start)
        _ = settling.observe(.lease(.beingWritten, file(1)), at: start)
        let later = start + .seconds(1)
        #expect(settling.observe(.seen(file(2, size: 0)), at: later) == .wait(until: later + Settling.creationGrace))
    }

    @Test("a file that became empty while its lease was asked for waits")
    func emptiedMeanwhile() {
        var settling = Settling(.closed)
        #expect(settling.observe(.seen(file(size: 5)), at: start) == .askLease)
        #expect(
            settling.observe(.lease(.free, file(size: 0, modified: 2)), at: start) == .wait(until: start + Settling.creationGrace))
    }

    @Test("a file that is held open is asked again, at longer and longer intervals, for as long as it takes")
    func held() {
        var settling = Settling(.closed)
        _ = settling.observe(.seen(file()), at: start)
        var waits: [Duration] = []
        for _ in 0..<8 {
            guard case .wait(.some(let due)) = settling.observe(.lease(.beingWritten, file()), at: start) else {
                Issue.record("a held file was not waited for")
                return
            }
            waits.append(due - start)
        }
        #expect(waits == [250, 500, 1_000, 2_000, 4_000, 5_000, 5_000, 5_000].map(Duration.milliseconds))
        #expect(settling.observe(.closedAfterWriting, at: start) == .look)
        _ = settling.observe(.seen(file()), at: start)
        #expect(settling.observe(.lease(.beingWritten, file()), at: start) == .wait(until: start + .milliseconds(250)))
        #expect(settling.observe(.lease(.free, file()), at: start) == .settled(file()))
    }

    @Test("a file that is gone is forgotten")
    func gone() {
        var settling = Settling(.closed)
        #expect(settling.observe(.missing, at: start) == .gone)
    }

    @Test(
        "what is no file is ignored, with the reason",
        arguments: [
            (FileStatus.Kind.symlink, "a symbolic link"), (.fifo, "a FIFO"), (.socket, "a socket"), (.device, "a device"),
        ])
    func notAFile(kind: FileStatus.Kind, reason: String) {
        var settling = Settling(.closed)
        #expect(settling.observe(.notAFile(kind), at: start) == .ignored(reason))
    }

    @Test("a folder is no drop and nothing to tell of")
    func folder() {
        var settling = Settling(.closed)
        #expect(settling.observe(.notAFile(.directory), at: start) == .gone)
    }

    @Test("a file that cannot be read waits for the next sweep, and only a moment when the shortage is ours")
    func unreadable() {
        var settling = Settling(.closed)
        #expect(settling.observe(.unreadable(isPassing: false), at: start) == .wait(until: nil))
        #expect(settling.observe(.unreadable(isPassing: true), at: start) == .wait(until: start + .seconds(1)))
    }

    @Test("what the receiver refuses is offered again when it said, and not at once")
    func refused() {
        var settling = Settling(.closed)
        #expect(settling.observe(.refused(retryAfter: .seconds(7)), at: start) == .wait(until: start + .seconds(7)))
        #expect(settling.observe(.refused(retryAfter: .zero), at: start) == .wait(until: start + Settling.creationGrace))
    }
}

@Suite("Settling where no lease is granted")
struct SettlingWithoutLeaseTests {
    @Test("a file is settled when it stayed the same for the quiet period and no writer is seen")
    func quietThenWriters() {
        var settling = Settling(.closed)
        let due = start + Settling.quietPeriod
        _ = settling.observe(.closedAfterWriting, at: start)
        #expect(settling.observe(.seen(file()), at: start) == .askLease)
        #expect(settling.observe(.lease(.notPermitted, file()), at: start) == .wait(until: due))
        #expect(settling.observe(.seen(file()), at: due) == .askLease)
        #expect(settling.observe(.lease(.notPermitted, file()), at: due) == .askWriters)
        #expect(settling.observe(.writers(.noneSeen), at: due) == .settled(file()))
    }

    @Test("a change begins the quiet period anew", arguments: [file(size: 6), file(modified: 2), file(2)])
    func changed(other: FileIdentity) {
        var settling = Settling(.closed)
        _ = settling.observe(.lease(.notPermitted, file()), at: start)
        let later = start + .milliseconds(1_999)
        #expect(settling.observe(.lease(.notPermitted, other), at: later) == .wait(until: later + Settling.quietPeriod))
    }

    @Test("another close begins the quiet period anew, even when size and time look the same")
    func closedAgain() {
        var settling = Settling(.closed)
        _ = settling.observe(.lease(.notPermitted, file()), at: start)
        let later = start + .seconds(3)
        #expect(settling.observe(.closedAfterWriting, at: later) == .look)
        _ = settling.observe(.seen(file()), at: later)
        #expect(settling.observe(.lease(.notPermitted, file()), at: later) == .wait(until: later + Settling.quietPeriod))
    }

    @Test("a file whose creation was an event and whose close was none must be quiet for much longer")
    func unclosed() {
        var settling = Settling(.closed)
        _ = settling.observe(.created, at: start)
        _ = settling.observe(.seen(file()), at: start)
        let due = start + Settling.unclosedQuietPeriod
        #expect(settling.observe(.lease(.notPermitted, file()), at: start) == .wait(until: due))
        #expect(settling.observe(.lease(.notPermitted, file()), at: start + .seconds(59)) == .wait(until: due))
        #expect(settling.observe(.lease(.notPermitted, file()), at: due) == .askWriters)
        let later = due + .seconds(1)
        #expect(settling.observe(.closedAfterWriting, at: later) == .look)
        #expect(settling.observe(.lease(.notPermitted, file()), at: later) == .wait(until: later + Settling.quietPeriod))
    }

    @Test("a writer that /proc shows is waited for")
    func writerSeen() {
        var settling = Settling(.closed)
        _ = settling.observe(.lease(.notPermitted, file()), at: start)
        let due = start + Settling.quietPeriod
        #expect(settling.observe(.lease(.notPermitted, file()), at: due) == .askWriters)
        #expect(settling.observe(.writers(.writing), at: due) == .wait(until: due + .milliseconds(250)))
        #expect(settling.observe(.writers(.writing), at: due) == .wait(until: due + .milliseconds(500)))
    }

    @Test(
        "the file's own time may lie in the future or the past: it is compared with itself only", arguments: [Int64.min, 0, .max])
    func foreignClock(modified: Int64) {
        var settling = Settling(.closed)
        _ = settling.observe(.lease(.notPermitted, file(modified: modified)), at: start)
        let due = start + Settling.quietPeriod
        #expect(settling.observe(.lease(.notPermitted, file(modified: modified)), at: due) == .askWriters)
    }
}

@Suite("Settling, ready: quiet")
struct SettlingWhenQuietTests {
    @Test("a file is settled when it stayed the same for the time on our clock")
    func quiet() {
        var settling = Settling(.quiet(.seconds(5)))
        #expect(settling.observe(.closedAfterWriting, at: start) == .look)
        #expect(settling.observe(.seen(file()), at: start) == .wait(until: start + .seconds(5)))
        #expect(settling.observe(.seen(file()), at: start + .milliseconds(4_999)) == .wait(until: start + .seconds(5)))
        #expect(settling.observe(.seen(file()), at: start + .seconds(5)) == .settled(file()))
    }

    @Test("each change begins the time anew", arguments: [file(size: 6), file(modified: 2), file(2)])
    func changed(other: FileIdentity) {
        var settling = Settling(.quiet(.seconds(5)))
        _ = settling.observe(.seen(file()), at: start)
        let later = start + .seconds(4)
        #expect(settling.observe(.seen(other), at: later) == .wait(until: later + .seconds(5)))
        #expect(settling.observe(.seen(other), at: later + .seconds(5)) == .settled(other))
    }

    @Test("a close begins the time anew, even when size and time look the same")
    func closedAgain() {
        var settling = Settling(.quiet(.seconds(5)))
        _ = settling.observe(.seen(file()), at: start)
        let later = start + .seconds(4)
        #expect(settling.observe(.closedAfterWriting, at: later) == .look)
        #expect(settling.observe(.seen(file()), at: later) == .wait(until: later + .seconds(5)))
    }
}

@Suite("Settling, ready: marker")
struct SettlingWithMarkerTests {
    private func settling() throws -> Settling { Settling(.marker(try MarkerTemplate("{name}.done"))) }

    @Test("without its marker a file waits for news, however often it is closed")
    func withoutMarker() throws {
        var settling = try settling()
        for _ in 0..<3 {
            #expect(settling.observe(.closedAfterWriting, at: start) == .look)
            #expect(settling.observe(.seen(file()), at: start) == .askMarker)
            #expect(settling.observe(.marker(isThere: false), at: start) == .wait(until: nil))
        }
    }

    @Test("with its marker and no writer it is settled, empty or not", arguments: [0, 5] as [Int64])
    func withMarker(size: Int64) throws {
        var settling = try settling()
        #expect(settling.observe(.seen(file(size: size)), at: start) == .askMarker)
        #expect(settling.observe(.marker(isThere: true), at: start) == .askLease)
        #expect(settling.observe(.lease(.free, file(size: size)), at: start) == .settled(file(size: size)))
    }

    @Test("with its marker and a writer it waits")
    func markedTooEarly() throws {
        var settling = try settling()
        _ = settling.observe(.seen(file()), at: start)
        _ = settling.observe(.marker(isThere: true), at: start)
        #expect(settling.observe(.lease(.beingWritten, file()), at: start) == .wait(until: start + .milliseconds(250)))
    }

    @Test("where no lease is granted the marker's word is enough")
    func withoutLease() throws {
        var settling = try settling()
        _ = settling.observe(.seen(file()), at: start)
        _ = settling.observe(.marker(isThere: true), at: start)
        #expect(settling.observe(.lease(.notPermitted, file()), at: start) == .settled(file()))
    }
}

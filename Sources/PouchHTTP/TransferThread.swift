import CCurl
import Glibc
import PouchKit

/// The thread's side of a `TransferLoop`: everything here happens on that thread.
final class TransferThread {
    private struct Running {
        let id: UInt64
        let handle: EasyHandle
        let transfer: any Transfer
    }

    private let loop: TransferLoop
    private let multi: MultiHandle
    private let maximumTransfers: Int
    private let watch: TurnWatch?
    private var idleTurns = IdleTurns()
    private var waiting = WaitingLine()
    private var running: [UnsafeMutableRawPointer: Running] = [:]
    private var handles: [UInt64: UnsafeMutableRawPointer] = [:]

    init(loop: TransferLoop, multi: MultiHandle, maximumTransfers: Int, watch: TurnWatch?) {
        self.loop = loop
        self.multi = multi
        self.maximumTransfers = maximumTransfers
        self.watch = watch
    }

    /// Returns when the loop was closed and every transfer has had its end.
    func run() {
        Self.blockSignals()
        while true {
            var next = Next.wait
            do throws(TransferProblem) {
                let isDone = try Farewell.unlessOver { () throws(TransferProblem) in next = try turn() }
                guard isDone else { Self.waitForTheEnd() }
                if case .end = next { return }
                if case .wait = next { try multi.wait(milliseconds: patience) }
                if watch != nil, idleTurns.mustRest(at: SystemClock().monotonic) { usleep(1_000) }
            } catch {
                // libcurl leaves open which transfers its failure concerns, and whether it would work again.
                for command in loop.fallAsleep() { obey(command) }
                endAll(with: .broken(error))
                return
            }
        }
    }

    private enum Next { case turn, wait, end }

    /// Moves what can be moved without waiting.
    private func turn() throws(TransferProblem) -> Next {
        watch?.begin(at: SystemClock().monotonic)
        defer { watch?.end() }
        let (commands, isClosed) = loop.takeCommands()
        for command in commands { obey(command) }
        if isClosed {
            endAll(with: .closed)
            return .end
        }
        startWaiting()
        goOnWithRested()
        try multi.perform()
        // Handles that became free are used before waiting: nobody would wake us for those in line.
        return finishCompleted() && !waiting.isEmpty ? .turn : .wait
    }

    /// The process is over. Whatever this thread did now might crash it.
    private static func waitForTheEnd() -> Never { while true { pause() } }

    /// Signals are for the main thread. Above all SIGPIPE: OpenSSL writes to sockets without MSG_NOSIGNAL.
    private static func blockSignals() {
        var all = sigset_t()
        sigfillset(&all)
        pthread_sigmask(SIG_BLOCK, &all, nil)
    }

    /// How long nobody needs to look after the running transfers, in milliseconds. libcurl minds its own timers.
    private var patience: Int32 {
        var shortest = running.isEmpty ? Duration.seconds(60) : .seconds(1)
        let now = SystemClock().monotonic
        for one in running.values {
            shortest = min(shortest, one.transfer.attention)
            if let end = one.transfer.restsUntil { shortest = min(shortest, end - now) }
        }
        let (seconds, attoseconds) = shortest.components
        return Int32(max(1, seconds * 1_000 + attoseconds / 1_000_000_000_000_000))
    }

    private func goOnWithRested() {
        let now = SystemClock().monotonic
        for (handle, one) in running where one.transfer.restsUntil.map({ $0 <= now }) == true {
            do throws(TransferProblem) {
                try one.handle.goOn()
            } catch {
                finish(handle, with: .broken(error))
            }
        }
    }

    private func obey(_ command: TransferLoop.Command) {
        switch command {
        case .start(let submission):
            if submission.cancellation.isRaised {
                submission.make().end(.cancelled, of: nil)
            } else {
                waiting.append(submission)
            }
        case .cancel(let id):
            if let submission = waiting.remove(id) {
                submission.make().end(.cancelled, of: nil)
            } else if let handle = handles[id] {
                finish(handle, with: .cancelled)
            }
        }
    }

    private func startWaiting() {
        while running.count < maximumTransfers, let submission = waiting.next() { start(submission) }
    }

    private func start(_ submission: Submission) {
        let transfer = submission.make()
        let handle: EasyHandle
        do throws(TransferProblem) {
            handle = try EasyHandle()
            try transfer.configure(handle)
            try multi.add(handle)
        } catch {
            transfer.end(.broken(error), of: nil)
            return
        }
        running[handle.pointer] = Running(id: submission.id, handle: handle, transfer: transfer)
        handles[submission.id] = handle.pointer
    }

    /// True when there was at least one.
    private func finishCompleted() -> Bool {
        var hasFinished = false
        while let (handle, code) = multi.nextCompleted() {
            finish(handle, with: end(of: code))
            hasFinished = true
        }
        return hasFinished
    }

    private func end(of code: CURLcode) -> TransferEnd {
        if let watch, watch.hasCut, code != CURLE_OK { return .overran(watch.limit) }
        return .completed(code)
    }

    private func finish(_ handle: UnsafeMutableRawPointer, with end: TransferEnd) {
        guard let one = running.removeValue(forKey: handle) else { return }
        handles[one.id] = nil
        multi.remove(one.handle)
        one.transfer.end(end, of: one.handle)
    }

    private func endAll(with end: TransferEnd) {
        for handle in Array(running.keys) { finish(handle, with: end) }
        while let submission = waiting.next() { submission.make().end(end, of: nil) }
    }
}

/// Submissions in their order, any of which may leave.
private struct WaitingLine {
    private var order: [UInt64] = []
    private var head = 0
    private var submissions: [UInt64: Submission] = [:]

    var isEmpty: Bool { submissions.isEmpty }

    mutating func append(_ submission: Submission) {
        order.append(submission.id)
        submissions[submission.id] = submission
    }

    mutating func remove(_ id: UInt64) -> Submission? { submissions.removeValue(forKey: id) }

    mutating func next() -> Submission? {
        while head < order.count {
            let id = order[head]
            head += 1
            if let submission = submissions.removeValue(forKey: id) {
                shorten()
                return submission
            }
        }
        shorten()
        return nil
    }

    private mutating func shorten() {
        guard head > 64, head * 2 > order.count else { return }
        order.removeFirst(head)
        head = 0
    }
}

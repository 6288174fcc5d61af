import PouchFiles
import PouchKit
import Synchronization

/// One running plugin and the conversation with it. It ends with the last reference.
final class PluginLink: Sendable {
    static let longestLine = 128 << 10

    enum Letter: Sendable {
        case message(PluginMessage.Content)
        case lost(PluginLoss)
    }

    private struct Open {
        let mailbox: Mailbox<Letter>
        let progress: (@Sendable (Int64) -> Void)?
    }

    private struct State {
        var child: ChildProcess?
        var loss: PluginLoss?
        var open: [Int: Open] = [:]
        var nextID = 1
        var splitter = LineSplitter(longest: PluginLink.longestLine)
        var words: PluginWords
        var vigil: Vigil
        var flood: FloodGuard
    }

    let redaction: Redaction
    private let interference: PluginInterference?
    private let clock = SystemClock()
    private let state: Mutex<State>

    init(redaction: Redaction, silence: Duration, cancelPatience: Duration, interference: PluginInterference? = nil) {
        self.redaction = redaction
        self.interference = interference
        let now = clock.monotonic
        state = Mutex(
            State(
                words: PluginWords(redaction), vigil: Vigil(silence: silence, cancelPatience: cancelPatience, now: now),
                flood: FloodGuard(now: now)))
    }

    deinit {
        let child = state.withLock { $0.child }
        child?.write(HostMessage.shutdown.line(id: 0))
        child?.end(within: .seconds(2))
    }

    /// Starts the program; the handshake is not begun.
    func start(_ program: ChildProgram, name: String) async throws(PluginLoss) {
        let child: ChildProcess
        do throws(FileProblem) {
            child = try await ChildProcess.start(program, name: name) { [weak self] event in self?.receive(event) }
        } catch {
            throw PluginLoss(
                error.errno == 11 || error.isExhausted ? .notNow("\(error)") : .unfit("\(error)", hint: "run `pouch doctor`"))
        }
        let loss = state.withLock { state in
            state.child = child
            return state.loss
        }
        if let loss {
            child.kill()
            throw loss
        }
    }

    var loss: PluginLoss? { state.withLock { $0.loss } }

    /// It is ready: from now on it may be silent for that long.
    func mayBeSilent(for time: Duration) { state.withLock { $0.vigil.silence = time } }

    /// For tests, and for those who look at the machine.
    var processNumber: Int32? { state.withLock { $0.child?.number } }

    // MARK: Asking

    /// Sends a request. Whoever opens it closes it.
    ///
    /// - Parameter progress: gets what the plugin says of its progress, on the plugin's thread.
    func open(
        _ message: HostMessage, within limit: Duration?, progress: (@Sendable (Int64) -> Void)? = nil
    ) -> PluginRequest {
        let mailbox = Mailbox<Letter>()
        let now = clock.monotonic
        let (id, loss, child) = state.withLock { state in
            let id = state.nextID
            state.nextID += 1
            if state.loss == nil {
                state.open[id] = Open(mailbox: mailbox, progress: progress)
                state.vigil.opened(id, deadline: limit.map { now + $0 }, at: now)
                state.child?.tick(true)
            }
            return (id, state.loss, state.child)
        }
        if let loss {
            _ = mailbox.post(.lost(loss))
        } else {
            write(message, id: id, to: child)
        }
        return PluginRequest(id: id, mailbox: mailbox, link: self)
    }

    func send(_ message: HostMessage, about id: Int) {
        let child = state.withLock { $0.open[id] == nil ? nil : $0.child }
        write(message, id: id, to: child)
    }

    private func write(_ message: HostMessage, id: Int, to child: ChildProcess?) {
        guard let child else { return }
        let line = message.line(id: id)
        note(line, by: .host)
        child.write(line)
    }

    private func note(_ bytes: [UInt8], by side: PluginInterference.Side) {
        guard let listen = interference?.listen else { return }
        listen(side, String(decoding: redaction.bytes(bytes), as: UTF8.self))
    }

    /// Asks the plugin to stop, once, and begins to lose patience.
    func cancel(_ id: Int) {
        let now = clock.monotonic
        guard state.withLock({ $0.vigil.cancelled(id, at: now) }) else { return }
        send(.cancel, about: id)
    }

    func close(_ id: Int) {
        state.withLock { state in
            state.open[id] = nil
            state.vigil.closed(id)
        }
    }

    /// Ends it: whoever waits for it is told so now, whatever the process does.
    func giveUp(_ kind: PluginLoss.Kind) {
        let (loss, mailboxes, child) = state.withLock { state -> (PluginLoss, [Mailbox<Letter>], ChildProcess?) in
            let loss = state.loss ?? PluginLoss(kind, words: state.words.text)
            defer {
                state.loss = loss
                state.open = [:]
            }
            return (loss, state.open.values.map(\.mailbox), state.child)
        }
        child?.kill()
        for mailbox in mailboxes { _ = mailbox.post(.lost(loss)) }
    }

    // MARK: Listening (on the plugin's thread)

    private func receive(_ event: ChildProcess.Event) {
        switch event {
        case .output(let bytes): take(bytes)
        case .errors(let bytes):
            note(bytes, by: .standardError)
            state.withLock { $0.words.add(bytes) }
        case .tick: look()
        case .ended(let ending): giveUp(.ended(ending))
        }
    }

    private func take(_ bytes: [UInt8]) {
        let lines: [[UInt8]]
        do {
            lines = try state.withLock { state throws(LineSplitter.TooLong) in try state.splitter.lines(in: bytes) }
        } catch {
            return giveUp(
                .violation("a line of more than \(Self.longestLine) bytes: " + redaction.quoted(error.beginning, isCut: true)))
        }
        for line in lines where loss == nil {
            note(line, by: .plugin)
            do throws(PluginMessage.Unreadable) { hear(try PluginMessage(line: line)) } catch {
                giveUp(.violation(error.text + " " + redaction.quoted(line)))
            }
        }
    }

    private func hear(_ message: PluginMessage) {
        guard interference?.takes(message.content) ?? true else { return giveUp(.ended(.killed(signal: 9))) }
        let now = clock.monotonic
        let isChatter: Bool =
            switch message.content {
            case .progress, .pong: true
            default: false
            }
        let (open, isFlood) = state.withLock { state in
            state.vigil.heard(at: now)
            let open = state.open[message.id]
            return (open, (isChatter || open == nil) && !state.flood.takes(at: now))
        }
        if isFlood { return giveUp(.violation("it floods the host with messages that answer nothing")) }
        // A late word about what is over, or an answer to a ping.
        guard let open, message.content != .pong else { return }
        if case .progress(let bytes) = message.content {
            open.progress?(bytes)
        } else if !open.mailbox.post(.message(message.content)) {
            giveUp(.violation("it does not wait for the answers to request \(message.id)"))
        }
    }

    private func look() {
        let now = clock.monotonic
        let actions = state.withLock { state in
            // Under the lock, as where they are switched on: a request that comes now is not to be left without them.
            if state.vigil.isIdle { state.child?.tick(false) }
            return state.vigil.actions(at: now)
        }
        for action in actions {
            switch action {
            case .ping: sendPing()
            case .cancel(let id): cancel(id)
            case .giveUp(let kind): giveUp(kind)
            }
        }
    }

    private func sendPing() {
        let (id, child) = state.withLock { state in
            defer { state.nextID += 1 }
            return (state.nextID, state.child)
        }
        write(.ping, id: id, to: child)
    }
}

/// One question to a plugin, until it is closed.
struct PluginRequest: Sendable {
    let id: Int
    private let mailbox: Mailbox<PluginLink.Letter>
    private let link: PluginLink

    init(id: Int, mailbox: Mailbox<PluginLink.Letter>, link: PluginLink) {
        self.id = id
        self.mailbox = mailbox
        self.link = link
    }

    /// The next word about it. When the task is cancelled the plugin is asked to stop, and what it says to that is waited for: for as long
    /// as the link's patience lasts.
    ///
    /// - Throws: `PluginLoss` when the plugin is not there any more.
    func reply() async throws(PluginLoss) -> PluginMessage.Content {
        let letter = await withTaskCancellationHandler {
            await mailbox.next()
        } onCancel: {
            link.cancel(id)
        }
        switch letter {
        case .message(let content): return content
        case .lost(let loss): throw loss
        }
    }

    func send(_ message: HostMessage) { link.send(message, about: id) }

    func cancel() { link.cancel(id) }

    func close() { link.close(id) }
}

import Foundation
import PouchAgent
import PouchFiles
import PouchJournal
import PouchKit
import PouchManifest
import PouchTestSupport
import Testing

/// Answers with what was asked.
private struct Echo: ControlAnswering {
    func answer(
        _ request: ControlRequest,
        progress: @escaping @Sendable (ControlAnswer) async -> Bool
    ) async -> ControlAnswer {
        switch request {
        case .send(let path, let partner):
            for sent in 1...3 { guard await progress(.progress(sent: Int64(sent), of: 3)) else { break } }
            return .done(text: "\(path) to \(partner)")
        case .hold(let partner, let reason): return .refused(text: "\(partner)", hint: reason)
        case .retry(let delivery): return .done(text: delivery ?? "all")
        case .status: return .done(text: String(repeating: "ü", count: 1 << 20))
        case .release: return .done(text: "")
        case .reload(let onlyPlanning): return .done(text: "\(onlyPlanning)")
        }
    }
}

@Suite("the control socket")
struct ControlTests {
    private let folder: TemporaryFolder

    init() throws { folder = try TemporaryFolder("control") }

    /// Serves while the body runs.
    private func whileServing(
        in state: String,
        _ body: @escaping @Sendable (ControlClient) throws -> Void
    ) async throws {
        let server = ControlServer(state: state, answering: Echo(), logger: Silence.logger)
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { await server.run() }
            let client = ControlClient(state: state)
            try await onBlockingThread { () throws in
                // The socket is there in a moment.
                while try client.ask(.release(partner: Specimen.acme)) == nil {}
                try body(client)
            }
            group.cancelAll()
        }
    }

    @Test("carries a request there and its answers back")
    func carries() async throws {
        try await whileServing(in: folder.path) { client throws in
            var steps: [ControlAnswer] = []
            let last = try client.ask(.send(path: "/a b/ü", partner: Specimen.acme)) { steps.append($0) }
            #expect(steps == (1...3).map { .progress(sent: $0, of: 3) })
            #expect(last == .done(text: "/a b/ü to acme"))
            #expect(try client.ask(.hold(partner: Specimen.acme, reason: "a\nb")) == .refused(text: "acme", hint: "a\nb"))
            #expect(try client.ask(.retry(delivery: nil)) == .done(text: "all"))
            #expect(try client.ask(.retry(delivery: "7d")) == .done(text: "7d"))
        }
    }

    @Test("carries answers of a megabyte")
    func carriesLongAnswers() async throws {
        try await whileServing(in: folder.path) { client throws in
            guard case .done(let text) = try client.ask(.status) else { throw DeliveryKeyless() }
            #expect(text.unicodeScalars.count == 1 << 20)
        }
    }

    private struct DeliveryKeyless: Error {}

    @Test("works in a state folder whose path is longer than a socket's may be")
    func longPath() async throws {
        let deep = Array(repeating: "a-folder-with-a-long-name", count: 12).joined(separator: "/")
        let state = try folder.makeFolder(deep)
        #expect(state.utf8.count > 300)
        try await whileServing(in: state) { client throws in
            #expect(try client.ask(.retry(delivery: "7d")) == .done(text: "7d"))
        }
        #expect(!folder.exists(deep + "/control.sock"), "it is removed at the end")
    }

    @Test("is open to its owner alone")
    func isPrivate() async throws {
        let path = folder.path
        try await whileServing(in: path) { _ throws in
            #expect(try DirectoryHandle.open(path).status(of: Array("control.sock".utf8)).mode & 0o777 == 0o600)
        }
    }

    @Test(
        "answers garbage with a refusal, and goes on", arguments: ["garbage", "{}", "{\"shutdown\":{}}", "", "\u{0}\u{1}\u{FFFD}"])
    func refusesGarbage(_ line: String) async throws {
        let path = folder.path
        try await whileServing(in: path) { client throws in
            let socket = try UnixSocket.connect(in: path, name: ControlServer.socketName)
            try socket.write(line: Array(line.utf8))
            var buffer: [UInt8] = []
            let answer = try #require(try socket.readLine(&buffer, atMost: 4_096))
            let read = try JSONDecoder().decode(ControlAnswer.self, from: Data(answer))
            #expect(read == .refused(text: "that is no request of this version", hint: "use the pouch command of the same version"))
            #expect(try client.ask(.retry(delivery: "7d")) == .done(text: "7d"))
        }
    }

    @Test("hangs up on a line that is too long, and goes on")
    func refusesLongLines() async throws {
        let path = folder.path
        try await whileServing(in: path) { client throws in
            let socket = try UnixSocket.connect(in: path, name: ControlServer.socketName)
            // The other side may hang up before it has all of it.
            try? socket.write(line: [UInt8](repeating: 0x61, count: UnixSocket.longestRequest * 4))
            var buffer: [UInt8] = []
            #expect((try? socket.readLine(&buffer, atMost: 4_096)) == nil)
            #expect(try client.ask(.retry(delivery: "7d")) == .done(text: "7d"))
        }
    }

    @Test("goes on when a caller hangs up without a word")
    func survivesSilence() async throws {
        let path = folder.path
        try await whileServing(in: path) { client throws in
            do { _ = try UnixSocket.connect(in: path, name: ControlServer.socketName) }
            #expect(try client.ask(.retry(delivery: "7d")) == .done(text: "7d"))
        }
    }

    @Test("is absent when no agent runs, when one was killed, and when there is no state folder")
    func isAbsent() throws {
        #expect(try ControlClient(state: folder.path).ask(.status) == nil)
        #expect(try ControlClient(state: folder.path("nowhere")).ask(.status) == nil)
        // What a killed agent leaves: a socket that nobody listens on.
        do { _ = try UnixSocket.listen(in: folder.path, name: ControlServer.socketName) }
        #expect(folder.exists("control.sock"))
        #expect(try ControlClient(state: folder.path).ask(.status) == nil)
    }

    @Test("says so when an agent hangs up without an answer, or talks in riddles")
    func hearsNothing() async throws {
        let listener = try UnixSocket.listen(in: folder.path, name: ControlServer.socketName)
        let client = ControlClient(state: folder.path)
        for (line, words) in [(nil, "hear the agent's answer"), ("{\"maybe\":{}}", "understand the agent's answer")]
            as [(String?, String)]
        {
            try await withThrowingTaskGroup(of: Void.self) { group in
                group.addTask {
                    try await onBlockingThread { () throws in
                        let caller = try #require(try listener.accept(withinMilliseconds: 10_000))
                        var buffer: [UInt8] = []
                        _ = try caller.readLine(&buffer, atMost: 4_096)
                        if let line { try caller.write(line: Array(line.utf8)) }
                    }
                }
                let problem = await #expect(throws: PouchAgent.SocketProblem.self) { () async throws in
                    _ = try await onBlockingThread { () throws in try client.ask(.status) }
                }
                #expect(problem?.attempt == words)
                #expect(problem?.isAbsent == false)
                try await group.waitForAll()
            }
        }
    }
}

@Suite("what the agent is asked")
struct AgentAnswerTests {
    private func text(_ answer: ControlAnswer) -> String {
        switch answer {
        case .done(let text): text
        case .refused(let text, let hint): "refused: \(text)" + (hint.map { " | \($0)" } ?? "")
        case .progress: "progress"
        }
    }

    @Test("the status: a JSON document that reads back")
    func status() async throws {
        let house = try AgentHouse(.refuse(.hold, code: "AccessDenied"))
        try house.drop("a.csv", "a")
        try await house.runOnce()
        let answer = text(try await OfflineAgent(plan: house.plan).answer(.status))
        let status = try JSONDecoder().decode(AgentStatus.self, from: Data(answer.utf8))
        #expect(status.version == 1)
        #expect(status.isRunning)
        #expect(status.journal.agent == "edge-test")
        #expect(status.journal.total.held == 1)
        #expect(status.lanes.map(\.hold?.code) == ["AccessDenied"])
        #expect(status.lanes.map(\.breaker) == ["closed"])
        #expect(status.folders.map(\.folder) == [house.drops])
        #expect(status.unaccounted == 0)
    }

    @Test("to send a file: it is delivered from where it lies, and recorded")
    func sends() async throws {
        let house = try AgentHouse(.deliver)
        let path = try house.folder.write("contract", to: "contracts/2026.pdf")
        let answer = text(try await OfflineAgent(plan: house.plan).answer(.send(path: path, partner: Specimen.acme)))
        #expect(answer == "delivered: memory://2026.pdf")
        #expect(house.destination.objects == ["2026.pdf": "contract"])
        #expect(try house.folder.text("contracts/2026.pdf") == "contract")
        let entry = try #require(try await house.manifest().first)
        #expect(entry.route.description == "send")
        #expect(entry.file.folder == house.folder.path("contracts"))
    }

    @Test("to send a file again: that is another delivery")
    func sendsAgain() async throws {
        let house = try AgentHouse(.deliver)
        let path = try house.folder.write("contract", to: "2026.pdf")
        for _ in 1...2 { _ = try await OfflineAgent(plan: house.plan).answer(.send(path: path, partner: Specimen.acme)) }
        #expect(Set(try await house.manifest().map(\.delivery)).count == 2)
    }

    @Test("to send what cannot be sent: refused, with the reason, and nothing is recorded")
    func refusesToSend() async throws {
        let house = try AgentHouse([(Specimen.acme, ScriptedDestination(largestFile: 4))])
        try house.folder.makeFolder("folder")
        try house.folder.write("12345", to: "large")
        let offline = OfflineAgent(plan: house.plan)
        let cases: [(String, PartnerName, String)] = [
            (house.folder.path("large"), Specimen.acme, "large has 5 bytes, and the destination takes at most 4"),
            (house.folder.path("nothing"), Specimen.acme, "No such file"),
            (house.folder.path("folder"), Specimen.acme, "folder"),
            ("relative", Specimen.acme, "'relative' is not an absolute path of a file"),
            (house.folder.path + "/", Specimen.acme, "is not an absolute path of a file"),
            (house.folder.path("large"), Specimen.globex, "there is no partner 'globex' | partners: acme"),
        ]
        for (path, partner, words) in cases {
            let answer = text(try await offline.answer(.send(path: path, partner: partner)))
            #expect(answer.hasPrefix("refused: "))
            #expect(answer.contains(words), "\(answer)")
        }
        #expect(try await house.snapshot().total.admitted == 0)
    }

    @Test("to send a file that the far end refuses: what it said, and where the story is")
    func tellsRefusal() async throws {
        let house = try AgentHouse(.refuse(.quarantine, code: "KeyTooLong"), .refuse(.hold, code: "AccessDenied"))
        let path = try house.folder.write("contract", to: "2026.pdf")
        let offline = OfflineAgent(plan: house.plan)
        let first = text(try await offline.answer(.send(path: path, partner: Specimen.acme)))
        #expect(first.hasPrefix("refused: could not put the file into memory: KeyTooLong (400)"))
        #expect(first.contains("pouch trace "))
        let second = text(try await offline.answer(.send(path: path, partner: Specimen.acme)))
        #expect(second.contains("AccessDenied (400)"))
        let third = text(try await offline.answer(.send(path: path, partner: Specimen.acme)))
        #expect(third.contains("but acme is held"))
        #expect(third.contains("pouch release acme"))
    }

    @Test("to hold, release and retry: says what was done, and what was not")
    func stepsIn() async throws {
        let house = try AgentHouse(.deliver)
        let offline = OfflineAgent(plan: house.plan)
        #expect(text(try await offline.answer(.release(partner: Specimen.acme))) == "acme was not held")
        #expect(
            text(try await offline.answer(.hold(partner: Specimen.acme, reason: "tonight")))
                == "acme is held; its files queue until `pouch release acme`")
        #expect(
            text(try await offline.answer(.release(partner: Specimen.acme)))
                == "acme is released; 0 deliveries that were held wait again")
        #expect(text(try await offline.answer(.retry(delivery: nil))) == "nothing is held or quarantined")
        let unknown = text(try await offline.answer(.retry(delivery: "7d\n")))
        #expect(unknown.hasPrefix("refused: no held or quarantined delivery begins with '7d\\u{a}' | "), "\(unknown)")
        for request in [ControlRequest.hold(partner: Specimen.globex, reason: ""), .release(partner: Specimen.globex)] {
            #expect(text(try await offline.answer(request)) == "refused: there is no partner 'globex' | partners: acme")
        }
    }

    @Test("to retry all: every delivery that stands still, once, each with a line")
    func retriesAll() async throws {
        let house = try AgentHouse(.refuse(.quarantine, code: "KeyTooLong"), .refuse(.quarantine, code: "KeyTooLong"))
        try house.drop("a.csv", "a")
        try house.drop("b.csv", "b")
        try await house.runOnce()
        let ids = Set(try await house.manifest().map(\.delivery.shortForm))
        let lines = text(try await OfflineAgent(plan: house.plan).answer(.retry(delivery: nil))).split(separator: "\n")
        #expect(lines.count == 2)
        #expect(Set(lines.map { String($0.prefix(8)) }) == ids)
        #expect(lines.allSatisfy { $0.contains(" to acme is tried again as ") })
        #expect(try await house.runOnce().delivered == 2)
    }

    @Test("while it runs: through its socket, and stopped without a loss")
    func answersWhileRunning() async throws {
        let house = try AgentHouse(.deliver)
        let state = house.state
        let agent = try await house.open()
        let ending = try await withThrowingTaskGroup(of: RunEnding?.self) { group in
            group.addTask { await agent.run(.service) }
            try await onBlockingThread { () throws in
                let client = ControlClient(state: state)
                while try client.ask(.status) == nil {}
                let path = try house.folder.write("contract", to: "2026.pdf")
                #expect(try client.ask(.send(path: path, partner: Specimen.acme)) == .done(text: "delivered: memory://2026.pdf"))
            }
            agent.stop()
            return try await group.next() ?? nil
        }
        #expect(ending?.isComplete == true)
        #expect(ending?.delivered == 1)
    }
}

import Glibc
import PouchAgent
import PouchConformance
import PouchJournal
import PouchKit
import PouchTestSupport
import Synchronization
import Testing

@Suite("what a service manager is told")
struct SupervisorNoticeTests {
    @Test("is in the words of sd_notify(3)")
    func words() {
        let cases: [(SupervisorNotice, String)] = [
            (.ready, "READY=1"),
            (.reloading(monotonicMicroseconds: 12_345), "RELOADING=1\nMONOTONIC_USEC=12345"),
            (.stopping, "STOPPING=1"),
            (.alive, "WATCHDOG=1"),
            (.status("3 delivered, 0 waiting, 0 held"), "STATUS=3 delivered, 0 waiting, 0 held"),
        ]
        for (notice, text) in cases { #expect(notice.text == text) }
    }

    @Test("is one line, whatever a status says: it cannot become another assignment")
    func oneLine() {
        let notice = SupervisorNotice.status("lane a\nREADY=1\r\nWATCHDOG=1\u{0}\u{1b}[31m")
        #expect(notice.text == "STATUS=lane a READY=1  WATCHDOG=1  [31m")
        let long = SupervisorNotice.status(String(repeating: "ü", count: 5_000)).text
        #expect(long.count < 520 && long.hasSuffix("…"))
    }

    @Test("counts what was delivered, what waits and what is held, and the rest only where there is some")
    func line() {
        var counts = DeliveryCounts()
        #expect(SupervisorLine(counts, pause: nil).text == "0 delivered, 0 waiting, 0 held")
        counts.delivered = 7
        counts.waiting = 2
        counts.publishing = 1
        counts.held = 4
        counts.quarantined = 5
        counts.retried = 2
        counts.admitted = 19
        #expect(SupervisorLine(counts, pause: nil).text == "7 delivered, 3 waiting, 4 held, 3 quarantined")
        #expect(SupervisorLine(counts, pause: "no room").text.hasSuffix("3 quarantined; nothing is taken in: no room"))
    }
}

@Suite("what a service manager asks for")
struct SupervisorContractTests {
    @Test("is in the environment, and the watchdog in it is this process's")
    func environment() {
        func contract(_ environment: [String: String]) -> SupervisorContract? {
            SupervisorContract(environment: environment, process: 42)
        }
        #expect(contract([:]) == nil)
        #expect(contract(["NOTIFY_SOCKET": ""]) == nil)
        #expect(contract(["NOTIFY_SOCKET": "/run/n"])?.watchdog == nil)
        #expect(contract(["NOTIFY_SOCKET": "/run/n"])?.socket == "/run/n")
        let both = ["NOTIFY_SOCKET": "@n", "WATCHDOG_USEC": "120000000"]
        #expect(contract(both)?.watchdog == .seconds(120))
        #expect(contract(both.merging(["WATCHDOG_PID": "42"]) { $1 })?.watchdog == .seconds(120))
        #expect(contract(both.merging(["WATCHDOG_PID": "41"]) { $1 })?.watchdog == nil, "a parent's")
        for nonsense in ["0", "-1", "soon"] {
            #expect(contract(["NOTIFY_SOCKET": "@n", "WATCHDOG_USEC": nonsense])?.watchdog == nil)
        }
    }
}

@Suite("when the watchdog is fed")
struct FeedingTests {
    @Test("at half of its time, and with all loops silent never")
    func feeds() {
        var feeding = Feeding(watchdog: .seconds(60))
        #expect(feeding.firstPause == .seconds(30))
        #expect(feeding.step(silent: []) == Feeding.Step(feeds: true, news: nil, pause: .seconds(30)))
        let stuck = Feeding.Step(feeds: false, news: .stuck(["lane acme"]), pause: .seconds(3.75))
        #expect(feeding.step(silent: ["lane acme"]) == stuck)
        #expect(feeding.step(silent: ["lane acme"]) == Feeding.Step(feeds: false, news: nil, pause: .seconds(3.75)), "told once")
    }

    @Test("as soon as the last silent loop answers")
    func recovers() {
        var feeding = Feeding(watchdog: .seconds(60))
        _ = feeding.step(silent: ["a", "b"])
        #expect(feeding.step(silent: ["b"]).news == .stuck(["b"]))
        #expect(feeding.step(silent: []) == Feeding.Step(feeds: true, news: .moving, pause: .seconds(30)))
    }
}

/// A loop that answers whenever it is asked, until it gets stuck.
private final class ScriptedLoop: Sendable {
    private let isStuck = Mutex(false)
    private let heartbeat = Mutex<Heartbeat?>(nil)

    init(_ name: String, among heartbeats: Heartbeats) {
        let joined = heartbeats.join(name) { [weak self] in self?.isAsked() }
        heartbeat.withLock { $0 = joined }
    }

    func getsStuck() { isStuck.withLock { $0 = true } }

    func moves() { heartbeat.withLock { $0 }?.beat() }

    private func isAsked() {
        if !isStuck.withLock({ $0 }) { moves() }
    }
}

private final class News: Sendable {
    private let list = Mutex<[Feeding.News]>([])

    var all: [Feeding.News] { list.withLock { $0 } }

    func add(_ news: Feeding.News) { list.withLock { $0.append(news) } }
}

@Suite("a supervisor")
struct SupervisorTests {
    private func supervisor(_ socket: NotifySocket, watchdog: Int? = nil, clock: any AgentClock) throws -> Supervisor {
        var environment = ["NOTIFY_SOCKET": socket.name]
        environment["WATCHDOG_USEC"] = watchdog.map { "\($0 * 1_000_000)" }
        let contract = try #require(SupervisorContract(environment: environment, process: getpid()))
        return try Supervisor(contract, clock: clock, logger: Silence.logger)
    }

    @Test("is told through a socket with a path, and through an abstract one")
    func addresses() async throws {
        let folder = try TemporaryFolder("notify")
        for name in [folder.path("socket"), "@" + folder.path("abstract")] {
            let socket = try NotifySocket(name)
            try await supervisor(socket, clock: SystemClock()).tell(.ready)
            #expect(await socket.next() == "READY=1")
        }
    }

    @Test("that is no socket of this machine, or too long, is refused; one that nobody listens at is no trouble of the agent's")
    func unusable() async throws {
        for name in ["vsock:2:1234", "relative", "/" + String(repeating: "a", count: 200)] {
            let contract = try #require(SupervisorContract(environment: ["NOTIFY_SOCKET": name], process: 1))
            #expect(throws: PouchAgent.SocketProblem.self) {
                _ = try Supervisor(contract, clock: SystemClock(), logger: Silence.logger)
            }
        }
        let contract = try #require(SupervisorContract(environment: ["NOTIFY_SOCKET": "/nowhere/notify"], process: 1))
        await (try Supervisor(contract, clock: SystemClock(), logger: Silence.logger)).tell(.ready)
    }

    @Test("sees a sign of life while the loops answer, none while one is stuck, and one again when that moves")
    func feeds() async throws {
        let folder = try TemporaryFolder("notify")
        let socket = try NotifySocket(folder.path("socket"))
        let clock = ManualClock()
        let supervisor = try supervisor(socket, watchdog: 60, clock: clock)
        let heartbeats = Heartbeats()
        let loop = ScriptedLoop("lane acme", among: heartbeats)
        let news = News()
        await withTaskGroup(of: Void.self) { group in
            group.addTask { await supervisor.feed(heartbeats) { news.add($0) } }
            await clock.sleepers()
            loop.getsStuck()
            clock.advance(by: .seconds(30))
            #expect(await socket.next() == "WATCHDOG=1", "it had answered before")
            await clock.sleepers()
            clock.advance(by: .seconds(30))
            #expect(await socket.next() == "STATUS=stuck: lane acme")
            for _ in 0..<20 {
                await clock.sleepers()
                clock.advance(by: .seconds(30))
            }
            await clock.sleepers()
            #expect(await socket.rest() == [], "a minute, and ten more, without a sign of life")
            loop.moves()
            clock.advance(by: .seconds(30))
            #expect(await socket.next() == "STATUS=")
            #expect(await socket.next() == "WATCHDOG=1")
            group.cancelAll()
        }
        #expect(news.all == [.stuck(["lane acme"]), .moving])
    }

    @Test("sees an agent begin, live, read its configuration again and stop")
    func agent() async throws {
        let house = try AgentHouse(.deliver)
        let socket = try NotifySocket("@" + house.folder.path("notify"))
        let plan = house.plan
        let agent = try await Agent.open(
            plan: plan, clock: house.clock, logger: Silence.logger, reading: { .success(plan) },
            supervisor: try supervisor(socket, watchdog: 4, clock: house.clock))
        try house.drop("seeds.csv", "one")
        async let ending = agent.run(.service)
        #expect(await socket.next(beginning: "READY") == "READY=1")
        #expect(await socket.next(beginning: "STATUS=1 delivered") == "STATUS=1 delivered, 0 waiting, 0 held")
        // Every loop of a running agent, the idle ones too, has answered then.
        #expect(await socket.next(beginning: "WATCHDOG") == "WATCHDOG=1")
        await agent.reload()
        let reloading = try #require(await socket.next(beginning: "RELOADING"))
        let (first, last) = (reloading.split(separator: "\n").first, reloading.split(separator: "\n").last)
        #expect(first == "RELOADING=1")
        #expect(last?.hasPrefix("MONOTONIC_USEC=") == true && Int(last?.dropFirst(15) ?? "") ?? 0 > 0)
        #expect(await socket.next(beginning: "READY") == "READY=1")
        await agent.reload(onlyPlanning: true)
        agent.stop()
        #expect(await ending.isComplete)
        let rest = await socket.rest().filter { !$0.hasPrefix("STATUS") && $0 != "WATCHDOG=1" }
        #expect(rest == ["STOPPING=1"], "planning a reload is none")
    }
}

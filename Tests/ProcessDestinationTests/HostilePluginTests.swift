import Foundation
import Glibc
import PouchConformance
import PouchKit
import PouchTestSupport
import ProcessDestination
import Testing

/// What a plugin can do to its host: nothing that lasts. Each case ends in bounded time, the file is kept (nothing is said to be delivered),
/// and the failure says what happened and who must act.
@Suite("A plugin at its worst")
struct HostilePluginTests {
    @Test(
        "before it is ready: held, and the reason says what it did",
        arguments: [
            ("exit-at-start", "ended before it was ready: exit code 0; it wrote: ModuleNotFoundError"),
            ("no-protocol", "not a message: 'Hello, world!'"), ("binary", "not a message: '\\u{0}"),
            ("other-version", "speaks version 2"), ("other-name", "calls itself 'impostor'"),
            ("brittle", "ended before it was ready: exit code 1; it wrote: unknown request"),
            ("agrees-to-all", "does not answer a request that it cannot know"),
        ])
    func atTheStart(early: String, text: String) async throws {
        let failure = try await HostileHouse(early: early).failure()
        #expect(failure.remedy == .hold)
        #expect(failure.cause.contains(text), "\(failure)")
        #expect(failure.hint != nil)
    }

    @Test("it hangs before it is ready: killed, and tried again later")
    func hangsAtStart() async throws {
        let house = try HostileHouse(
            early: "hang-at-start", patience: Patience(start: .milliseconds(300), cancel: .milliseconds(300), silence: .seconds(60))
        )
        let failure = try await house.failure()
        #expect(failure.remedy == .retry && failure.code == "plugin-late")
    }

    @Test("it is killed from outside before it is ready: tried again, since that says nothing of it")
    func killedAtStart() async throws {
        let failure = try await HostileHouse(early: "killed-at-start").failure()
        #expect(failure.remedy == .retry && failure.code == "plugin-ended", "\(failure)")
    }

    @Test("after two losses it rests, and who comes meanwhile waits for it")
    func waitsForRest() async throws {
        let clock = ManualClock()
        let house = try HostileHouse("dies-twice", clock: clock)
        for _ in 1...2 { #expect(try await house.failure().code == "plugin-ended") }
        async let receipt = house.receipt()
        await clock.sleepers()
        clock.advance(by: .seconds(1))
        #expect(try await receipt.key == house.key.description)
    }

    @Test("a rest that is longer than the host's patience is told, with its length")
    func restsTooLong() async throws {
        var patience = HostileHouse.patience
        patience.rest = .zero
        let house = try HostileHouse("dies-twice", patience: patience, clock: ManualClock())
        for _ in 1...2 { _ = try await house.failure() }
        let failure = try await house.failure()
        #expect(failure.code == "plugin-resting" && failure.remedy == .retry(after: .seconds(1)), "\(failure)")
    }

    @Test("it takes what it can get: that is what its manifest gives it, and all that it forked ends with it")
    func greedy() async throws {
        struct Told: Decodable {
            let files: Int, why: String, memory: Int, children: [pid_t]
        }
        var house: HostileHouse? = try HostileHouse("greedy") { $0.limits?.processes = 40 }
        let failure = try await house?.failure()
        let cause = try #require(failure?.cause)
        #expect(cause.utf8.count < 1_000, "the answer was cut: \(cause)")
        let told = try JSONDecoder().decode(Told.self, from: Data(cause.utf8))
        #expect(told.files < 64 && told.why == "Too many open files")
        #expect(told.memory == 0, "it got a GiB, and its manifest gives it 512 MiB")
        #expect(told.children.count < 40)
        house = nil
        try await gone(told.children)
    }

    @Test(
        "while it delivers: killed, nothing is believed, and the remedy fits",
        arguments: [
            ("hang", .retry, "said nothing for"), ("crash", .retry, "killed by signal 11; it wrote: about to fall over"),
            ("exit", .retry, "the plugin ended: exit code 0"), ("flood", .hold, "floods the host"),
            ("endless-line", .hold, "a line of more than 131072 bytes: 'xxx"),
            ("impatient", .hold, "does not wait for the answers"), ("lies-about-the-digest", .hold, "it was to be 10000 bytes"),
            ("lies-about-the-size", .hold, "10001 bytes"),
            ("says-nothing-of-the-digest", .hold, "without its size and its SHA-256"),
            ("names-a-fact-badly", .hold, "a fact whose name is not made of"),
            ("other-key", .hold, "under the key 'somewhere/else.bin'"), ("unannounced", .hold, "without having announced it"),
            ("hands-over", .hold, "it handed over"), ("refuses-its-settings", .hold, "refuses its settings: 'folder': not there"),
        ] as [(String, DeliveryFailure.Remedy, String)])
    func whileDelivering(mode: String, remedy: DeliveryFailure.Remedy, text: String) async throws {
        let house = try HostileHouse(mode)
        let failure = try await house.failure()
        #expect(failure.remedy == remedy, "\(failure)")
        #expect(failure.cause.contains(text), "\(failure)")
    }

    @Test("megabytes on its standard error do no harm, and are not kept")
    func floodsErrors() async throws {
        let house = try HostileHouse("flood-of-errors")
        _ = try await house.receipt()
        #expect(house.arrived != nil)
    }

    @Test("all that it forked is killed with it", arguments: ["forks", "leaves-children"])
    func forks(mode: String) async throws {
        let house = try HostileHouse(mode)
        let failure = try await house.failure()
        #expect(failure.remedy == .retry)
        let children = try house.children()
        #expect(children.count == (mode == "forks" ? 100 : 3))
        try await gone(children)
    }

    @Test("what it leaves in a session of its own, with its pipes, is not waited for")
    func leavesSession() async throws {
        let house = try HostileHouse("leaves-a-session")
        let failure = try await house.failure()
        #expect(failure.code == "plugin-ended" && failure.cause.contains("exit code 3"))
        for child in try house.children() { kill(child, SIGKILL) }
    }

    @Test("it gets no descriptor, no signal setting and nothing of the environment that was not meant for it")
    func inheritsNothing() async throws {
        let house = try HostileHouse("tells", early: "nothing")
        let failure = try await house.failure()
        struct Told: Decodable {
            let descriptors: [String], environment: [String], folder: String, group: Bool, ignored: String, limits: String
        }
        let cause = failure.cause.replacing("\\\\", with: "\\")
        let told = try JSONDecoder().decode(Told.self, from: Data(cause.utf8))
        #expect(told.descriptors == [])
        #expect(!told.environment.contains("POUCH_SECRET_OF_THE_AGENT") && told.environment.contains("POUCH_TEST_MODE"))
        #expect(told.folder == HostileHouse.checkout + "/Tests/HostilePlugins" && told.group)
        // Python ignores SIGPIPE and SIGXFSZ by itself.
        // Without the two that the C library keeps for itself.
        let ignored = try #require(UInt64(told.ignored, radix: 16)) & ~(0b11 << 31)
        #expect(ignored == 0x0100_1000, "\(told.ignored)")
        #expect(told.limits == "0", "\(told.limits)")
    }

    @Test("a secret that it prints is not shown")
    func printsSecret() async throws {
        let house = try HostileHouse("prints-the-secret", secret: "s3cr3t-canary")
        let failure = try await house.failure()
        #expect(failure.cause == "401 for <secret>" && failure.hint == "is <secret> right?")
        #expect(!"\(failure)".contains("canary"))
    }

    @Test("what it says is one visible line")
    func controlCharacters() async throws {
        let failure = try await HostileHouse("control-characters").failure()
        #expect(failure.code == "plugin")
        #expect(failure.cause == "\\u{1b}[31mred\\u{a}second line")
        #expect(failure.hint == "a\\u{d}b")
    }

    @Test("it does not stop when it is asked to: killed, and to be tried again")
    func deaf() async throws {
        let house = try HostileHouse("deaf")
        let recorder = RecordingContext(key: house.key, limits: TransferBudget.Limits(deadline: .milliseconds(300)))
        let failure = try await house.failure(recorder)
        #expect(failure.remedy == .retry && failure.code == "plugin-deaf")
    }

    @Test("it is lost after the effect: asking settles it, and the file is there once")
    func lostAfterEffect() async throws {
        let house = try HostileHouse("exit-after-effect")
        let recorder = RecordingContext(key: house.key)
        #expect(try await house.failure(recorder).code == "plugin-ended")
        let again = RecordingContext(key: house.key, delivery: recorder.delivery, attempt: 2)
        let receipt = try await house.receipt(again, from: recorder.saved.last)
        #expect(receipt.confirmation == .byQuestion && receipt.key == house.key.description)
    }

    @Test("nobody can say whether it arrived: a person asks, or it is sent again where the manifest says so")
    func unknownOutcome() async throws {
        let house = try HostileHouse("does-not-know")
        let first = RecordingContext(key: house.key)
        _ = try await house.receipt(first)
        let again = RecordingContext(key: house.key, delivery: first.delivery, attempt: 2)
        let failure = try await house.failure(again, from: first.saved.last)
        #expect(failure.remedy == .quarantine && failure.code == "outcome-unknown")
        #expect(failure.cause.contains("the far end keeps no list"))
        // Nothing was announced: nothing can have arrived.
        _ = try await house.receipt(RecordingContext(key: house.key, delivery: first.delivery, attempt: 2))

        let knowing = try HostileHouse("does-not-know") { $0.whenUnknown = .again }
        _ = try await knowing.receipt(first)
        _ = try await knowing.receipt(again, from: first.saved.last)
    }

    @Test("cancelled before it was told `saved`, it was never allowed to: nobody wonders, and the file is sent again")
    func cancelledAtSave() async throws {
        let house = try HostileHouse("does-not-know")
        let first = RecordingContext(
            key: house.key,
            whenDurable: { _ async throws(DeliveryFailure) in withUnsafeCurrentTask { $0?.cancel() } })
        let attempt = Task { try await house.failure(first) }
        #expect(try await attempt.value.remedy == .retry)
        let again = RecordingContext(key: house.key, delivery: first.delivery, attempt: 2)
        #expect(try await house.receipt(again, from: first.saved.last).confirmation == .byAnswer)
        #expect(house.arrived.map { SeenObject($0) } == house.file.contents)
    }

    @Test("a file that it dies of is given up after three deaths, and the others flow")
    func poison() async throws {
        let house = try HostileHouse("poison", key: "poison.bin")
        let recorder = RecordingContext(key: house.key)
        // The pauses between restarts are over at once on a clock of its own; here they are short enough.
        var failures: [DeliveryFailure] = []
        while failures.count < 20, failures.last?.remedy != .quarantine {
            let failure = try await house.failure(recorder)
            failures.append(failure)
            let other = RecordingContext(key: try DeliveryKey("other-\(failures.count).bin"))
            if case .success = await house.attempt(other) { continue }
        }
        #expect(failures.count { $0.code == "plugin-ended" } == 3)
        #expect(failures.last?.code == "plugin-dies" && failures.last?.remedy == .quarantine)
    }

    @Test("a plugin that is killed from outside is started again, and goes on")
    func killedFromOutside() async throws {
        let house = try HostileHouse()
        _ = try await house.receipt()
        let first = try #require(await house.destination.processNumber)
        kill(first, SIGKILL)
        var outcome = await house.attempt(RecordingContext(key: try DeliveryKey("second.bin")))
        if case .failure(let failure) = outcome {
            #expect(failure.remedy == .retry)
            outcome = await house.attempt(RecordingContext(key: try DeliveryKey("second.bin")))
        }
        _ = try outcome.get()
        #expect(await house.destination.processNumber != first)
    }

    @Test("it ends with its destination")
    func endsWithItsDestination() async throws {
        var house: HostileHouse? = try HostileHouse()
        _ = try await house?.receipt()
        let number = try #require(await house?.destination.processNumber)
        house = nil
        try await gone([number])
    }

    private func gone(_ numbers: [pid_t]) async throws {
        let limit = ContinuousClock.now + .seconds(20)
        while numbers.contains(where: HostileHouse.runs) {
            try #require(ContinuousClock.now < limit, "still there: \(numbers.filter(HostileHouse.runs))")
            await Task.yield()
        }
    }
}

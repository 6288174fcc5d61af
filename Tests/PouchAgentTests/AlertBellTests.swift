import Foundation
import PouchAgent
import PouchKit
import PouchTestSupport
import Testing

@Suite("the alert command")
struct AlertBellTests {
    private let folder: TemporaryFolder
    private let clock = ManualClock()

    init() throws { folder = try TemporaryFolder("alerts") }

    private func bell(_ script: String) throws -> AlertBell {
        AlertBell(
            command: ["/bin/sh", try folder.write(script, to: "alert.sh"), folder.path("told")], clock: clock,
            logger: Silence.logger)
    }

    private func told() throws -> [String] {
        folder.exists("told") ? try folder.text("told").split(separator: "\n").map(String.init) : []
    }

    @Test("gets the alert as one JSON object on its input, and its text as the last argument")
    func getsTheAlert() async throws {
        let bell = try bell("cat >> \"$1\"; printf '%s\\n' \"$2\" >> \"$1\"\n")
        bell.raise(.held, subject: "acme", code: "AccessDenied", text: "acme is held: \"no\" $HOME `id`")
        await bell.tellWaiting()
        let lines = try told()
        #expect(lines.count == 2)
        let alert = try JSONDecoder().decode(Alert.self, from: Data((lines.first ?? "").utf8))
        #expect(alert.kind == .held)
        #expect(alert.subject == "acme")
        #expect(alert.code == "AccessDenied")
        #expect(alert.time == clock.now)
        #expect(lines.last == "acme is held: \"no\" $HOME `id`", "no shell reads it")
    }

    @Test("runs once for each cause, in the order in which they came")
    func onceEach() async throws {
        let bell = try bell("printf '%s\\n' \"$2\" >> \"$1\"\n")
        for text in ["one", "again"] { bell.raise(.held, subject: "acme", code: "AccessDenied", text: text) }
        bell.raise(.held, subject: "globex", code: "AccessDenied", text: "two")
        await bell.tellWaiting()
        #expect(try told() == ["one", "two"])
        bell.clear(.held, subject: "acme")
        bell.raise(.held, subject: "acme", code: "AccessDenied", text: "three")
        await bell.tellWaiting()
        #expect(try told() == ["one", "two", "three"])
    }

    @Test("that fails, or reads nothing, or is not there, keeps nobody from the next alert")
    func survivesFailure() async throws {
        let bell = try bell("exec <&-; printf '%s\\n' \"$2\" >> \"$1\"; exit 3\n")
        bell.raise(.quarantined, subject: "acme", code: "one", text: String(repeating: "long ", count: 10_000))
        bell.raise(.quarantined, subject: "acme", code: "two", text: "two")
        await bell.tellWaiting()
        let lines = try told()
        #expect(lines.count == 2)
        #expect(lines.last == "two")
        let absent = AlertBell(command: [folder.path("not-there")], clock: clock, logger: Silence.logger)
        absent.raise(.held, subject: "acme", code: "one", text: "one")
        await absent.tellWaiting()
    }

    @Test("need not exist")
    func needsNone() async {
        let bell = AlertBell(command: [], clock: clock, logger: Silence.logger)
        bell.raise(.held, subject: "acme", code: "one", text: "one")
        await bell.tellWaiting()
    }

    @Test("is ended when it takes longer than half a minute")
    func endsInTime() async throws {
        let bell = try bell("exec sleep 1000\n")
        bell.raise(.held, subject: "acme", code: "one", text: "one")
        await withTaskGroup(of: Void.self) { group in
            group.addTask { await bell.tellWaiting() }
            await clock.sleepers()
            clock.advance(by: .seconds(30))
        }
    }
}

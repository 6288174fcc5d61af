import PouchFiles
import PouchKit
import ProcessDestination
import Testing

@Suite("What is decided about a plugin")
struct DecisionTests {
    // MARK: Patience

    private func newVigil() -> Changing<Vigil> { Changing(Vigil(silence: .seconds(60), cancelPatience: .seconds(10), now: .zero)) }

    @Test("a plugin that has nothing to do may be silent for ever")
    func idle() {
        let vigil = newVigil()
        #expect(vigil { $0.actions(at: .seconds(86_400)) }.isEmpty)
        vigil { $0.opened(1, deadline: nil, at: .seconds(86_400)) }
        #expect(vigil { $0.actions(at: .seconds(86_401)) }.isEmpty)
    }

    @Test("one that works is pinged after half of its silence, once, and given up after the whole")
    func silent() {
        let vigil = newVigil()
        vigil { $0.opened(1, deadline: nil, at: .zero) }
        #expect(vigil { $0.actions(at: .seconds(29)) }.isEmpty)
        #expect(vigil { $0.actions(at: .seconds(30)) } == [.ping])
        #expect(vigil { $0.actions(at: .seconds(31)) }.isEmpty)
        #expect(vigil { $0.actions(at: .seconds(60)) } == [.giveUp(.silent(for: .seconds(60)))])
    }

    @Test("any word is a sign of life")
    func heard() {
        let vigil = newVigil()
        vigil { $0.opened(1, deadline: nil, at: .zero) }
        _ = vigil { $0.actions(at: .seconds(30)) }
        vigil { $0.heard(at: .seconds(59)) }
        #expect(vigil { $0.actions(at: .seconds(60)) }.isEmpty)
        #expect(vigil { $0.actions(at: .seconds(89)) } == [.ping])
    }

    @Test("a request that is out of time is cancelled, and one that is cancelled in vain ends the plugin")
    func outOfTime() {
        let vigil = newVigil()
        vigil { $0.opened(1, deadline: .seconds(5), at: .zero) }
        vigil { $0.opened(2, deadline: .seconds(50), at: .zero) }
        #expect(vigil { $0.actions(at: .seconds(5)) } == [.cancel(1)])
        #expect(vigil { $0.cancelled(1, at: .seconds(5)) })
        #expect(!vigil { $0.cancelled(1, at: .seconds(6)) })
        vigil { $0.heard(at: .seconds(14)) }
        #expect(vigil { $0.actions(at: .seconds(14)) }.isEmpty)
        #expect(vigil { $0.actions(at: .seconds(15)) } == [.giveUp(.deaf(for: .seconds(10)))])
        vigil { $0.closed(1) }
        #expect(vigil { $0.actions(at: .seconds(15)) }.isEmpty)
        #expect(!vigil { $0.cancelled(9, at: .zero) })
    }

    // MARK: Restarts

    @Test("after one loss a plugin is started at once, then after pauses that double up to a minute, until it works")
    func restarts() {
        var schedule = RestartSchedule()
        var pauses: [Duration?] = []
        for _ in 0..<9 {
            schedule.lost(at: .zero)
            pauses.append(schedule.wait(at: .zero))
        }
        #expect(pauses == [nil] + [1, 2, 4, 8, 16, 32, 60, 60].map { .seconds($0) })
        #expect(schedule.wait(at: .seconds(60)) == nil)
        schedule.worked()
        schedule.lost(at: .zero)
        #expect(schedule.wait(at: .zero) == nil)
    }

    // MARK: Poison

    @Test("who was there when it died runs alone, and three deaths alone are enough")
    func poison() {
        var ledger = PoisonLedger()
        let (bad, innocent) = (DeliveryID.random(), DeliveryID.random())
        ledger.died(with: [bad, innocent])
        #expect(ledger.mustRunAlone(bad) && ledger.mustRunAlone(innocent) && !ledger.mustRunAlone(.random()))
        ledger.survived(innocent)
        #expect(!ledger.mustRunAlone(innocent))
        for _ in 0..<3 {
            #expect(!ledger.isPoison(bad))
            ledger.died(with: [bad])
        }
        #expect(ledger.isPoison(bad) && !ledger.isPoison(innocent))
        ledger.survived(bad)
        #expect(!ledger.isPoison(bad) && !ledger.mustRunAlone(bad))
    }

    // MARK: Floods

    @Test("a burst is taken, a steady rate is taken, and more than that is a flood")
    func floods() {
        var guardian = FloodGuard(now: .zero)
        #expect(taken(4_001, by: &guardian) { _ in .zero } == 4_000)
        var steady = FloodGuard(now: .zero)
        #expect(taken(100_000, by: &steady) { .milliseconds($0) } == 100_000)
    }

    private func taken(_ count: Int, by guardian: inout FloodGuard, at time: (Int) -> Duration) -> Int {
        var taken = 0
        for number in 1...count where guardian.takes(at: time(number)) { taken += 1 }
        return taken
    }

    // MARK: Secrets

    @Test("a secret is taken out before anything is escaped or cut, as it is and as it stands in JSON")
    func secrets() {
        let redaction = Redaction([Secret(#"pa\ss"wörd"#), Secret("abc")])
        #expect(redaction.quoted(Array(#"x pa\ss"wörd y"#.utf8)) == "'x <secret> y'")
        #expect(
            redaction.sentence(#"401 for pa\ss"wörd, abc"#) == "401 for <secret>, abc", "what is too short is in every other word")
        #expect(redaction.quoted(Array(#"{"a":"pa\\ss\"wörd"}"#.utf8)) == #"'{"a":"<secret>"}'"#)
        #expect(redaction.quoted(Array(#"abc pa\ss""#.utf8), isCut: true) == "'abc <secret>…'")
    }

    @Test("of a secret that a cut goes through nothing is left", arguments: [200, 500, 2_048])
    func cutSecrets(cut: Int) {
        let secret = "0123456789abcdef"
        let redaction = Redaction([Secret(secret)])
        func isClean(_ text: String) -> Bool { !text.contains { $0.isNumber } }
        for inside in 0...secret.utf8.count {
            let before = String(repeating: "x", count: cut - inside) + secret + "xx"
            #expect(isClean(redaction.quoted(Array(before.utf8))) && isClean(redaction.sentence(before)))
            let after = secret + String(repeating: "x", count: cut - inside)
            for piece in [509, 5_000] {
                var words = PluginWords(redaction)
                let bytes = Array(("x\n" + String(repeating: "x", count: 3_000) + after).utf8)
                for start in stride(from: 0, to: bytes.count, by: piece) { words.add(Array(bytes[start...].prefix(piece))) }
                #expect(isClean(words.text), "\(inside) bytes inside, in pieces of \(piece)")
                words.add(Array(secret.utf8.prefix(8)))
                #expect(isClean(words.text), "it ended in the middle")
            }
        }
    }

    // MARK: Lines

    @Test("pieces become lines, wherever they are cut, and never more than one longest line is kept")
    func lines() throws {
        let text = Array("one\n\ntwo\r\nthree\nfo".utf8)
        for size in 1...text.count {
            var splitter = LineSplitter(longest: 5)
            var lines: [String] = []
            for start in stride(from: 0, to: text.count, by: size) {
                let piece = Array(text[start..<min(start + size, text.count)])
                lines += try splitter.lines(in: piece).map { String(decoding: $0, as: UTF8.self) }
            }
            #expect(lines == ["one", "two", "three"])
        }
        var splitter = LineSplitter(longest: 5)
        #expect(throws: LineSplitter.TooLong.self) { try splitter.lines(in: Array("123456".utf8)) }
        var slow = LineSplitter(longest: 5)
        _ = try slow.lines(in: Array("123".utf8))
        #expect(throws: LineSplitter.TooLong.self) { try slow.lines(in: Array("456\n".utf8)) }
    }
}

/// A value that changes: `#expect` takes no calls that do.
private final class Changing<Value> {
    private var value: Value

    init(_ value: Value) { self.value = value }

    func callAsFunction<Result>(_ change: (inout Value) -> Result) -> Result { change(&value) }
}

import PouchAgent
import PouchKit
import Testing

@Suite("alerts")
struct AlertTests {
    private func alert(_ code: String = "AccessDenied", subject: String = "acme", text: String = "held") -> Alert {
        Alert(kind: .held, subject: subject, code: code, text: text, time: Timestamp(seconds: 1_800_000_000))
    }

    @Test("a cause is told once, whatever its words")
    func once() {
        var book = AlertBook()
        let alerts = [alert(text: "first file"), alert(text: "second file"), alert("NoSuchBucket"), alert(subject: "globex")]
        let told = alerts.map { book.isNew($0) }
        #expect(told == [true, false, true, true])
    }

    @Test("a cause that comes back is told again")
    func comesBack() {
        var book = AlertBook()
        var told = [alert(), alert(subject: "globex")].map { book.isNew($0) }
        book.cleared(.held, subject: "acme")
        told += [alert(), alert(subject: "globex")].map { book.isNew($0) }
        #expect(told == [true, true, true, false])
    }

    @Test("a text of any length fits into an argument and a pipe")
    func isBounded() {
        let long = alert(text: String(repeating: "\u{1}", count: 1_000_000))
        #expect(long.text.utf8.count < 8_192)
        #expect(alert(text: "short").text == "short")
    }
}

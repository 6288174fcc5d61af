import PouchConfiguration
import Testing

/// A mistake, and all that is said about it.
struct WrongConfiguration: Sendable, CustomTestStringConvertible {
    let sentence: String
    let configuration: SampleConfiguration
    let messages: String

    init(_ sentence: String, _ sections: String, _ messages: String) {
        self.sentence = sentence
        self.configuration = SampleConfiguration(sections)
        self.messages = messages
    }

    init(_ sentence: String, whole text: String, _ messages: String) {
        self.sentence = sentence
        self.configuration = SampleConfiguration(whole: text)
        self.messages = messages
    }

    var testDescription: String { sentence }

    static let all = syntax + agent + partners + folders + routes + publish + variables
}

@Suite("A wrong configuration")
struct WrongConfigurationTests {
    private let environment = ["HOME": "/root", "TOKEN": "hunter2", "MAPPING": "{ archive: ./archive }"]

    @Test("is answered with the place, the reason and the fix", arguments: WrongConfiguration.all)
    func saysWhatIsWrong(_ wrong: WrongConfiguration) {
        let outcome = wrong.configuration.read(environment: environment)
        #expect(outcome.messages == wrong.messages)
        #expect((outcome.configuration == nil) == !outcome.errors.isEmpty)
    }

    @Test("never shows what a variable holds, nor a secret that stands in the file", arguments: WrongConfiguration.all)
    func keepsSecrets(_ wrong: WrongConfiguration) {
        #expect(!wrong.configuration.read(environment: environment).messages.contains("hunter2"))
    }

    @Test("tells the errors of all its sections in one run, in the order of its lines")
    func tellsEverythingAtOnce() {
        let outcome = SampleConfiguration(
            whole: """
                agent: { nam: edge-01, status: "9321" }
                network: { proxy: maybe }
                partners:
                  acme: { deliver: { path: /srv }, limits: { at-once: many, bandwidth: 20 } }
                folders:
                  - { watch: ./drop, recursive: no, ready: open, then: kep }
                  - { watch: ./drop/inner, sweep: 1, then: keep }
                routes:
                  - { name: All, to: acm, stop: perhaps }
                  - { name: all, to: [acme, acme], when: { sise: 1 } }
                unmatched: drop
                """
        ).read()
        #expect(
            outcome.problems.map { "\($0.mark.map(\.description) ?? ""): \($0.text.prefix(24))" } == [
                "1:8: 'state' is missing in ag",
                "1:10: unknown key 'nam'",
                "1:32: status: expected an addr",
                "2:19: proxy: expected none, an",
                "4:20: 'with' is missing in par",
                "4:55: at-once: expected a whol",
                "4:72: bandwidth: expected a ra",
                "6:33: recursive: expected true",
                "6:44: ready: expected closed, ",
                "6:56: then: expected keep, del",
                "7:35: sweep: expected a time s",
                "9:13: name: expected a lower-c",
                "9:22: there is no partner 'acm",
                "9:33: stop: expected true or f",
                "10:29: to: 'acme' is in the lis",
                "10:44: unknown key 'sise'",
                "11:12: unmatched: expected one ",
            ])
    }

    @Test("shows a hundred problems and counts the others")
    func countsTheRest() {
        let unknown = (1...150).map { "key-\($0): 1" }.joined(separator: "\n")
        let outcome = SampleConfiguration(unknown).read()
        #expect(outcome.problems.count == 101)
        #expect(outcome.problems.last?.description == "agent.yaml: 50 more problems are not shown")
        #expect(outcome.configuration == nil)
    }
}

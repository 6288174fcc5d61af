import PouchConfiguration
import Testing

@Suite("A variable of the environment")
struct EnvironmentTests {
    private func text(_ written: String, _ environment: [String: String]) throws -> String? {
        let node = try ConfigurationNode.read(Array("- \(written)".utf8), named: "agent.yaml", environment: environment)
        return node.sequence?.first?.scalar?.text
    }

    @Test(
        "is put where its name stands",
        arguments: [
            ("${A}", "one"), ("x${A}y${B}z", "xoneytwo words z"), ("'${A}'", "one"), ("\"${A}\\t\"", "one\t"),
            ("${NONE:-other}", "other"), ("${EMPTY:-other}", "other"), ("${EMPTY}", ""), ("${A:-other}", "one"),
            ("${NONE:-}", ""), ("$$", "$"), ("$${A}", "${A}"), ("$$${A}$$", "$one$"), ("${NONE:-a:-b}", "a:-b"),
        ])
    func isReplaced(_ written: String, _ expected: String) throws {
        #expect(try text(written, ["A": "one", "B": "two words ", "EMPTY": ""]) == expected)
    }

    @Test("is text: neither a reference nor YAML is read in it")
    func isNotReadAgain() throws {
        #expect(try text("${A}", ["A": "${B}", "B": "no"]) == "${B}")
        #expect(try text("${A}", ["A": "[1, 2]"]) == "[1, 2]")
        #expect(try text("${A}", ["A": "null"]) == "null")
    }

    @Test("may be a number or a Boolean, in quotes too, which it needs inside brackets")
    func isTyped() throws {
        let configuration = SampleConfiguration(
            """
            partners: { acme: { deliver: { with: local }, limits: { at-once: "${N:-4}" } } }
            folders: [{ watch: ./drop, then: keep, recursive: "${R}" }]
            """
        ).read(environment: ["R": "false"]).configuration
        #expect(configuration?.partners.first?.limits.atOnce == 4)
        #expect(configuration?.folders.first?.recursive == false)
    }

    @Test("keeps the place at which it stands")
    func keepsMark() {
        let configuration = SampleConfiguration("routes: [{ name: all, to: acme, as: \"${PREFIX}/{path}\" }]")
            .read(environment: ["PREFIX": "a\nb"]).configuration
        #expect(configuration?.routes.first?.as == Located("a\nb/{path}", at: Mark(line: 1, column: 37)))
    }

    @Test("is not replaced in a key")
    func notInKeys() throws {
        let node = try ConfigurationNode.read(Array("${A}: 1".utf8), named: "agent.yaml", environment: ["A": "b"])
        #expect(node.mapping?.entries.map(\.key) == ["${A}"])
    }

    @Test("may hold a secret where the file itself may not")
    func mayBeSecret() {
        let outcome = SampleConfiguration("partners: { acme: { deliver: { with: sftp, password: \"${PASSWORD}\" } } }")
            .read(environment: ["PASSWORD": "hunter2"])
        #expect(outcome.messages == "")
    }
}

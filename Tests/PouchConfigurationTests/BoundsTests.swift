import PouchConfiguration
import Testing

@Suite("A hostile file")
struct BoundsTests {
    private func refusal(_ bytes: some Sequence<UInt8>, environment: [String: String]? = nil) -> String {
        do throws(ConfigurationProblems) {
            _ = try ConfigurationNode.read(Array(bytes), named: "agent.yaml", environment: environment)
            return "accepted"
        } catch {
            return error.problems.last?.description ?? ""
        }
    }

    @Test("that doubles with each alias is refused before anybody walks it")
    func aliasBomb() {
        var text = "a0: &a0 [x, x, x, x, x, x, x, x, x]\n"
        for level in 1...40 {
            text += "a\(level): &a\(level) [\(Array(repeating: "*a\(level - 1)", count: 9).joined(separator: ", "))]\n"
        }
        #expect(refusal(text.utf8) == "agent.yaml:6:10: the file has more than 100000 values, aliases counted in full")
    }

    @Test("that doubles with each merge is refused")
    func mergeBomb() {
        var text = "a0: &a0 { x: 1 }\n"
        for level in 1...60 { text += "a\(level): &a\(level) { <<: [*a\(level - 1), *a\(level - 1)], y\(level): 1 }\n" }
        #expect(refusal(text.utf8) == "agent.yaml:14:24: the file has more than 100000 values, aliases counted in full")
    }

    @Test("that is deep is refused, by brackets, by indentation or through aliases", arguments: ["[", "{a: ", "- ", "? "])
    func depth(_ opening: String) {
        #expect(refusal(String(repeating: opening, count: 100_000).utf8).hasSuffix("values lie more than 100 levels deep"))
    }

    @Test("that becomes deep through aliases is refused")
    func depthOfAliases() {
        var text = "a0: &a0 [x]\n"
        for level in 1...200 { text += "a\(level): &a\(level) [*a\(level - 1)]\n" }
        #expect(refusal(text.utf8) == "agent.yaml:99:12: values lie more than 100 levels deep")
    }

    @Test("of a hundred levels is accepted, and of a hundred thousand values")
    func limits() {
        #expect(refusal((String(repeating: "[", count: 99) + "x" + String(repeating: "]", count: 99)).utf8) == "accepted")
        #expect(refusal(String(repeating: "- x\n", count: 99_999).utf8) == "accepted")
        #expect(refusal(String(repeating: "- x\n", count: 100_000).utf8).hasPrefix("agent.yaml:100000:3: the file has more"))
    }

    @Test("that is too large is refused unread")
    func size() {
        let bytes = [UInt8](repeating: UInt8(ascii: "#"), count: (4 << 20) + 1)
        #expect(refusal(bytes) == "agent.yaml:1:1: the file has 4194305 bytes; at most 4194304 are read")
    }

    @Test("that grows through variables is refused")
    func expansion() {
        let text = "a: \"" + String(repeating: "${A}", count: 100_000) + "\""
        #expect(
            refusal(text.utf8, environment: ["A": String(repeating: "x", count: 100_000)])
                == "agent.yaml:1:4: the values from the environment are too long")
    }

    @Test("with thousands of directives is refused before libyaml compares them")
    func directives() {
        let text = String(repeating: "%TAG !a! tag:example.com\n", count: 100_000)
        #expect(
            refusal(text.utf8)
                == "agent.yaml:17:1: more than 16 lines begin with '%'\nhint: agent.yaml needs no directives")
    }

    @Test("with nothing but errors is not read to its end")
    func manyErrors() {
        let outcome = SampleConfiguration(String(repeating: "a: 1\n", count: 100_000)).read()
        #expect(outcome.problems.count == 101)
        #expect(outcome.configuration == nil)
    }

    @Test(
        "that is not text is refused where that begins",
        arguments: [
            ([0x61, 0x3A, 0x0A, 0x62, 0x00], "agent.yaml:2:2: the control character U+0000"),
            ([0x61, 0x1B], "agent.yaml:1:2: the control character U+001B"),
            ([0xC3, 0xA4, 0xC2, 0x9F], "agent.yaml:1:2: the control character U+009F"),
            ([0xC3, 0xA4, 0xE4, 0x0A], "agent.yaml:1:2: the byte 0xE4 is not UTF-8"),
            ([0x0D, 0x0A, 0x20, 0x80], "agent.yaml:2:2: the byte 0x80 is not UTF-8"),
            ([0xC0, 0x80], "agent.yaml:1:1: the byte 0xC0 is not UTF-8"),
            ([0xE0, 0x80, 0x80], "agent.yaml:1:1: the byte 0xE0 is not UTF-8"),
            ([0xED, 0xA0, 0x80], "agent.yaml:1:1: the byte 0xED is not UTF-8"),
            ([0xF4, 0x90, 0x80, 0x80], "agent.yaml:1:1: the byte 0xF4 is not UTF-8"),
            ([0xF0, 0x9F, 0x98], "agent.yaml:1:1: the byte 0xF0 is not UTF-8"),
            ([0xEF, 0xBB, 0xBF, 0x61], "agent.yaml:1:1: a byte order mark"),
            ([0x61, 0xEF, 0xBB, 0xBF], "agent.yaml:1:2: a byte order mark"),
            ([0xFF, 0xFE, 0x61, 0x00], "agent.yaml:1:1: the file is UTF-16"),
        ] as [([UInt8], String)])
    func bytes(_ bytes: [UInt8], _ expected: String) {
        #expect(refusal(bytes).split(separator: "\n").first.map(String.init) == expected)
    }

    @Test("cannot do harm with any single byte changed, removed or doubled")
    func mutations() {
        let sound = Array(SampleConfiguration("identities: { a: { from: &x { profile: \"p\\t${H}\" } } } # c\naws: *x").text.utf8)
        for position in sound.indices {
            for byte in "\n\"*:}\t".utf8 {
                var changed = sound
                changed[position] = byte
                read(changed)
            }
            var removed = sound
            removed.remove(at: position)
            read(removed)
            read(Array(sound[...position] + sound[position...]))
        }
    }

    private func read(_ bytes: [UInt8]) {
        let outcome = ConfigurationFile.read(
            bytes, named: "agent.yaml", at: "/nowhere/agent.yaml", environment: ["H": "h"], hostName: "h")
        #expect((outcome.configuration == nil) == !outcome.errors.isEmpty)
    }
}

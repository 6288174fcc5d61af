import PouchConfiguration
import Testing

@Suite("YAML")
struct YAMLSuiteTests {
    /// What the suite refuses and libyaml 0.2.5 accepts.
    private static let acceptedByLibyaml = [
        "9C9N": "a flow sequence whose lines are indented too little",
        "9JBA": "a comment right behind a bracket",
        "CVW2": "a comment right behind a comma",
        "DK95-1": "a tab before the second line of a quoted text",
        "G5U8": "dashes alone in a flow sequence",
        "MUS6-0": "a comment right behind a directive",
        "QB6E": "a second line of a quoted text that is indented too little",
        "S98Z": "an empty first line of a block that is indented further than its text",
        "SU5Z": "a comment right behind a quote",
        "X4QW": "a comment right behind a block indicator",
        "Y79Y-3": "a tab in the indentation of a flow sequence",
        "YJV2": "a dash alone in a flow sequence",
    ]

    /// What the suite accepts and libyaml 0.2.5, which reads YAML 1.1, refuses.
    private static let refusedByLibyaml: [(reason: String, ids: [String])] = [
        ("a key that is empty", ["2JQS", "6M2F", "CFD4", "FRK4", "M2N8-0", "NHX8", "NKF9", "S3PD", "SM9W-1", "UKK6-0"]),
        ("a colon in an anchor or an alias, or an anchor beyond ASCII", ["2SXE", "8XYN", "W5VH"]),
        ("a value right behind the colon of a flow mapping", ["4ABK", "58MP", "5T43", "DBG4", "HM87-0"]),
        (
            "a key and its colon in two lines of a flow mapping",
            ["4MUZ-0", "4MUZ-1", "4MUZ-2", "5MUD", "9SA2", "K3WX", "NJ66", "UT92", "VJP3-1"]
        ),
        ("a directive that YAML 1.1 does not have, or a version after it", ["2LFX", "6LVF", "BEC7", "MUS6-5", "MUS6-6"]),
        ("directives that the suite itself skips", ["ZYU8-0", "ZYU8-1", "ZYU8-2", "ZYU8-3"]),
        (
            "a tab where a line begins or behind an indicator",
            [
                "6BCT", "6CA3", "96NN-0", "96NN-1", "A2M4", "DK95-0", "DK95-3", "DK95-4", "Q5MG", "R4YG", "Y79Y-1", "Y79Y-10",
            ]
        ),
        ("a block at the top that is not indented", ["DK3J", "FP8R", "W4TN"]),
        ("the end of a document without a beginning, or with a bare one after it", ["7Z25", "HWV9", "M7A3", "QT73"]),
    ]

    /// What YAML has and a configuration needs not: refused by us, with these words.
    private static let refusedByUs = [
        "a second document begins here", "means nothing here", "expected a key, found", "the file is empty",
        "a byte order mark", "merges a mapping",
    ]

    @Test("is refused where the suite refuses it, but for what libyaml is known to let pass")
    func refusesWhatIsWrong() throws {
        let cases = try YAMLSuiteCase.all()
        guard !cases.isEmpty else { return print("yaml-test-suite is not beside the checkout: nothing was tested") }
        let accepted = cases.filter { $0.mustFail && refusal($0) == nil }
        #expect(cases.count { $0.mustFail } >= 84)
        #expect(Set(accepted.map(\.id)) == Set(Self.acceptedByLibyaml.keys))
    }

    @Test("is accepted where the suite accepts it, but for what libyaml does not know and what no configuration needs")
    func acceptsWhatIsRight() throws {
        let cases = try YAMLSuiteCase.all()
        guard !cases.isEmpty else { return print("yaml-test-suite is not beside the checkout: nothing was tested") }
        let refused = cases.filter { testCase in
            guard !testCase.mustFail, let text = refusal(testCase) else { return false }
            return !Self.refusedByUs.contains { text.contains($0) }
        }
        #expect(cases.count { !$0.mustFail } >= 300)
        #expect(Set(refused.map(\.id)) == Set(Self.refusedByLibyaml.flatMap(\.ids)))
    }

    private func refusal(_ testCase: YAMLSuiteCase) -> String? {
        do throws(ConfigurationProblems) {
            _ = try ConfigurationNode.read(testCase.text, named: testCase.id)
            return nil
        } catch {
            return error.description
        }
    }
}

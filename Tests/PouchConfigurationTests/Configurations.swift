import PouchConfiguration

/// Texts of `agent.yaml` for tests: the sections that a test is about come first, so that their lines are easy to count;
/// sections that it says nothing about are sound.
struct SampleConfiguration: Sendable {
    static let sound = [
        "agent": "agent: { name: edge-01, state: ./state }",
        "partners": "partners: { acme: { deliver: { with: local, path: ../inbox } } }",
        "folders": "folders: [{ watch: ./drop, then: keep }]",
        "routes": "routes: [{ name: everything, to: acme }]",
    ]

    let text: String

    init(whole text: String) { self.text = text }

    init(_ sections: String) {
        let written = sections.split(separator: "\n").compactMap { line in line.split(separator: ":").first.map(String.init) }
        let others = Self.sound.filter { !written.contains($0.key) }.sorted { $0.key < $1.key }.map(\.value)
        text = sections + "\n" + others.joined(separator: "\n") + "\n"
    }

    func read(
        environment: [String: String] = [:],
        hostName: String = "host-7",
        checks: (SoundParts) -> [ConfigurationProblem] = { _ in [] }
    ) -> ConfigurationFile.Outcome {
        ConfigurationFile.read(
            Array(text.utf8), named: "agent.yaml", at: "/nowhere/pouch/agent.yaml", environment: environment, hostName: hostName,
            checks: checks)
    }
}

extension ConfigurationFile.Outcome {
    /// As an operator sees them.
    var messages: String { problems.map(\.description).joined(separator: "\n") }
}

import ArgumentParser
import PouchConfiguration

/// `--config PATH`, the same everywhere.
struct ConfigurationOption: ParsableArguments {
    @Option(
        name: [.customShort("c"), .customLong("config")], help: "The configuration file.",
        completion: .file(extensions: ["yaml", "yml"]))
    var path = "agent.yaml"

    /// Reads the file; every mistake is printed.
    ///
    /// - Throws: `ExitCode.configuration` when there is one.
    func load(quietly: Bool = false) throws -> Blueprint {
        let (blueprint, problems) = Blueprint.load(path: path)
        for problem in problems where !quietly || problem.severity == .error { Terminal.complain("\(problem)") }
        guard let blueprint else { throw ExitCode.configuration }
        return blueprint
    }
}

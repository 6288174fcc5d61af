import Glibc
package import PouchConformance
import PouchFiles
import PouchKit
package import ProcessDestination

/// All promises, looked at one after the other or some at once.
package struct PluginTrialRun: Sendable {
    package struct Verdict: Sendable, Encodable {
        package enum Kind: String, Sendable, Encodable { case kept, broken, skipped }

        package let id: String
        package let sentence: String
        package let verdict: Kind
        /// Why it is broken or was not looked at.
        package let reason: String?
        /// Where it is broken: the last lines of the plugin's standard error.
        package let standardError: [String]?
        /// Where it is broken, and that was asked for: the folder with the conversation and the far end.
        package let kept: String?
        package let milliseconds: Int64
    }

    package static let promises = DestinationRequirement.all + PluginRequirements.all

    private let plugin: PluginFile
    private let environment: [String: String]
    private let patience: Patience
    private let keepsakes: Keepsakes?

    /// - Parameter keeping: a folder for what broken promises leave; `nil` keeps nothing.
    package init(
        _ plugin: PluginFile, environment: [String: String], patience: Patience = .ofTests, keeping folder: String? = nil
    ) {
        self.plugin = plugin
        self.environment = environment
        self.patience = patience
        keepsakes = folder.map { Keepsakes(folder: $0) }
    }

    /// Builds what must be built.
    ///
    /// - Throws: a sentence for people.
    package func prepare() async throws {
        guard let command = plugin.manifest.test?.prepare, let program = command.first else { return }
        if let trouble = await Preparation.run(program, Array(command.dropFirst()), in: plugin.folder, environment) {
            throw SettingsProblem(at: ["test", "prepare"], "'\(command.joined(separator: " "))' failed: \(trouble)")
        }
    }

    /// - Parameter told: is called with each verdict, in the order in which they come.
    package func run(
        _ promises: [DestinationRequirement] = promises, atOnce: Int = 2, told: @Sendable (Verdict) -> Void = { _ in }
    ) async -> [Verdict] {
        await withTaskGroup(of: (Int, Verdict).self) { group in
            var next = 0
            var verdicts: [(Int, Verdict)] = []
            func add() {
                guard next < promises.count else { return }
                let (index, promise) = (next, promises[next])
                next += 1
                group.addTask { (index, await verdict(on: promise)) }
            }
            for _ in 0..<max(atOnce, 1) { add() }
            for await (index, verdict) in group {
                told(verdict)
                verdicts.append((index, verdict))
                add()
            }
            return verdicts.sorted { $0.0 < $1.0 }.map(\.1)
        }
    }

    private func verdict(on promise: DestinationRequirement) async -> Verdict {
        let started = ContinuousClock.now
        func verdict(
            _ kind: Verdict.Kind, _ reason: String? = nil, errors: [String]? = nil, kept: String? = nil
        ) -> Verdict {
            let took = (ContinuousClock.now - started).components
            return Verdict(
                id: promise.id, sentence: promise.sentence, verdict: kind, reason: reason, standardError: errors, kept: kept,
                milliseconds: took.seconds * 1_000 + took.attoseconds / 1_000_000_000_000_000)
        }
        let harness: PluginHarness
        do { harness = try await PluginHarness(plugin, environment: environment, patience: patience) } catch {
            return verdict(.broken, "\(error)")
        }
        do {
            if let fault = promise.needs, !harness.faults.contains(fault) {
                return verdict(.skipped, "the far end of `test:` cannot play \(fault.rawValue)")
            }
            if let policy = promise.policy, !harness.policies.contains(policy) {
                return verdict(.skipped, "`when-taken` of the manifest has no '\(policy.rawValue)'")
            }
            try await promise.verify(harness)
            return verdict(.kept)
        } catch {
            let kept: String?
            do { kept = try keepsakes?.keep(promise.id, harness.transcript, farEnd: harness.farEndFolder) } catch {
                kept = "nothing could be kept: \(error)"
            }
            return verdict(.broken, "\(error)", errors: harness.transcript.lastErrors, kept: kept)
        }
    }
}

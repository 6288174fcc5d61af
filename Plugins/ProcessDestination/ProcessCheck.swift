import PouchFiles
package import PouchKit

extension ProcessDestination {
    /// Starts the plugin and lets it look for itself.
    package func check() async -> [Finding] {
        var findings = pinning()
        if !ChildProcess.canLendFiles {
            findings.append(
                Finding(
                    .failure, "no plugin can open the files that this agent lends it: its program has capabilities of its own",
                    hint: "give them to the service (AmbientCapabilities=CAP_LEASE), not to the file (setcap -r)"))
        }
        do {
            try await keeper.gate.enter()
        } catch {
            return findings
        }
        defer { keeper.gate.leave() }
        do throws(PluginLoss) {
            let link = try await keeper.link(for: "doctor")
            let version = plan.manifest.version.map { " " + $0 } ?? ""
            findings.append(Finding(.good, "the plugin \(plan.name)\(version) runs and speaks \(PluginManifest.protocolName)"))
            findings += try await said(on: link)
        } catch {
            let failure = error.failure(of: "check the plugin \(plan.name)")
            findings.append(Finding(.failure, failure.cause, hint: failure.hint))
        }
        return findings
    }

    private func pinning() -> [Finding] {
        guard plan.program.pin == nil else { return [Finding(.good, "\(plan.program.path) is the program that its manifest pins")] }
        let digest = (try? plan.program.digest()).map { "sha256: \"\($0)\"" }
        return [
            Finding(
                .note, "the manifest of the plugin \(plan.name) pins no program",
                hint: digest.map { "write into it: \($0)" })
        ]
    }

    private func said(on link: PluginLink) async throws(PluginLoss) -> [Finding] {
        let request = link.open(.check, within: patience.answer)
        defer { request.close() }
        switch try await request.reply() {
        case .findings(let findings):
            return findings.map { finding in
                Finding(
                    finding.severity, link.redaction.sentence(finding.text), hint: finding.hint.map(link.redaction.sentence))
            }
        case .failed(let failed):
            return [
                Finding(.failure, link.redaction.sentence(failed.text), hint: failed.hint.map(link.redaction.sentence))
            ]
        case .unsupported: return [Finding(.note, "the plugin \(plan.name) cannot look at its far end")]
        default:
            link.giveUp(.violation("it answered `check` with something else"))
            throw link.loss ?? PluginLoss(.violation("it answered `check` with something else"))
        }
    }
}

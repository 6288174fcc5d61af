import Foundation
import LocalDestination
import PouchConfiguration
import PouchKit
import PouchPluginKit
import ProcessDestination
import S3SecureInbox
import SFTPDestination

/// The only place that names destinations: `with: NAME` in, a destination out. Nothing is asked or opened yet.
struct DestinationCatalog {
    private static let known = ["local", "process", "s3-secure-inbox", "sftp"]

    let parts: SoundParts

    func destination(of partner: PartnerSettings) -> (destination: (any Destination)?, problems: [ConfigurationProblem]) {
        do {
            switch partner.adapter.value.description {
            case "local": return try local(partner)
            case "process": return try process(partner)
            case "s3-secure-inbox": return try secureInbox(partner)
            case "sftp": return try sftp(partner)
            default: return (nil, [unknown(partner)])
            }
        } catch {
            return (nil, error.problems)
        }
    }

    /// Where word comes of what the destination hands over.
    func receipts(of destination: any Destination) -> (any ReceiptShelf)? { (destination as? S3SecureInbox)?.receipts }

    private func local(_ partner: PartnerSettings) throws(ConfigurationProblems) -> ((any Destination)?, [ConfigurationProblem]) {
        let settings = try parts.decoder.decode(LocalSettings.self, from: partner.settings)
        do {
            return (try LocalDestination.make(settings, relativeTo: parts.decoder.folder), [])
        } catch {
            return (nil, error.problems.map { parts.decoder.locate($0, in: partner.settings) })
        }
    }

    /// Reads the plugin's manifest and looks at its program; nothing runs.
    private func process(_ partner: PartnerSettings) throws(ConfigurationProblems) -> ((any Destination)?, [ConfigurationProblem]) {
        let settings = try parts.decoder.decode(ProcessSettings.self, from: partner.settings)
        do {
            let plugin = try PluginFile.read(settings.plugin.absolute)
            let plan = try PluginPlan(
                plugin.manifest, in: plugin.folder, settings: settings, relativeTo: parts.decoder.folder,
                environment: ProcessInfo.processInfo.environment)
            return (ProcessDestination(plan), [unpinned(plan)].compactMap { $0 }.map { warning(at: ["plugin"], $0, in: partner) })
        } catch let refused as RefusedPlugin {
            return (nil, refused.problems.map { parts.decoder.locate($0, in: partner.settings) })
        } catch let problem as SettingsProblem {
            return (
                nil, [parts.decoder.problem(at: ["plugin"], problem.text, hint: problem.hint, in: partner.settings)]
            )
        } catch let problems as ConfigurationProblems {
            throw problems
        } catch {
            return (nil, [parts.decoder.problem(at: ["plugin"], "\(error)", in: partner.settings)])
        }
    }

    private func unpinned(_ plan: PluginPlan) -> SettingsProblem? {
        guard plan.manifest.sha256 == nil else { return nil }
        return SettingsProblem(
            at: [], "the manifest of \(plan.manifest.name) does not pin its program: whatever lies there is run",
            hint: (try? plan.program.digest()).map { "write sha256: \"\($0)\" into it" })
    }

    private func warning(at keyPath: [String], _ problem: SettingsProblem, in partner: PartnerSettings) -> ConfigurationProblem {
        parts.decoder.locate(
            SettingsProblem(at: keyPath, problem.text, hint: problem.hint), in: partner.settings, severity: .warning)
    }

    private func secureInbox(_ partner: PartnerSettings) throws(ConfigurationProblems) -> (
        (any Destination)?, [ConfigurationProblem]
    ) {
        let settings = try parts.decoder.decode(S3SecureInboxSettings.self, from: partner.settings)
        let (destination, problems) = SecureInboxWiring(identities: IdentityWiring(parts)).destination(settings)
        let advice = destination?.plan.advice ?? []
        return (
            destination,
            problems.map { parts.decoder.locate($0, in: partner.settings) }
                + advice.map { parts.decoder.locate($0, in: partner.settings, severity: .warning) }
        )
    }

    private func sftp(_ partner: PartnerSettings) throws(ConfigurationProblems) -> ((any Destination)?, [ConfigurationProblem]) {
        let settings = try parts.decoder.decode(SFTPSettings.self, from: partner.settings)
        let (plan, problems) = settings.checked()
        let destination = plan.map { plan in
            SFTPDestination(plan) { path throws(SettingsProblem) in try SecretFile.read(path) }
        }
        return (destination, problems.map { parts.decoder.locate($0, in: partner.settings) })
    }

    private func unknown(_ partner: PartnerSettings) -> ConfigurationProblem {
        parts.decoder.problem(
            .error,
            at: partner.adapter.mark,
            "with: there is no destination called '\(partner.adapter.value)'",
            hint: "this version has: " + Self.known.joined(separator: ", ")
        )
    }
}

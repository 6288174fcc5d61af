import LocalDestination
import PouchConfiguration
import PouchKit
import S3SecureInbox

/// The only place that names destinations: `with: NAME` in, a destination out. Nothing is asked or opened yet.
struct DestinationCatalog {
    private static let known = ["local", "s3-secure-inbox"]

    let parts: SoundParts

    func destination(of partner: PartnerSettings) -> (destination: (any Destination)?, problems: [ConfigurationProblem]) {
        do {
            switch partner.adapter.value.description {
            case "local": return try local(partner)
            case "s3-secure-inbox": return try secureInbox(partner)
            default: return (nil, [unknown(partner)])
            }
        } catch {
            return (nil, error.problems)
        }
    }

    private func local(_ partner: PartnerSettings) throws(ConfigurationProblems) -> ((any Destination)?, [ConfigurationProblem]) {
        let settings = try parts.decoder.decode(LocalSettings.self, from: partner.settings)
        do {
            return (try LocalDestination.make(settings, relativeTo: parts.decoder.folder), [])
        } catch {
            return (nil, error.problems.map { parts.decoder.locate($0, in: partner.settings) })
        }
    }

    private func secureInbox(_ partner: PartnerSettings) throws(ConfigurationProblems) -> (
        (any Destination)?, [ConfigurationProblem]
    ) {
        let settings = try parts.decoder.decode(S3SecureInboxSettings.self, from: partner.settings)
        let (destination, problems) = SecureInboxWiring(parts: parts).destination(settings)
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

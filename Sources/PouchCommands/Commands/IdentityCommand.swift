import ArgumentParser
import Foundation
import PouchAWS
import PouchConfiguration
import PouchKit

/// `pouch identity`
struct IdentityCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "identity", abstract: "Explains where the credentials of an identity come from.",
        subcommands: [IdentityShowCommand.self], defaultSubcommand: IdentityShowCommand.self)
}

/// `pouch identity show NAME`
struct IdentityShowCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "show",
        abstract: "Follows an identity from its source to the credentials, and asks AWS who that is.",
        discussion: """
            Shows no secret. Exit code 0: there are credentials, and AWS knows them; with --offline: nothing is wrong as far as the
            files tell. A session that is narrowed to a partner is asked for without that here.

            Examples:
              pouch identity show generator
              pouch identity show publisher --offline
            """
    )

    @OptionGroup var file: ConfigurationOption
    @Argument(help: "A name under identities:") var name: String
    @Flag(help: "Read files only: ask nobody.") var offline = false
    @Flag(help: "One JSON document.") var json = false

    func run() async throws {
        let blueprint = try file.load(quietly: true)
        let wiring = IdentityWiring(blueprint.configuration)
        guard let name = try? IdentityName(name), wiring.identities[name] != nil else {
            let known = wiring.identities.keys.sorted().map(\.description).joined(separator: ", ")
            throw Refusal(
                "there is no identity '\(VisibleText.escaped(name))'",
                hint: known.isEmpty ? "define one under identities:" : "identities: defines \(known)"
            ).told()
        }
        guard let region = IdentityRegion(configuration: blueprint.configuration).region(of: name) else {
            throw Refusal("no partner uses the identity '\(name)', and no region is named", hint: "aws: { region: eu-west-1 }")
                .told()
        }
        let report: IdentityReport
        do {
            let link = try wiring.link()
            guard let source = wiring.source(of: name, region: region, policy: nil, link: link) else {
                throw Refusal("the identity '\(name)' cannot be used").told()
            }
            let sts = STS(credentials: source.credentials, region: region, endpoint: wiring.endpoint(of: .sts), link: link)
            report = IdentityReport(
                name: name, region: region, role: source.role, steps: source.credentials.story,
                outcome: offline ? nil : await Self.outcome(source.credentials, sts))
        } catch let problem as SettingsProblem {
            throw Refusal(problem.text, hint: problem.hint).told()
        }
        Terminal.print(json ? try report.json() : report.text(style: .output))
        if !report.isGood { throw ExitCode.failed }
    }

    private static func outcome(_ source: any CredentialSource, _ sts: STS) async -> IdentityReport.Outcome {
        let credentials: Credentials
        do throws(CredentialFailure) {
            credentials = try await source.credentials()
        } catch {
            return .failed(error)
        }
        do throws(AWSFailure) {
            return .known(credentials, try await sts.callerIdentity())
        } catch {
            return .failed(CredentialFailure(step: "ask AWS who that is", cause: "\(error)"))
        }
    }
}

/// In which region STS is asked for an identity: the configuration's, else that of the first place where a partner uses it.
struct IdentityRegion {
    let configuration: AgentConfiguration

    func region(of name: IdentityName) -> Region? {
        if let text = configuration.aws.region, let region = try? Region(text.value) { return region }
        for partner in configuration.partners {
            for place in ["repository", "inbox"] {
                guard partner.settings.node(at: [place, "as"])?.scalar?.text == name.description,
                    let text = partner.settings.node(at: [place, "region"])?.scalar?.text, let region = try? Region(text)
                else { continue }
                return region
            }
        }
        guard case .rolesAnywhere(let settings) = configuration.identities[name]?.value.origin.value else { return nil }
        return (try? RolesAnywhereARN(settings.trustAnchor.value, kind: .trustAnchor))?.region
    }
}

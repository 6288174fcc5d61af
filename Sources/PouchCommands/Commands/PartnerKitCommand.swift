import ArgumentParser
import Foundation
import PouchConfiguration
import PouchFiles
import PouchKit
import PouchPartnerKit

/// `pouch partner kit`
struct PartnerKitCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "kit",
        abstract: "Writes the policies of both organisations: as JSON, as Terraform, and as a letter to the partner.",
        discussion: """
            Offline: from agent.yaml. org-a is for you, org-b to be sent, rehearsal.json lets the sandbox try the very same policies. Least
            privilege: docs/partner-kit.md says what each choice costs.

            Examples:
              pouch partner kit acme --out kit
              pouch sandbox serve --scenario kit/rehearsal.json
              pouch partner kit acme --out kit --force --segments
              pouch partner kit acme --trust-anchor arn:aws:rolesanywhere:eu-west-1:111111111111:trust-anchor/aaaa --certificate-name edge-01
              pouch partner kit acme --queue arn:aws:sqs:eu-west-1:111111111111:pouch-published
              pouch partner kit acme --queue arn:aws:sqs:eu-west-1:111111111111:q --publisher-edge arn:aws:iam::111111111111:role/worker
            """
    )

    @OptionGroup var file: ConfigurationOption
    @Argument(help: "The partner, as agent.yaml calls it.") var partner: String
    @Option(help: "The folder to write; kit-NAME where none is given.", completion: .directory) var out: String?
    @Flag(help: "Write over what is there.") var force = false
    @Option(help: "The user or role whose keys the agent has; without it the kit makes a user, pouch-edge.") var edge: String?
    @Option(help: "Roles are entered by certificate (IAM Roles Anywhere): the trust anchor's ARN.") var trustAnchor: String?
    @Option(help: "With --trust-anchor: the common name in the certificate's subject.") var certificateName: String?
    @Option(help: "Roles are entered with a token: the provider, without https://.") var oidcProvider: String?
    @Option(help: "With --oidc-provider: the token's subject.") var oidcSubject: String?
    @Option(help: "With --oidc-provider: the token's audience.") var oidcAudience = "sts.amazonaws.com"
    @Option(help: "The user or role that becomes the publisher, where that is another host.") var publisherEdge: String?
    @Option(help: "With --trust-anchor: the common name in the publisher's certificate, where that is another host.")
    var publisherCertificateName: String?
    @Option(help: "With --oidc-provider: the subject of the publisher's token, where that is another host.")
    var publisherOidcSubject: String?
    @Flag(help: "Grant what joining segments needs: files above segments-above. The publisher gets kms:Decrypt in the inbox.")
    var segments = false
    @Flag(
        inversion: .prefixedNo,
        help:
            "Let the publisher ask whose an object in the inbox is; on with --queue, else unless --segments makes it a right to read."
    )
    var ask: Bool?
    @Flag(help: "The inbox uses a Bucket Key.") var bucketKey = false
    @Option(help: "Publishers elsewhere, with a principal of their own, are fed by this SQS queue: its ARN.") var queue: String?
    @Option(help: "Days that an object stays in the repository.") var keepDays = 14

    func validate() throws {
        guard [edge, trustAnchor, oidcProvider].count(where: { $0 != nil }) <= 1 else {
            throw ValidationError(
                "--edge, --trust-anchor and --oidc-provider exclude each other: there is one way to become a role")
        }
        guard (trustAnchor == nil) == (certificateName == nil) else {
            throw ValidationError("--trust-anchor and --certificate-name belong together")
        }
        guard (oidcProvider == nil) == (oidcSubject == nil) else {
            throw ValidationError("--oidc-provider and --oidc-subject belong together")
        }
        guard [publisherEdge, publisherCertificateName, publisherOidcSubject].count(where: { $0 != nil }) <= 1 else {
            throw ValidationError("the publisher's role is become in one way: give one --publisher- option")
        }
        guard publisherCertificateName == nil || trustAnchor != nil else {
            throw ValidationError("--publisher-certificate-name needs --trust-anchor")
        }
        guard publisherOidcSubject == nil || oidcProvider != nil else {
            throw ValidationError("--publisher-oidc-subject needs --oidc-provider")
        }
        if let queue, EventQueue(arn: queue) == nil {
            throw ValidationError("'\(queue)' is not the ARN of a queue that S3 can send to (FIFO queues are not)")
        }
        guard (1...3_650).contains(keepDays) else { throw ValidationError("--keep-days: expected 1 to 3650, found \(keepDays)") }
    }

    func run() async throws {
        let blueprint = try file.load(quietly: true)
        guard let settings = blueprint.configuration.partners.first(where: { $0.name.value.description == partner }) else {
            let known = blueprint.configuration.partners.map(\.name.value.description).sorted().joined(separator: ", ")
            throw Refusal("there is no partner '\(partner)'", hint: "partners: \(known)").told()
        }
        let kit: PartnerKit
        do {
            kit = try PartnerKitWiring(configuration: blueprint.configuration, wishes: wishes).kit(for: settings)
        } catch {
            throw error.told()
        }
        let folder = out ?? "kit-\(partner)"
        let files = kit.files
        try write(files, to: URL(fileURLWithPath: folder).standardizedFileURL.path)
        for file in files { Terminal.print("\(folder)/\(file.path)") }
        if kit.facts.choices.readsInbox {
            Terminal.print("\nthe publisher can read the inbox: asking and joining segments together are a right to read")
        }
        Terminal.print("\nsend \(folder)/org-b to \(partner): LETTER.md says what to do with it")
        if files.contains(where: { $0.path == "rehearsal.json" }) {
            Terminal.print("try it before anybody applies it: pouch sandbox --scenario \(folder)/rehearsal.json")
        }
    }

    private var wishes: PartnerKitWiring.Wishes {
        let trust: Trust? =
            if let edge {
                .identity(arn: edge, externalID: nil)
            } else if let trustAnchor, let certificateName {
                .rolesAnywhere(.init(trustAnchor: trustAnchor, commonName: certificateName))
            } else if let oidcProvider, let oidcSubject {
                .webIdentity(.init(provider: oidcProvider, subject: oidcSubject, audience: oidcAudience))
            } else {
                nil
            }
        return PartnerKitWiring.Wishes(
            trust: trust, publisherTrust: publisherTrust, joinsSegments: segments, asksInbox: ask, usesBucketKey: bucketKey,
            queue: queue.flatMap { EventQueue(arn: $0) }, keepDays: keepDays)
    }

    private var publisherTrust: Trust? {
        if let publisherEdge {
            .identity(arn: publisherEdge, externalID: nil)
        } else if let publisherCertificateName, let trustAnchor {
            .rolesAnywhere(.init(trustAnchor: trustAnchor, commonName: publisherCertificateName))
        } else if let publisherOidcSubject, let oidcProvider {
            .webIdentity(.init(provider: oidcProvider, subject: publisherOidcSubject, audience: oidcAudience))
        } else {
            nil
        }
    }

    /// Nothing is written unless everything may be.
    private func write(_ files: [(path: String, text: String)], to folder: String) throws {
        if !force, let taken = files.first(where: { FileManager.default.fileExists(atPath: "\(folder)/\($0.path)") }) {
            throw Refusal("\(folder)/\(taken.path) is there already", hint: "--force writes over it; --out takes another folder")
                .told()
        }
        do {
            for subfolder in ["org-a", "org-b"] { _ = try DirectoryHandle.create("\(folder)/\(subfolder)") }
            for file in files { try DurableWrite.write(Array(file.text.utf8), to: "\(folder)/\(file.path)", mode: 0o644) }
        } catch {
            throw Refusal("the kit cannot be written: \(error)").told()
        }
    }
}

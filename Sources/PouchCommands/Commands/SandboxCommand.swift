import ArgumentParser
import Foundation
import Logging
import PouchKit
import PouchSandbox
import ServiceLifecycle

/// `pouch sandbox`
struct SandboxCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "sandbox",
        abstract: "Two organisations on this machine: S3, KMS, STS and SQS that refuse what AWS refuses.",
        discussion: """
            Organisation A (111111111111) has the repository, the generator and the publisher; organisation B (222222222222) the inbox and the
            key. It writes a CA (ca.pem) and credentials (profiles edge and reader-b) into its folder, logs every request to requests.jsonl, and
            prints both organisations' objects as they come in. Loopback only.

            Examples:
              pouch sandbox
              pouch sandbox objects --bucket acme-inbox
              AWS_CA_BUNDLE=state/sandbox/ca.pem AWS_SHARED_CREDENTIALS_FILE=state/sandbox/credentials \\
                aws --profile reader-b --endpoint-url https://127.0.0.1:4566 s3 ls s3://acme-inbox --recursive
            """,
        subcommands: [SandboxServeCommand.self, SandboxObjectsCommand.self, SandboxScenarioCommand.self],
        defaultSubcommand: SandboxServeCommand.self
    )
}

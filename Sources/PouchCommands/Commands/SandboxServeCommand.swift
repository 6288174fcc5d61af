import ArgumentParser
import Foundation
import Logging
import PouchFiles
import PouchKit
import PouchSandbox
import ServiceLifecycle
import UnixSignals

/// `pouch sandbox serve`
struct SandboxServeCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "serve", abstract: "Runs the two organisations until stopped (the default).")

    @Option(help: "Where certificates, credentials, objects and the request log go.", completion: .directory) var folder =
        "state/sandbox"
    @Option(help: "The TLS port on 127.0.0.1; 0 takes any free one.") var port = 4_566
    @Option(help: "Also listen without TLS on this port; SSE-KMS is refused there, as by AWS.") var plainPort: Int?
    @Option(help: "Write the endpoint to this file once it listens.", completion: .file()) var readyFile: String?
    @Option(help: "A scenario file (accounts, roles, buckets) instead of the two organisations.", completion: .file())
    var scenario: String?
    @Flag(help: "Let the publisher put segments together in the inbox, which takes kms:Decrypt there.") var largeFiles = false
    @Flag(help: "Let tests make things go wrong through /_sandbox/faults.") var faults = false

    func run() async throws {
        let folder = URL(fileURLWithPath: folder).standardizedFileURL.path
        let readyFile = readyFile.map { URL(fileURLWithPath: $0).standardizedFileURL.path }
        let sandbox: Sandbox
        do {
            _ = try DirectoryHandle.create(folder, mode: 0o700)
            sandbox = try Sandbox(
                configuration: SandboxConfiguration(
                    folder: folder,
                    port: port,
                    plainPort: plainPort,
                    scenario: scenario.map { try SandboxScenario.load($0) } ?? (largeFiles ? .largeFiles : .twoOrganisations),
                    allowsFaults: faults
                ),
                logger: Logger(label: "sandbox") { _ in LogLines.suitable(level: .error) }
            ) { ports in
                let endpoint = Array("https://127.0.0.1:\(ports.tls)\n".utf8)
                for place in [SandboxFolderNames.endpoint(in: folder), readyFile].compactMap(\.self) {
                    do {
                        try DurableWrite.write(endpoint, to: place)
                    } catch {
                        Terminal.complain("error: \(error)")
                    }
                }
            }
        } catch {
            throw Refusal("the sandbox cannot be made: \(error)").told()
        }
        let group = ServiceGroup(
            configuration: ServiceGroupConfiguration(
                services: [.init(service: sandbox, successTerminationBehavior: .gracefullyShutdownGroup)],
                gracefulShutdownSignals: [.sigterm, .sigint],
                logger: Logger(label: "sandbox") { _ in LogLines.suitable(level: .error) }
            )
        )
        do {
            try await group.run()
        } catch {
            throw Refusal("the sandbox ended: \(error)", hint: "is port \(port) in use? --port 0 takes any free one").told()
        }
    }
}

enum SandboxFolderNames {
    static func endpoint(in folder: String) -> String { folder + "/endpoint" }
}

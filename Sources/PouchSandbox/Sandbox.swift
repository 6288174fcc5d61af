import HummingbirdTLS
package import Logging
import PouchCrypto
import PouchFiles
package import PouchKit
import ServiceLifecycle

/// How a sandbox is to be.
package struct SandboxConfiguration: Sendable {
    /// Everything lies below it: certificates, credentials, objects, the request log. Made when missing.
    package var folder: String
    /// Only addresses of loopback make sense: the credentials lie in the open.
    package var address: String
    /// 0: any free port.
    package var port: Int
    /// Also listen without TLS, here; 0: any free port.
    package var plainPort: Int?
    package var scenario: SandboxScenario
    /// Whether tests may make things go wrong.
    package var allowsFaults: Bool
    /// Whether arrivals are shown on the terminal.
    package var showsArrivals: Bool

    package init(
        folder: String,
        address: String = "127.0.0.1",
        port: Int = 4_566,
        plainPort: Int? = nil,
        scenario: SandboxScenario,
        allowsFaults: Bool = false,
        showsArrivals: Bool = true
    ) {
        self.folder = folder
        self.address = address
        self.port = port
        self.plainPort = plainPort
        self.scenario = scenario
        self.allowsFaults = allowsFaults
        self.showsArrivals = showsArrivals
    }
}

/// S3, KMS, STS, SQS, Roles Anywhere and the metadata of a host for several accounts on loopback, which refuse what AWS refuses.
///
/// In its folder clients find `ca.pem` (whom to trust), `credentials` (an AWS credentials file with a profile per user),
/// `token` (for `/_sandbox/…`), `requests.jsonl` (who did what).
package final class Sandbox: Service {
    /// Where it listens.
    package struct Ports: Sendable, Equatable {
        package let tls: Int
        package let plain: Int?
    }

    package let store: ObjectStore

    private let lock: StateLock
    private let configuration: SandboxConfiguration
    /// Answers without a socket in between.
    package let endpoint: SandboxEndpoint
    private let certificate: CertifiedKey
    private let console: ArrivalConsole?
    private let clock: any AgentClock
    private let logger: Logger
    private let ready: @Sendable (Ports) async -> Void

    /// Prepares the folder; nothing listens yet.
    ///
    /// - Parameter ready: Called once, when all sockets listen.
    /// - Throws: `StateLockFailure` when another sandbox has the folder, `FileProblem`, `CertificateFailure`, `ScenarioProblem`, `DecodingError` for files of the folder that cannot be read.
    package init(
        configuration: SandboxConfiguration,
        clock: any AgentClock = SystemClock(),
        logger: Logger = Logger(label: "sandbox", factory: { _ in SwiftLogNoOpLogHandler() }),
        ready: @escaping @Sendable (Ports) async -> Void = { _ in }
    ) throws {
        let folder = try SandboxFolder(configuration.folder)
        lock = try StateLock(state: configuration.folder)
        let scenario = configuration.scenario
        let secrets = try SandboxSecrets.load(folder.path("secrets.json"), for: scenario)
        certificate = try folder.serverCertificate(for: scenario, now: clock.now)
        try folder.writeCredentials(of: scenario, secrets: secrets)
        try DurableWrite.write(Array((secrets.controlToken + "\n").utf8), to: folder.path("token"), mode: 0o600)
        store = try ObjectStore(folder: configuration.folder)
        console = configuration.showsArrivals ? ArrivalConsole(scenario: scenario) : nil
        let identities = IdentityDirectory(scenario: scenario, secrets: secrets)
        let federation = try Federation(scenario: scenario)
        let verifier = SignatureVerifier()
        let keys = KeyRing(scenario: scenario)
        let faults = configuration.allowsFaults ? FaultBoard() : nil
        let queues = QueueBoard(scenario: scenario)
        let notifications = try NotificationBoard(scenario: scenario, board: queues)
        notifications.sendTestEvents(at: clock.now)
        let arrivals = { @Sendable [console, clock] (object: StoredObject, operation: S3Operation) in
            notifications.created(object, by: operation, at: clock.now)
            console?.show(object)
        }
        endpoint = SandboxEndpoint(
            identities: identities, verifier: verifier,
            s3: S3Service(scenario: scenario, keys: keys, store: store, verifier: verifier, arrivals: arrivals),
            tokens: TokenService(identities: identities, federation: federation),
            certificates: CertificateSessions(identities: identities, federation: federation),
            metadata: HostMetadata(identities: identities, federation: federation),
            keyService: KeyService(keys: keys, masterKey: secrets.masterKey),
            queues: QueueService(board: queues, clock: clock),
            control: SandboxControl(
                token: secrets.controlToken, store: store, faults: faults, identities: identities, queues: queues, clock: clock),
            faults: faults, log: try RequestLog(path: folder.path("requests.jsonl"), clock: clock))
        self.configuration = configuration
        self.clock = clock
        self.logger = logger
        self.ready = ready
    }

    /// Serves until the task is cancelled or the service is shut down gracefully.
    package func run() async throws {
        var tls = TLSConfiguration.makeServerConfiguration(
            certificateChain: try NIOSSLCertificate.fromPEMBytes(Array(certificate.certificate.utf8)).map { .certificate($0) },
            privateKey: .privateKey(
                try NIOSSLPrivateKey(bytes: Array(certificate.privateKey.reveal().utf8), format: .pem)))
        tls.minimumTLSVersion = .tlsv12
        let secure = tls
        let server = SandboxServer(endpoint: endpoint, store: store, clock: clock, logger: logger)
        let gathering = PortGathering(wantsPlain: configuration.plainPort != nil) { [self] ports in
            announce(ports)
            await ready(ports)
        }
        try await withThrowingTaskGroup(of: Void.self) { [configuration] group in
            group.addTask {
                try await server.run(address: configuration.address, port: configuration.port, tls: secure) { port in
                    await gathering.listens(tls: port)
                }
            }
            if let plainPort = configuration.plainPort {
                group.addTask {
                    try await server.run(address: configuration.address, port: plainPort, tls: nil) { port in
                        await gathering.listens(plain: port)
                    }
                }
            }
            try await group.waitForAll()
        }
    }

    private func announce(_ ports: Ports) {
        guard let console else { return }
        console.say(
            "sandbox: https://\(configuration.address):\(ports.tls)"
                + (ports.plain.map { ", http://\(configuration.address):\($0)" } ?? ""))
        for account in configuration.scenario.accounts {
            let buckets = account.buckets.map(\.name).joined(separator: ", ")
            console.say("  \(account.name) (\(account.id)): " + (buckets.isEmpty ? "no buckets" : buckets))
        }
        console.say("  trust \(configuration.folder)/ca.pem, credentials in \(configuration.folder)/credentials")
    }
}

/// Waits until all sockets listen.
private actor PortGathering {
    private var tls: Int?
    private var plain: Int?
    private let wantsPlain: Bool
    private let complete: @Sendable (Sandbox.Ports) async -> Void

    init(wantsPlain: Bool, complete: @escaping @Sendable (Sandbox.Ports) async -> Void) {
        self.wantsPlain = wantsPlain
        self.complete = complete
    }

    func listens(tls port: Int) async {
        tls = port
        await tellWhenComplete()
    }

    func listens(plain port: Int) async {
        plain = port
        await tellWhenComplete()
    }

    private func tellWhenComplete() async {
        guard let tls, !wantsPlain || plain != nil else { return }
        await complete(Sandbox.Ports(tls: tls, plain: plain))
    }
}

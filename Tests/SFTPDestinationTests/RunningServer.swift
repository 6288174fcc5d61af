import Foundation
import PouchHTTP
import PouchKit
import PouchTestSupport
import SFTPDestination
import Testing

/// The real sshd of a whole suite. Where this machine has none, the suite is left out, and a line says so.
struct RunningServer: SuiteTrait, TestScoping {
    @TaskLocal static var running: SSHServer?

    func prepare(for test: Test) async throws {
        // Said once, by name, where it is missing.
        _ = SSHServer.isInstalled
    }

    func provideScope(
        for test: Test,
        testCase: Test.Case?,
        performing body: @Sendable () async throws -> Void
    ) async throws {
        guard SSHServer.isInstalled else { return }
        try await Self.$running.withValue(try SSHServer(), operation: body)
    }
}

extension Trait where Self == RunningServer {
    static var sshd: RunningServer { RunningServer() }
}

/// A partner's folder at a server, behind a relay, as the partner sees it.
final class PartnerFolder: Sendable {
    let server: SSHServer
    let relay: Relay
    let folder: TemporaryFolder

    init(_ server: SSHServer) throws {
        self.server = server
        relay = try Relay(to: server.port)
        folder = try TemporaryFolder("sftp")
        try folder.makeFolder("inbox")
    }

    deinit { relay.stop() }

    var path: String { folder.path("inbox") }

    /// Settings that work; a test changes what it is about.
    func settings() throws -> SFTPSettings {
        var settings = SFTPSettings(host: server.host, user: server.user, path: path)
        settings.port = Int(relay.port)
        settings.privateKey = try SettingsPath(server.userKey(), in: "/")
        settings.hostKey = OneOrMore([try server.fingerprint(server.hostKeys[0])])
        settings.connectTimeout = TimeSpan(milliseconds: 60_000)
        return settings
    }

    func destination(_ change: (inout SFTPSettings) throws -> Void = { _ in }) throws -> SFTPDestination {
        var settings = try settings()
        try change(&settings)
        return try Self.destination(settings)
    }

    static func destination(_ settings: SFTPSettings) throws -> SFTPDestination {
        let (plan, problems) = settings.checked()
        guard let plan else { throw Refused(problems: problems) }
        return SFTPDestination(plan) { path throws(SettingsProblem) in
            guard let text = try? String(contentsOfFile: path, encoding: .utf8) else {
                throw SettingsProblem(at: [], "the secret in \(path) cannot be read")
            }
            return Secret(text.trimmingCharacters(in: .newlines))
        }
    }

    struct Refused: Error, CustomStringConvertible {
        let problems: [SettingsProblem]
        var description: String { problems.map(\.description).joined(separator: "\n") }
    }

    /// All that lies there, temporary files included, by name.
    func names() throws -> [String] { try folder.names(in: "inbox") }

    func text(_ name: String) throws -> String { try folder.text("inbox/" + name) }

    /// Temporary files of ours, by their names.
    static func isTemporary(_ path: String) -> Bool {
        path.hasSuffix(".part") && (path.split(separator: "/").last?.hasPrefix(".") ?? false)
    }
}

extension RecordingContext {
    convenience init(_ key: String, delivery: DeliveryID = .random(), attempt: Int = 1) throws {
        self.init(key: try DeliveryKey(key), delivery: delivery, attempt: attempt)
    }
}

extension SFTPDestination {
    func receipt(
        _ file: TestFile, _ recorder: RecordingContext, from checkpoint: Checkpoint? = nil
    ) async throws -> Receipt {
        guard case .delivered(let receipt) = try await deliver(file.outgoing(), from: checkpoint, in: recorder.context) else {
            throw PartnerFolder.Refused(problems: [SettingsProblem(at: [], "it was handed over")])
        }
        return receipt
    }

    /// The failure that delivering must end with.
    func failure(
        _ file: TestFile, _ recorder: RecordingContext, from checkpoint: Checkpoint? = nil,
        sourceLocation: SourceLocation = #_sourceLocation
    ) async throws -> DeliveryFailure {
        do {
            let outcome = try await deliver(file.outgoing(), from: checkpoint, in: recorder.context)
            Issue.record("it was delivered: \(outcome)", sourceLocation: sourceLocation)
            throw CancellationError()
        } catch let failure as DeliveryFailure {
            return failure
        }
    }
}

import Foundation
import PouchHTTP
import PouchKit
import Testing

/// A `pouch sandbox` that runs for the time of a suite.
struct SandboxProcess: Sendable {
    static let key = "arn:aws:kms:eu-west-1:222222222222:key/11112222-3333-4444-5555-666677778888"

    @TaskLocal static var running: SandboxProcess?

    let folder: URL
    let endpoint: String
    private let token: String
    private let engine: HTTPEngine

    init(folder: URL) throws {
        func line(_ name: String) throws -> String {
            try String(contentsOf: folder.appendingPathComponent(name), encoding: .utf8).trimmingCharacters(
                in: .whitespacesAndNewlines)
        }
        self.folder = folder
        endpoint = try line("endpoint")
        token = try line("token")
        engine = HTTPEngine(network: HTTPNetwork(caFile: folder.appendingPathComponent("ca.pem").path), maximumConnections: 2)
    }

    /// One version of an object.
    struct Object: Decodable, Sendable {
        let bucket: String
        let key: String
        let isDeleteMarker: Bool
        let size: Int64
        let sha256: String?
        let owner: String
        let keyARN: String?
        let metadata: [String: String]
    }

    /// All versions in a bucket, below a prefix.
    func objects(_ bucket: String = "acme-inbox", below prefix: String) async throws -> [Object] {
        try JSONDecoder().decode([Object].self, from: Data(try await ask("GET", "objects?bucket=\(bucket)")))
            .filter { $0.key.hasPrefix(prefix) && !$0.isDeleteMarker }
    }

    func count(_ bucket: String = "acme-inbox", below prefix: String) async throws -> Int {
        let answer = try await ask("GET", "count?bucket=\(bucket)&prefix=\(prefix)")
        return try JSONDecoder().decode([String: Int].self, from: Data(answer))["count"] ?? 0
    }

    /// From now on requests for keys below the prefix suffer this.
    ///
    /// - Parameters:
    ///   - first: the first that suffers it, from 1.
    ///   - times: 0: all.
    func spoil(_ action: String, below prefix: String, _ deed: String, from first: Int = 1, times: Int = 0) async throws {
        _ = try await ask(
            "POST", "faults",
            #"{"match":{"action":"\#(action)","keyPrefix":"\#(prefix)","nth":\#(first),"times":\#(times)},"do":\#(deed)}"#)
    }

    func heal() async throws { _ = try await ask("DELETE", "faults") }

    struct Queue: Decodable, Sendable {
        let name: String
        let waiting: Int
        let inFlight: Int
        let messages: [String]?

        var isEmpty: Bool { waiting == 0 && inFlight == 0 }
    }

    /// What lies in a queue.
    func queue(_ name: String) async throws -> Queue {
        let all = try JSONDecoder().decode([Queue].self, from: Data(try await ask("GET", "queues?queue=\(name)")))
        return try #require(all.first)
    }

    func send(_ message: String, to queue: String) async throws { _ = try await ask("POST", "messages?queue=\(queue)", message) }

    func empty(_ queue: String) async throws { _ = try await ask("DELETE", "messages?queue=\(queue)") }

    func duplicateMessages(every count: Int, of queue: String) async throws {
        _ = try await ask("POST", "queues?queue=\(queue)", #"{"duplicateEvery":\#(count)}"#)
    }

    /// A line of the request log.
    struct Request: Decodable, Sendable {
        struct KeyCheck: Decodable, Sendable { let action: String }

        let service: String
        let caller: String?
        let action: String
        let bucket: String?
        let key: String?
        let status: Int?
        let permissions: [String]
        let kms: [KeyCheck]
        let expectedOwner: String?
        let sourceExpectedOwner: String?
        let bytesIn: Int64
        let bytesOut: Int64
    }

    func requests() throws -> [Request] {
        try Data(contentsOf: folder.appendingPathComponent("requests.jsonl")).split(separator: UInt8(ascii: "\n"))
            .map { try JSONDecoder().decode(Request.self, from: $0) }
    }

    private func ask(_ method: String, _ path: String, _ body: String = "") async throws -> [UInt8] {
        let response = try await engine.send(
            HTTPRequest(
                method: method, url: "\(endpoint)/_sandbox/\(path)",
                headers: [("authorization", "Bearer \(token)"), ("content-type", "application/json")],
                body: body.isEmpty ? .none : .bytes(Array(body.utf8)), maximumResponseBody: 64 << 20))
        guard response.status == 200 else { throw NeverCame(description: String(decoding: response.body, as: UTF8.self)) }
        return response.body
    }
}

/// Starts the sandbox before a suite, and ends it afterwards.
struct RunningSandbox: SuiteTrait, TestScoping {
    /// Further arguments of the command.
    var arguments: [String] = []

    func provideScope(
        for test: Test,
        testCase: Test.Case?,
        performing body: @Sendable () async throws -> Void
    ) async throws {
        let place = FileManager.default.temporaryDirectory.appendingPathComponent("pouch-sandbox-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: place, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: place) }
        let folder = place.appendingPathComponent("sandbox")
        let ready = place.appendingPathComponent("ready")
        try await withoutActuallyEscaping(body) { body in
            let arguments =
                ["sandbox", "--port", "0", "--faults", "--folder", folder.path, "--ready-file", ready.path]
                + self.arguments
            _ = try await PouchProcess(folder: place).run(arguments) { running in
                try await eventually("the sandbox listens") {
                    if running.isOver { throw NeverCame(description: "the sandbox ended") }
                    return FileManager.default.fileExists(atPath: ready.path)
                }
                try await SandboxProcess.$running.withValue(try SandboxProcess(folder: folder), operation: body)
                // Asked to end, it would wait for the answers that a fault holds back.
                running.kill()
            }
        }
    }
}

extension Trait where Self == RunningSandbox {
    static var sandbox: RunningSandbox { RunningSandbox() }
    /// One whose publisher may put segments together.
    static var sandboxForLargeFiles: RunningSandbox { RunningSandbox(arguments: ["--large-files"]) }
}

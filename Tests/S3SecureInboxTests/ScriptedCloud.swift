import PouchAWS
import PouchHTTP
import PouchKit
import Synchronization

/// Two buckets that answer by a script, and keep what they were sent. Each kind of request has its own list of answers; at its end
/// the last one is repeated.
final class ScriptedCloud: HTTPTransport {
    enum Kind: Hashable { case put, copy, headInbox, headRepository, headReceipt, probe, other }

    typealias Answer = @Sendable (HTTPRequest) -> Result<HTTPResponse, HTTPFailure>

    private struct State {
        var answers: [Kind: [Answer]]
        var requests: [HTTPRequest] = []
        var hanging: @Sendable (HTTPRequest) -> Bool = { _ in false }
        var unanswered = 0
    }

    private let state: Mutex<State>

    init(_ answers: [Kind: [Answer]] = [:]) {
        let usual: [Kind: [Answer]] = [
            .put: [Answers.stored()], .copy: [Answers.copied()], .headInbox: [Answers.status(403)],
            .headReceipt: [Answers.status(404)], .probe: [Answers.stored()],
        ]
        state = Mutex(State(answers: usual.merging(answers) { $1 }))
    }

    func change(_ kind: Kind, to answers: [Answer]) { state.withLock { $0.answers[kind] = answers } }

    /// Requests of that kind get no answer until their task is cancelled.
    func hang(on kind: Kind?) { hang { Self.kind($0) == kind } }

    func hang(where isHanging: @escaping @Sendable (HTTPRequest) -> Bool) { state.withLock { $0.hanging = isHanging } }

    /// How many requests were left without an answer.
    var unanswered: Int { state.withLock { $0.unanswered } }

    var requests: [HTTPRequest] { state.withLock { $0.requests } }

    /// What was asked, in order: `put k`, `copy k`, `head k`.
    var log: [String] {
        requests.map { request in
            let key = request.url.split(separator: "/").dropFirst(2).joined(separator: "/")
            return "\(Self.kind(request)) \(key)"
        }
    }

    func requests(_ kind: Kind) -> [HTTPRequest] { requests.filter { Self.kind($0) == kind } }

    func send(
        _ request: HTTPRequest,
        progress: (@Sendable (Int64) -> Void)?
    ) async throws(HTTPFailure) -> HTTPResponse {
        if state.withLock({ $0.hanging })(request) {
            state.withLock { $0.unanswered += 1 }
            await Cancellation.wait()
            throw HTTPFailure(kind: .cancelled, outcome: .unknown, text: "cancelled")
        }
        let answer: Answer? = state.withLock { state in
            state.requests.append(request)
            let kind = Self.kind(request)
            guard let answers = state.answers[kind], let first = answers.first else { return nil }
            if answers.count > 1 { state.answers[kind]?.removeFirst() }
            return first
        }
        guard let answer else { throw HTTPFailure(kind: .broken, outcome: .notSent, text: "no answer for \(request.url)") }
        progress?(request.body.count)
        return try answer(request).get()
    }

    private static func kind(_ request: HTTPRequest) -> Kind {
        switch request.method {
        case "PUT" where request.url.hasSuffix("/.pouch-receipts/probe"): .probe
        case "PUT": request.header("x-amz-copy-source") == nil ? .put : .copy
        case "HEAD" where request.url.contains("/.pouch-receipts/"): .headReceipt
        case "HEAD": request.url.contains("acme-inbox") ? .headInbox : .headRepository
        default: .other
        }
    }
}

extension HTTPRequest {
    func header(_ name: String) -> String? { headers.first { $0.name.lowercased() == name }?.value }
}

/// What the buckets say.
enum Answers {
    static let repositoryKey = "arn:aws:kms:eu-west-1:222222222222:key/11112222-3333-4444-5555-666677778888"
    static let inboxKey = "arn:aws:kms:eu-west-1:222222222222:key/99992222-3333-4444-5555-666677778888"

    static func stored(
        key: String? = repositoryKey,
        checksum: String? = nil,
        version: String? = "V1"
    ) -> ScriptedCloud.Answer {
        { request in
            var headers = [(name: "ETag", value: "\"e1\""), (name: "x-amz-request-id", value: "R1")]
            if let key { headers += [("x-amz-server-side-encryption", "aws:kms"), (encryptionKey, key)] }
            if let version { headers.append(("x-amz-version-id", version)) }
            let sent = checksum ?? request.header("x-amz-checksum-crc64nvme")
            if let sent, !sent.isEmpty { headers.append(("x-amz-checksum-crc64nvme", sent)) }
            return .success(HTTPResponse(status: 200, headers: HTTPHeaders(headers), body: []))
        }
    }

    static func copied(key: String? = inboxKey, checksum: String? = nil, source: String = "V1") -> ScriptedCloud.Answer {
        let crc = checksum.map { "<ChecksumCRC64NVME>\($0)</ChecksumCRC64NVME>" } ?? ""
        var headers = [
            (name: "x-amz-version-id", value: "W1"), (name: "x-amz-copy-source-version-id", value: source),
            (name: "x-amz-request-id", value: "R2"), (name: "x-amz-id-2", value: "H2"),
        ]
        if let key { headers += [("x-amz-server-side-encryption", "aws:kms"), (encryptionKey, key)] }
        return answer(200, headers, "<CopyObjectResult><ETag>\"e2\"</ETag>\(crc)</CopyObjectResult>")
    }

    /// An object in the inbox.
    static func there(delivery: String, key: String? = inboxKey, size: Int = 5) -> ScriptedCloud.Answer {
        var headers = [
            (name: "ETag", value: "\"e2\""), (name: "content-length", value: "\(size)"),
            (name: "x-amz-meta-pouch-delivery", value: delivery), (name: "x-amz-version-id", value: "W1"),
        ]
        if let key { headers += [("x-amz-server-side-encryption", "aws:kms"), (encryptionKey, key)] }
        return answer(200, headers)
    }

    static func refused(_ status: Int, _ code: String, _ more: String = "") -> ScriptedCloud.Answer {
        answer(status, [("x-amz-request-id", "R9")], "<Error><Code>\(code)</Code><Message>said so</Message>\(more)</Error>")
    }

    /// The key is taken.
    static let taken = refused(412, "PreconditionFailed", "<Condition>If-None-Match</Condition>")

    static func status(_ status: Int) -> ScriptedCloud.Answer { answer(status) }

    /// A document; with a key, about an object that is encrypted under it.
    static func xml(_ body: String, key: String? = nil) -> ScriptedCloud.Answer {
        answer(200, key.map { [("x-amz-server-side-encryption", "aws:kms"), (encryptionKey, $0)] } ?? [], body)
    }

    static let lost: ScriptedCloud.Answer = { _ in
        .failure(HTTPFailure(kind: .cut, outcome: .unknown, text: "the connection ended"))
    }

    private static let encryptionKey = "x-amz-server-side-encryption-aws-kms-key-id"

    private static func answer(
        _ status: Int, _ headers: [(name: String, value: String)] = [], _ body: String = ""
    ) -> ScriptedCloud.Answer {
        { _ in .success(HTTPResponse(status: status, headers: HTTPHeaders(headers), body: Array(body.utf8))) }
    }
}

/// A clock that stands still; to sleep is to move it. What sleeps for a day or longer waits for its task to be cancelled.
final class StandingClock: AgentClock {
    private let state: Mutex<(now: Timestamp, monotonic: Duration)>

    init() { state = Mutex((Timestamp(seconds: 1_795_435_200), .zero)) }

    var now: Timestamp { state.withLock { $0.now } }
    var monotonic: Duration { state.withLock { $0.monotonic } }

    func advance(by duration: Duration) {
        state.withLock { $0 = ($0.now.advanced(by: duration), $0.monotonic + duration) }
    }

    func sleep(for duration: Duration) async throws {
        if duration >= .seconds(86_400) {
            await Cancellation.wait()
            throw CancellationError()
        }
        advance(by: duration)
        // Whoever sleeps again and again must not keep the thread from those that it waits for.
        await Task.yield()
    }
}

enum Cancellation {
    /// Returns when the task is cancelled.
    static func wait() async {
        let (stream, continuation) = AsyncStream.makeStream(of: Void.self)
        defer { continuation.finish() }
        for await _ in stream {}
    }
}

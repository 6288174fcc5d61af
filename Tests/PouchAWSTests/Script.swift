import PouchAWS
import PouchHTTP
import PouchKit
import Synchronization

/// A far end that answers from a list and keeps what it was sent.
final class ScriptedTransport: HTTPTransport {
    typealias Step = @Sendable (HTTPRequest) -> Result<HTTPResponse, HTTPFailure>

    private struct State {
        var steps: [Step]
        var requests: [HTTPRequest] = []
    }

    private let state: Mutex<State>

    init(_ steps: [Step]) { state = Mutex(State(steps: steps)) }

    convenience init(_ answers: [HTTPResponse]) { self.init(answers.map { answer in { _ in .success(answer) } }) }

    var requests: [HTTPRequest] { state.withLock { $0.requests } }

    func send(
        _ request: HTTPRequest,
        progress: (@Sendable (Int64) -> Void)?
    ) async throws(HTTPFailure) -> HTTPResponse {
        let step: Step? = state.withLock { state in
            state.requests.append(request)
            return state.steps.isEmpty ? nil : state.steps.removeFirst()
        }
        guard let step else { throw HTTPFailure(kind: .broken, outcome: .notSent, text: "the script is at its end") }
        progress?(request.body.count)
        return try step(request).get()
    }
}

extension HTTPResponse {
    init(_ status: Int, _ headers: [(name: String, value: String)] = [], _ body: String = "") {
        self.init(status: status, headers: HTTPHeaders(headers), body: Array(body.utf8))
    }

    static func error(_ status: Int, _ code: String, _ more: String = "", headers: [(name: String, value: String)] = []) -> Self {
        HTTPResponse(
            status, headers, "<Error><Code>\(code)</Code><Message>said so</Message>\(more)<RequestId>R1</RequestId></Error>")
    }
}

extension HTTPRequest {
    func header(_ name: String) -> String? { headers.first { $0.name.lowercased() == name }?.value }
}

extension HTTPFailure {
    static let refused = HTTPFailure(kind: .connect, outcome: .notSent, text: "refused")
    static let cut = HTTPFailure(kind: .cut, outcome: .unknown, text: "the connection ended")
}

/// A clock that stands still, and notes how long it was asked to sleep instead of sleeping.
final class StandingClock: AgentClock {
    private struct State {
        var now: Timestamp
        var monotonic: Duration = .zero
        var slept: [Duration] = []
    }

    private let state: Mutex<State>

    init(_ now: Timestamp = Timestamp(seconds: 1_795_435_200)) { state = Mutex(State(now: now)) }

    var now: Timestamp { state.withLock { $0.now } }
    var monotonic: Duration { state.withLock { $0.monotonic } }
    var slept: [Duration] { state.withLock { $0.slept } }

    func advance(by duration: Duration) {
        state.withLock { state in
            state.now = state.now.advanced(by: duration)
            state.monotonic += duration
        }
    }

    func sleep(for duration: Duration) async throws {
        state.withLock { $0.slept.append(duration) }
        advance(by: duration)
    }
}

/// Credentials that count how often they were renewed.
final class CountedCredentials: CredentialSource {
    let explanation = "counted credentials"
    private let renewals = Mutex(0)

    var count: Int { renewals.withLock { $0 } }

    func credentials() async throws(CredentialFailure) -> Credentials { Self.numbered(count) }

    func refreshed(after refused: Credentials) async throws(CredentialFailure) -> Credentials {
        renewals.withLock { $0 += 1 }
        return Self.numbered(count)
    }

    static func numbered(_ number: Int) -> Credentials {
        Credentials(accessKeyID: "AKID\(number)", secretAccessKey: Secret("secret"), sessionToken: Secret("token\(number)"))
    }
}

enum Sample {
    static let key = "arn:aws:kms:eu-west-1:222222222222:key/11112222-3333-4444-5555-666677778888"

    static func link(
        _ transport: ScriptedTransport, clock: StandingClock = StandingClock(), variant: EndpointVariant = .plain
    ) -> AWSLink {
        AWSLink(transport: transport, clock: clock, variant: variant, jitter: { 1 })
    }

    static func surroundings(
        _ transport: ScriptedTransport,
        clock: StandingClock = StandingClock(),
        environment: [String: String] = [:]
    ) throws -> CredentialSurroundings {
        let link = link(transport, clock: clock)
        return CredentialSurroundings(
            link: link, nearbyLink: link, region: try Region("us-east-1"), environment: environment, sessionName: "pouch")
    }

    static func bucket(_ name: String = "acme-inbox", endpoint: String? = nil) throws -> BucketPlace {
        BucketPlace(
            name: try BucketName(name), region: try Region("eu-west-1"), owner: try AccountID("222222222222"),
            endpoint: try endpoint.map { text throws(NameError) in try EndpointURL(text) })
    }

    static func copy() throws -> CopyObject {
        CopyObject(
            source: CopySource(
                bucket: try BucketName("orga-repository"), owner: try AccountID("111111111111"), key: "acme/a b/ü.csv",
                versionID: "V+1", etag: "\"e\""),
            bucket: try bucket(), key: "from-orga/ü.csv",
            attributes: ObjectAttributes(key: try KeyARN(key), metadata: [("pouch-delivery", "d")]))
    }
}

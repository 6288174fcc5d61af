import FoundationEssentials
import PouchAWS
import PouchHTTP
import PouchKit
import Synchronization

/// A queue that hands each message out once, and notes what becomes of it.
final class ScriptedQueue: HTTPTransport {
    private struct State {
        var bodies: [String]
        var deleted: [String] = []
        /// Seconds, by receipt, in order.
        var visibilities: [(receipt: String, seconds: Int)] = []
        var waiters: [AsyncStream<Void>.Continuation] = []
    }

    private let state: Mutex<State>
    private let receiveCount: Int
    private let hasDeadLetters: Bool

    init(_ bodies: [String], receiveCount: Int = 1, hasDeadLetters: Bool = true) {
        state = Mutex(State(bodies: bodies))
        self.receiveCount = receiveCount
        self.hasDeadLetters = hasDeadLetters
    }

    /// The numbers of the messages, from 0.
    var deleted: [String] { state.withLock { $0.deleted } }
    var visibilities: [Int] { state.withLock { $0.visibilities.map(\.seconds) } }

    /// Returns when visibilities were changed so often.
    func untilVisibilityChanged(times count: Int) async { await until { $0.visibilities.count >= count } }

    /// Returns when so many messages were deleted.
    func untilDeleted(_ count: Int) async { await until { $0.deleted.count >= count } }

    private func until(_ isReached: @Sendable (State) -> Bool) async {
        let (stream, continuation) = AsyncStream.makeStream(of: Void.self)
        let isDone = state.withLock { state in
            state.waiters.append(continuation)
            return isReached(state)
        }
        if isDone { return }
        for await _ in stream where state.withLock({ isReached($0) }) { return }
    }

    func send(
        _ request: HTTPRequest,
        progress: (@Sendable (Int64) -> Void)?
    ) async throws(HTTPFailure) -> HTTPResponse {
        guard case .bytes(let bytes) = request.body,
            let input = try? JSONDecoder().decode(Input.self, from: Data(bytes)), let target = request.header("x-amz-target")
        else { throw HTTPFailure(kind: .broken, outcome: .notSent, text: "not a call to SQS") }
        // A service polls long; a run that ends when the queue is empty does not.
        if target == "AmazonSQS.ReceiveMessage", (input.wait ?? 0) > 1, state.withLock({ $0.bodies.isEmpty }) {
            await Cancellation.wait()
            throw HTTPFailure(kind: .cancelled, outcome: .notSent, text: "cancelled")
        }
        return HTTPResponse(status: 200, headers: HTTPHeaders(), body: Array(answer(target, input).utf8))
    }

    private struct Input: Decodable {
        enum CodingKeys: String, CodingKey {
            case most = "MaxNumberOfMessages"
            case wait = "WaitTimeSeconds"
            case receipt = "ReceiptHandle"
            case visibility = "VisibilityTimeout"
            case entries = "Entries"
        }

        struct Entry: Decodable {
            enum CodingKeys: String, CodingKey { case receipt = "ReceiptHandle" }

            let receipt: String
        }

        let most: Int?
        let wait: Int?
        let receipt: String?
        let visibility: Int?
        let entries: [Entry]?
    }

    private struct Message: Encodable {
        enum CodingKeys: String, CodingKey {
            case id = "MessageId"
            case receipt = "ReceiptHandle"
            case body = "Body"
            case attributes = "Attributes"
        }

        let id: String
        let receipt: String
        let body: String
        let attributes: [String: String]
    }

    private func answer(_ target: String, _ input: Input) -> String {
        switch target {
        case "AmazonSQS.ReceiveMessage":
            let messages = state.withLock { state -> [Message] in
                let bodies = state.bodies.prefix(input.most ?? 1)
                state.bodies.removeFirst(bodies.count)
                return bodies.enumerated().map { index, body in
                    Message(
                        id: "M\(index)", receipt: "\(index)", body: body,
                        attributes: ["ApproximateReceiveCount": "\(receiveCount)"])
                }
            }
            let encoded = try? JSONEncoder().encode(["Messages": messages])
            return String(decoding: encoded ?? Data(), as: UTF8.self)
        case "AmazonSQS.DeleteMessageBatch":
            let waiters = state.withLock { state in
                state.deleted += (input.entries ?? []).map(\.receipt)
                return state.waiters
            }
            for waiter in waiters { waiter.yield() }
        case "AmazonSQS.ChangeMessageVisibility":
            let waiters = state.withLock { state in
                state.visibilities.append((input.receipt ?? "", input.visibility ?? -1))
                return state.waiters
            }
            for waiter in waiters { waiter.yield() }
        case "AmazonSQS.GetQueueAttributes" where hasDeadLetters:
            return #"{"Attributes":{"RedrivePolicy":"{\"deadLetterTargetArn\":\"arn:d\",\"maxReceiveCount\":5}"}}"#
        default: break
        }
        return "{}"
    }
}

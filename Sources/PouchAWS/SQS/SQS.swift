import FoundationEssentials
import PouchHTTP
import PouchKit

/// The calls to SQS that we make, all about one queue.
///
/// <https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/Welcome.html>
package struct SQS: Sendable {
    /// What one call takes at most, of messages to receive and of receipts to delete.
    package static let mostInOneCall = 10
    /// How long SQS lets a question wait for a message.
    package static let longestPoll: Duration = .seconds(20)
    /// Counted from the receipt of the message.
    package static let longestVisibility: Duration = .seconds(43_200)

    package let queue: QueueURL
    private let region: Region
    private let endpoint: EndpointURL?
    private let client: AWSClient

    /// - Parameter endpoint: Where the queue is asked for, when not at the address that it has itself.
    package init(queue: QueueURL, region: Region, endpoint: EndpointURL?, credentials: any CredentialSource, link: AWSLink) {
        self.queue = queue
        self.region = region
        self.endpoint = endpoint
        client = AWSClient(signer: .other("sqs"), credentials: credentials, link: link)
    }

    package struct Message: Hashable, Sendable {
        package let id: String
        /// Of this very reception: a later one has another, and this one then moves nothing any more.
        package let receipt: String
        package let body: String
        /// How often it was received, this time included; `nil` where the service does not say.
        package let receiveCount: Int?

        package init(id: String, receipt: String, body: String, receiveCount: Int?) {
            self.id = id
            self.receipt = receipt
            self.body = body
            self.receiveCount = receiveCount
        }
    }

    /// Waits for messages; none after the time that was given is no error.
    ///
    /// - Parameters:
    ///   - most: 1 to 10.
    ///   - visibility: For this long nobody else is given them.
    package func receive(_ most: Int, waiting: Duration, visibility: Duration) async throws(AWSFailure) -> [Message] {
        var call = call(
            "ReceiveMessage",
            ReceiveRequest(
                queue: queue.description, most: most, waiting: waiting.components.seconds,
                visibility: visibility.components.seconds))
        // The answer comes when a message does: longer than that is a lost connection.
        call.timeouts = HTTPTimeouts(answer: waiting + .seconds(15), stall: waiting + .seconds(15))
        let answer = try await client.send(call)
        let messages = try decode(ReceiveAnswer.self, answer, call).messages ?? []
        return messages.map { message in
            Message(
                id: message.id, receipt: message.receipt, body: message.body,
                receiveCount: message.attributes?["ApproximateReceiveCount"].flatMap { Int($0) })
        }
    }

    /// Deletes up to ten messages, by the receipts of their latest reception.
    ///
    /// - Returns: The receipts of those that were not deleted, with the service's code for each.
    package func delete(_ receipts: [String]) async throws(AWSFailure) -> [(receipt: String, code: String)] {
        let entries = receipts.enumerated().map { DeleteRequest.Entry(id: "\($0.offset)", receipt: $0.element) }
        let call = call("DeleteMessageBatch", DeleteRequest(queue: queue.description, entries: entries))
        let answer = try decode(DeleteAnswer.self, await client.send(call), call)
        return (answer.failed ?? []).compactMap { failure in
            guard let index = Int(failure.id), receipts.indices.contains(index) else { return nil }
            return (receipts[index], failure.code)
        }
    }

    /// Keeps a message from others for so long from now on; zero gives it back at once.
    package func changeVisibility(of receipt: String, to time: Duration) async throws(AWSFailure) {
        let seconds = max(0, min(time, Self.longestVisibility).components.seconds)
        let call = call(
            "ChangeMessageVisibility",
            VisibilityRequest(queue: queue.description, receipt: receipt, visibility: seconds))
        _ = try await client.send(call)
    }

    package struct Attributes: Hashable, Sendable {
        /// After so many receptions SQS moves a message to the dead-letter queue; `nil`: the queue has none.
        package let mostReceptions: Int?
    }

    package func attributes() async throws(AWSFailure) -> Attributes {
        let call = call("GetQueueAttributes", AttributesRequest(queue: queue.description))
        let values = try decode(AttributesAnswer.self, await client.send(call), call).attributes ?? [:]
        let policy = values["RedrivePolicy"].flatMap { try? JSONDecoder().decode(RedrivePolicy.self, from: Data($0.utf8)) }
        return Attributes(mostReceptions: policy?.mostReceptions)
    }

    // MARK: The protocol

    private func call(_ operation: String, _ input: some Encodable) -> AWSCall {
        var call = AWSCall(operation, method: "POST", region: region) { [endpoint, queue, variant = client.link.variant] region in
            if let endpoint { return ServiceAddress.regional(.sqs, in: region, custom: endpoint) }
            // The queue's own address is a plain one; AWS's other hosts take the same queue.
            if variant != .plain, let home = queue.region {
                return ServiceAddress.regional(.sqs, in: home, custom: nil, variant: variant)
            }
            return ServiceAddress(endpoint: queue.endpoint)
        }
        call.headers = [("content-type", "application/x-amz-json-1.0"), ("x-amz-target", "AmazonSQS.\(operation)")]
        guard let body = try? JSONEncoder().encode(input) else { preconditionFailure("texts and numbers can be written as JSON") }
        call.body = .bytes(Array(body))
        call.answer = .json
        call.timeouts = .question
        return call
    }

    private func decode<Value: Decodable>(
        _ type: Value.Type,
        _ answer: AWSAnswer,
        _ call: AWSCall
    ) throws(AWSFailure) -> Value {
        do {
            return try JSONDecoder().decode(type, from: Data(answer.body.isEmpty ? Array("{}".utf8) : answer.body))
        } catch {
            throw answer.unreadable(of: call, reason: "the answer is not what \(call.operation) answers")
        }
    }
}

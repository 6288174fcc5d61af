import FoundationEssentials
import PouchCrypto
package import PouchKit

/// SQS in its JSON protocol, for requests whose signature is believed.
package struct QueueService: Sendable {
    private let board: QueueBoard
    private let clock: any AgentClock

    package init(board: QueueBoard, clock: any AgentClock) {
        self.board = board
        self.clock = clock
    }

    package func answer(
        _ action: String, body: [UInt8], region: String, request: IncomingRequest, caller: Caller, notes: RequestNotes
    ) async throws(Refusal) -> Reply {
        let input: QueueRequest
        do {
            input = try JSONDecoder().decode(QueueRequest.self, from: Data(body.isEmpty ? Array("{}".utf8) : body))
        } catch {
            throw Refusal("SerializationException", 400, "\(error)")
        }
        let use = Use(input: input, action: action, region: region, request: request, caller: caller, notes: notes)
        switch action {
        case "SendMessage": return try send(use)
        case "SendMessageBatch": return try sendBatch(use)
        case "ReceiveMessage": return try await receive(use)
        case "DeleteMessage": return try delete(use)
        case "DeleteMessageBatch": return try batch(use, permission: "DeleteMessage") { $0.delete($1.receipt ?? "") }
        case "ChangeMessageVisibility": return try changeVisibility(use)
        case "ChangeMessageVisibilityBatch":
            let now = clock.now
            return try batch(use, permission: "ChangeMessageVisibility") {
                $0.changeVisibility(of: $1.receipt ?? "", to: .seconds($1.visibility ?? 0), at: now)
            }
        case "GetQueueUrl": return try queueURL(use)
        case "GetQueueAttributes": return try attributes(use)
        default: throw Refusal("InvalidAction", 400, "the sandbox does not know \(action)")
        }
    }

    private struct Use: Sendable {
        let input: QueueRequest
        let action: String
        let region: String
        let request: IncomingRequest
        let caller: Caller
        let notes: RequestNotes
    }

    // MARK: Which queue, and may the caller?

    private func queue(_ use: Use, permission: String? = nil) throws(Refusal) -> QueueBoard.Queue {
        guard let url = use.input.queue else { throw Self.missing("QueueUrl") }
        // The host is whatever way the client came.
        let parts = url.split(separator: "/")
        guard parts.count >= 2 else { throw Self.noSuchQueue }
        return try queue(
            account: String(parts[parts.count - 2]), name: String(parts[parts.count - 1]), use, permission ?? use.action)
    }

    private func queue(
        account: String, name: String, _ use: Use, _ permission: String
    ) throws(Refusal) -> QueueBoard.Queue {
        guard let queue = board.queue(account, name), queue.settings.region == use.region else { throw Self.noSuchQueue }
        // SQS is one of the services that want TLS only where a policy says so: the condition is there to be used.
        let verdict = PolicyQuestion(
            caller: use.caller, action: "sqs:" + permission, resource: queue.arn, context: context(use, queue)
        ).verdict(under: ResourcePolicy(document: queue.settings.policy?.document, account: queue.account, kind: .optional))
        use.notes.note { $0.permissions.append("sqs:" + permission + (verdict.isAllowed ? "" : " refused")) }
        guard verdict.isAllowed else {
            throw Refusal(
                "AccessDenied", 403,
                "User: \(use.caller.arn) is not authorized to perform: sqs:\(permission.lowercased()) on resource: \(queue.arn)")
        }
        return queue
    }

    private func context(_ use: Use, _ queue: QueueBoard.Queue) -> PolicyContext {
        var context = PolicyContext.of(use.request)
        use.caller.describe(in: &context)
        context.set("aws:ResourceAccount", queue.account)
        context.set("aws:RequestedRegion", queue.settings.region)
        return context
    }

    private static let noSuchQueue = Refusal("QueueDoesNotExist", 400, "The specified queue does not exist.")

    private static func missing(_ name: String) -> Refusal {
        Refusal("MissingParameter", 400, "The request must contain the parameter \(name).")
    }

    // MARK: Operations

    private func send(_ use: Use) throws(Refusal) -> Reply {
        let queue = try queue(use)
        guard let body = use.input.body, !body.isEmpty else { throw Self.missing("MessageBody") }
        try Self.checkSize(body)
        let id = board.send(body, to: queue, at: clock.now)
        return try Self.reply(["MessageId": id, "MD5OfMessageBody": Self.md5(body)])
    }

    private func sendBatch(_ use: Use) throws(Refusal) -> Reply {
        let queue = try queue(use, permission: "SendMessage")
        let entries = try Self.entries(use)
        var answer = BatchAnswer()
        for entry in entries {
            guard let id = entry.id, let body = entry.body, !body.isEmpty else { throw Self.missing("MessageBody") }
            try Self.checkSize(body)
            let message = board.send(body, to: queue, at: clock.now)
            answer.successful.append(.init(id: id, messageID: message, md5: Self.md5(body)))
        }
        return try Self.reply(answer)
    }

    /// Waits up to twenty seconds for the first message.
    private func receive(_ use: Use) async throws(Refusal) -> Reply {
        let queue = try queue(use)
        let most = use.input.most ?? 1
        guard (1...10).contains(most) else { throw Self.invalid("MaxNumberOfMessages", most, "between 1 and 10") }
        let wait = use.input.waiting ?? 0
        guard (0...20).contains(wait) else { throw Self.invalid("WaitTimeSeconds", Int(wait), "between 0 and 20") }
        let visibility = use.input.visibility ?? queue.settings.visibility
        try Self.checkVisibility(visibility)
        let deadline = clock.now.advanced(by: .seconds(wait))
        while true {
            let now = clock.now
            let given = board.receive(most, from: queue, hiddenFor: .seconds(visibility), at: now)
            guard given.isEmpty, now < deadline, !Task.isCancelled else {
                return try Self.reply(ReceiveAnswer(given, attributes: use.input.wantedAttributes))
            }
            let next = min(board.contents(of: queue).nextReturn ?? deadline, deadline)
            await board.waitForNews(atMost: max(.milliseconds(1), now.duration(to: next)))
        }
    }

    private func delete(_ use: Use) throws(Refusal) -> Reply {
        let queue = try queue(use)
        guard let receipt = use.input.receipt else { throw Self.missing("ReceiptHandle") }
        let outcome = board.change(queue) { $0.delete(receipt) }
        guard outcome != .unknownReceipt else { throw Self.invalidReceipt }
        return try Self.reply([String: String]())
    }

    private func changeVisibility(_ use: Use) throws(Refusal) -> Reply {
        let queue = try queue(use)
        guard let receipt = use.input.receipt else { throw Self.missing("ReceiptHandle") }
        guard let visibility = use.input.visibility else { throw Self.missing("VisibilityTimeout") }
        try Self.checkVisibility(visibility)
        let now = clock.now
        switch board.change(queue, { $0.changeVisibility(of: receipt, to: .seconds(visibility), at: now) }) {
        case .unknownReceipt: throw Self.invalidReceipt
        case .gone, nil:
            throw Refusal(
                "MessageNotInflight", 400, "The specified message isn't in flight.", details: [("Receipt", receipt)])
        case .done: return try Self.reply([String: String]())
        }
    }

    private func batch(
        _ use: Use, permission: String, _ change: @Sendable (inout MessageQueue, QueueRequest.Entry) -> MessageQueue.Outcome
    ) throws(Refusal) -> Reply {
        let queue = try queue(use, permission: permission)
        var answer = BatchAnswer()
        for entry in try Self.entries(use) {
            guard let id = entry.id else { throw Self.missing("Id") }
            let outcome = board.change(queue) { change(&$0, entry) }
            if outcome == .unknownReceipt {
                answer.failed.append(.init(id: id, code: "ReceiptHandleIsInvalid", message: Self.invalidReceipt.message))
            } else {
                answer.successful.append(.init(id: id))
            }
        }
        return try Self.reply(answer)
    }

    private func queueURL(_ use: Use) throws(Refusal) -> Reply {
        guard let name = use.input.name else { throw Self.missing("QueueName") }
        let queue = try queue(account: use.input.owner ?? use.caller.account, name: name, use, use.action)
        let scheme = use.request.isSecure ? "https" : "http"
        return try Self.reply(["QueueUrl": "\(scheme)://\(use.request.host)/\(queue.account)/\(queue.settings.name)"])
    }

    private func attributes(_ use: Use) throws(Refusal) -> Reply {
        let queue = try queue(use)
        let contents = board.contents(of: queue)
        var all = [
            "QueueArn": queue.arn, "VisibilityTimeout": "\(queue.settings.visibility)",
            "ApproximateNumberOfMessages": "\(contents.waitingCount)",
            "ApproximateNumberOfMessagesNotVisible": "\(contents.inFlightCount)", "ApproximateNumberOfMessagesDelayed": "0",
        ]
        if let rule = queue.settings.deadLetters, let heap = board.queue(queue.account, rule.queue) {
            all["RedrivePolicy"] = "{\"deadLetterTargetArn\":\"\(heap.arn)\",\"maxReceiveCount\":\(rule.after)}"
        }
        let wanted = use.input.attributeNames ?? []
        return try Self.reply(["Attributes": wanted.contains("All") ? all : all.filter { wanted.contains($0.key) }])
    }

    // MARK: Rules

    private static func entries(_ use: Use) throws(Refusal) -> [QueueRequest.Entry] {
        let entries = use.input.entries ?? []
        guard !entries.isEmpty else {
            throw Refusal("EmptyBatchRequest", 400, "There should be at least one entry in the request.")
        }
        guard entries.count <= 10 else {
            throw Refusal(
                "TooManyEntriesInBatchRequest", 400,
                "Maximum number of entries per request are 10. You have sent \(entries.count).")
        }
        guard Set(entries.map(\.id)).count == entries.count else {
            throw Refusal("BatchEntryIdsNotDistinct", 400, "Two or more batch entries in the request have the same Id.")
        }
        return entries
    }

    private static func checkSize(_ body: String) throws(Refusal) {
        guard body.utf8.count <= 1 << 20 else {
            throw Refusal(
                "InvalidParameterValue", 400,
                "One or more parameters are invalid. Reason: Message must be shorter than 1048576 bytes.")
        }
    }

    private static func checkVisibility(_ seconds: Int64) throws(Refusal) {
        guard (0...43_200).contains(seconds) else { throw invalid("VisibilityTimeout", Int(seconds), "between 0 and 43200") }
    }

    private static func invalid(_ name: String, _ value: Int, _ rule: String) -> Refusal {
        Refusal(
            "InvalidParameterValue", 400, "Value \(value) for parameter \(name) is invalid. Reason: Must be \(rule), if provided.")
    }

    private static let invalidReceipt = Refusal("ReceiptHandleIsInvalid", 400, "The input receipt handle is invalid.")

    static func md5(_ text: String) -> String {
        Hexadecimal.text(of: MessageDigest.digest(of: Array(text.utf8), by: .md5))
    }

    private static func reply(_ value: some Encodable) throws(Refusal) -> Reply {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.withoutEscapingSlashes, .sortedKeys]
        guard let bytes = try? encoder.encode(value) else { throw .internalError("the answer cannot be encoded") }
        return Reply(200, headers: [("content-type", "application/x-amz-json-1.0")], body: .bytes(Array(bytes)))
    }
}

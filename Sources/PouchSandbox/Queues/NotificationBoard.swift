import FoundationEssentials
package import PouchKit
import Synchronization

/// Tells queues of new objects: directly, through a topic, or as EventBridge would.
package struct NotificationBoard: Sendable {
    private let board: QueueBoard
    private let topics: [String: TopicSettings]
    private let rules: [String: [NotificationSettings]]
    private let regions: [String: String]
    private let accounts: [String: String]
    private let sequence = SequenceNumbers()

    /// - Throws: `ScenarioProblem` for a notification that S3 would refuse to set up.
    package init(scenario: SandboxScenario, board: QueueBoard) throws(ScenarioProblem) {
        self.board = board
        var topics: [String: TopicSettings] = [:]
        var buckets: [(account: String, settings: BucketSettings)] = []
        for account in scenario.accounts {
            for topic in account.topics { topics[topic.arn(in: account.id)] = topic }
            buckets += account.buckets.map { (account.id, $0) }
        }
        self.topics = topics
        rules = Dictionary(uniqueKeysWithValues: buckets.map { ($0.settings.name, $0.settings.notifications) })
        regions = Dictionary(uniqueKeysWithValues: buckets.map { ($0.settings.name, $0.settings.region) })
        accounts = Dictionary(uniqueKeysWithValues: buckets.map { ($0.settings.name, $0.account) })
        for (account, bucket) in buckets {
            for rule in bucket.notifications { try check(rule, of: bucket, account: account) }
        }
        for (arn, topic) in topics {
            for subscription in topic.subscriptions { try check(subscription, of: topic, arn: arn) }
        }
    }

    // MARK: What S3 checks when a notification is set up

    private func check(_ rule: NotificationSettings, of bucket: BucketSettings, account: String) throws(ScenarioProblem) {
        let service = rule.form == .s3 ? "s3.amazonaws.com" : "events.amazonaws.com"
        let policy: PolicyDocument?
        let action: String
        if let queue = board.queues[rule.to] {
            (policy, action) = (queue.settings.policy?.document, "sqs:SendMessage")
        } else if rule.form == .s3, let topic = topics[rule.to] {
            (policy, action) = (topic.policy?.document, "sns:Publish")
        } else {
            throw ScenarioProblem(what: "bucket '\(bucket.name)' notifies '\(rule.to)', which does not exist")
        }
        let source = rule.form == .s3 ? bucket.arn : "arn:aws:events:\(bucket.region):\(account):rule/pouch"
        try demand(policy, lets: service, action, rule.to, from: source, account: account)
    }

    private func check(
        _ subscription: TopicSettings.Subscription, of topic: TopicSettings, arn: String
    ) throws(ScenarioProblem) {
        guard let queue = board.queues[subscription.queue] else {
            throw ScenarioProblem(what: "topic '\(topic.name)' feeds '\(subscription.queue)', which does not exist")
        }
        let account = arn.split(separator: ":").dropFirst(4).first.map(String.init) ?? ""
        try demand(
            queue.settings.policy?.document, lets: "sns.amazonaws.com", "sqs:SendMessage", queue.arn, from: arn, account: account)
    }

    private func demand(
        _ policy: PolicyDocument?, lets service: String, _ action: String, _ resource: String, from source: String, account: String
    ) throws(ScenarioProblem) {
        var context = PolicyContext()
        context.set("aws:SourceArn", source)
        context.set("aws:SourceAccount", account)
        context.set("aws:SecureTransport", true)
        guard policy?.lets(service: service, do: action, to: resource, context: context) == true else {
            throw ScenarioProblem(
                what:
                    "unable to validate the following destination configurations: the policy of \(resource) does not let \(service) "
                    + "do \(action) for \(source)")
        }
    }

    // MARK: Events

    /// What S3 sends when a notification is set up.
    package func sendTestEvents(at now: Timestamp) {
        for (bucket, rules) in rules {
            for rule in rules where rule.form == .s3 {
                let event = TestEvent(
                    time: now.description, bucket: bucket, request: SandboxSecrets.randomHex(8).uppercased(),
                    host: Base64.text(of: SandboxSecrets.randomBytes(24)))
                deliver(Self.text(event), to: rule.to, at: now)
            }
        }
    }

    package func created(_ object: StoredObject, by operation: S3Operation, at now: Timestamp) {
        for rule in rules[object.bucket] ?? [] where object.key.bytes.starts(with: rule.prefix.utf8) {
            let sequencer = sequence.next()
            switch rule.form {
            case .s3: deliver(Self.text(event(object, operation, sequencer, at: now)), to: rule.to, at: now)
            case .eventBridge: deliver(Self.text(bridged(object, operation, sequencer, at: now)), to: rule.to, at: now)
            }
        }
    }

    private func deliver(_ body: String, to arn: String, at now: Timestamp) {
        if let queue = board.queues[arn] {
            board.send(body, to: queue, at: now)
            return
        }
        guard let topic = topics[arn] else { return }
        for subscription in topic.subscriptions {
            guard let queue = board.queues[subscription.queue] else { continue }
            let envelope = Envelope(topic: arn, message: body, time: now.description, id: SandboxSecrets.randomHex(16))
            board.send(subscription.raw == true ? body : Self.text(envelope), to: queue, at: now)
        }
    }

    private func event(_ object: StoredObject, _ operation: S3Operation, _ sequencer: String, at now: Timestamp) -> S3Event {
        let name =
            switch operation {
            case .copyObject: "ObjectCreated:Copy"
            case .completeMultipartUpload: "ObjectCreated:CompleteMultipartUpload"
            default: "ObjectCreated:Put"
            }
        let record = S3Event.Record(
            region: regions[object.bucket] ?? "", time: now.description, name: name,
            s3: S3Event.Entity(
                bucket: .init(
                    name: object.bucket, ownerIdentity: ["principalId": accounts[object.bucket] ?? ""],
                    arn: "arn:aws:s3:::\(object.bucket)"),
                object: .init(
                    key: Self.formEncoded(object.key), size: object.size, etag: object.etag,
                    versionID: object.version == "null" ? nil : object.version, sequencer: sequencer)))
        return S3Event(records: [record])
    }

    private func bridged(
        _ object: StoredObject, _ operation: S3Operation, _ sequencer: String, at now: Timestamp
    ) -> BridgedEvent {
        BridgedEvent(
            id: SandboxSecrets.randomHex(16), account: accounts[object.bucket] ?? "", time: now.description,
            region: regions[object.bucket] ?? "", resources: ["arn:aws:s3:::\(object.bucket)"],
            detail: BridgedEvent.Detail(
                bucket: ["name": object.bucket],
                object: .init(
                    key: object.key.text, size: object.size, etag: object.etag,
                    versionID: object.version == "null" ? nil : object.version, sequencer: sequencer),
                reason: operation.rawValue))
    }

    /// As AWS writes it: a space as `+`, slashes as they are.
    private static func formEncoded(_ key: ObjectKey) -> String {
        PercentEncoding.encoded(key.bytes, keepingSlash: true).replacing("%20", with: "+")
    }

    private static func text(_ value: some Encodable) -> String {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.withoutEscapingSlashes, .sortedKeys]
        guard let bytes = try? encoder.encode(value) else { preconditionFailure("texts and numbers can be written as JSON") }
        return String(decoding: bytes, as: UTF8.self)
    }
}

/// Growing numbers, as S3 gives them to the events of a key.
private final class SequenceNumbers: Sendable {
    private let last = Mutex<UInt64>(0x0060_0000_0000_0000)

    func next() -> String {
        let number = last.withLock { last in
            last += 1
            return last
        }
        return "00" + String(number, radix: 16, uppercase: true)
    }
}

/// An SQS queue.
package struct QueueSettings: Sendable, Codable {
    /// Where a message goes that was received `after` times and not deleted.
    package struct DeadLetters: Sendable, Codable {
        /// The name of another queue of the account.
        package var queue: String
        package var after: Int
    }

    package var name: String
    package var region: String
    /// Seconds for which a received message is kept from others, where a request does not say.
    package var visibility: Int64
    package var deadLetters: DeadLetters?
    package var policy: PolicySource?
    /// Every so many messages one lies there twice, as SQS and S3 reserve the right to do; 0: never.
    package var duplicateEvery: Int

    private enum CodingKeys: String, CodingKey, CaseIterable { case name, region, visibility, deadLetters, policy, duplicateEvery }

    package init(from decoder: any Decoder) throws {
        try decoder.refuseUnknownKeys(besides: CodingKeys.allCases.map(\.rawValue))
        let container = try decoder.container(keyedBy: CodingKeys.self)
        name = try container.decode(String.self, forKey: .name)
        region = try container.decode(String.self, forKey: .region)
        visibility = try container.decodeIfPresent(Int64.self, forKey: .visibility) ?? 30
        deadLetters = try container.decodeIfPresent(DeadLetters.self, forKey: .deadLetters)
        policy = try container.decodeIfPresent(PolicySource.self, forKey: .policy)
        duplicateEvery = try container.decodeIfPresent(Int.self, forKey: .duplicateEvery) ?? 0
    }

    package func arn(in account: String) -> String { "arn:aws:sqs:\(region):\(account):\(name)" }
}

/// An SNS topic and the queues that follow it.
package struct TopicSettings: Sendable, Codable {
    package struct Subscription: Sendable, Codable {
        /// The queue's ARN.
        package var queue: String
        /// Whether the message goes on as it came instead of in an envelope.
        package var raw: Bool?
    }

    package var name: String
    package var region: String
    package var policy: PolicySource?
    package var subscriptions: [Subscription]

    private enum CodingKeys: String, CodingKey, CaseIterable { case name, region, policy, subscriptions }

    package init(from decoder: any Decoder) throws {
        try decoder.refuseUnknownKeys(besides: CodingKeys.allCases.map(\.rawValue))
        let container = try decoder.container(keyedBy: CodingKeys.self)
        name = try container.decode(String.self, forKey: .name)
        region = try container.decode(String.self, forKey: .region)
        policy = try container.decodeIfPresent(PolicySource.self, forKey: .policy)
        subscriptions = try container.decodeIfPresent([Subscription].self, forKey: .subscriptions) ?? []
    }

    package func arn(in account: String) -> String { "arn:aws:sns:\(region):\(account):\(name)" }
}

/// Whom a bucket tells of new objects.
package struct NotificationSettings: Sendable, Codable {
    package enum Form: String, Sendable, Codable {
        /// S3's own event, to a queue or a topic.
        case s3
        /// By way of EventBridge, to a queue.
        case eventBridge = "event-bridge"
    }

    /// The ARN of a queue or a topic.
    package var to: String
    package var prefix: String
    package var form: Form

    private enum CodingKeys: String, CodingKey, CaseIterable { case to, prefix, form }

    package init(from decoder: any Decoder) throws {
        try decoder.refuseUnknownKeys(besides: CodingKeys.allCases.map(\.rawValue))
        let container = try decoder.container(keyedBy: CodingKeys.self)
        to = try container.decode(String.self, forKey: .to)
        prefix = try container.decodeIfPresent(String.self, forKey: .prefix) ?? ""
        form = try container.decodeIfPresent(Form.self, forKey: .form) ?? .s3
    }
}

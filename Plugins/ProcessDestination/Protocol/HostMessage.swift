import PouchKit

/// What the host says, one line each: `docs/plugin-protocol.md`.
enum HostMessage: Sendable {
    case hello(agent: String)
    /// A type that no plugin knows, and that every plugin must answer with `unsupported`.
    case riddle(type: String)
    case configure(values: [String: PluginValue], secrets: [String: Secret])
    case check
    case exists(DeliveryQuestion)
    case deliver(DeliveryOrder)
    case saved
    case cancel
    case abandon(delivery: DeliveryID, checkpoint: String)
    case ping
    case shutdown

    var type: String {
        switch self {
        case .hello: "hello"
        case .riddle(let type): type
        case .configure: "configure"
        case .check: "check"
        case .exists: "exists"
        case .deliver: "deliver"
        case .saved: "saved"
        case .cancel: "cancel"
        case .abandon: "abandon"
        case .ping: "ping"
        case .shutdown: "shutdown"
        }
    }
}

/// What is asked about a delivery that may have arrived.
struct DeliveryQuestion: Hashable, Sendable {
    let delivery: DeliveryID
    let key: DeliveryKey
    let size: Int64
    let sha256: SHA256Digest
    let checkpoint: String?
}

/// What is to be delivered.
struct DeliveryOrder: Hashable, Sendable {
    let question: DeliveryQuestion
    let attempt: Int
    let whenTaken: WhenTaken
    /// Where the plugin may open the file.
    let file: String
    let modified: Timestamp
    let partner: PartnerName
    let route: RouteName
    let agent: String
    /// The file's path where it was dropped: for people.
    let source: String
    let secondsLeft: Double
    let bytesPerSecond: Int64?
}

/// A message under its number.
struct NumberedMessage: Encodable {
    let id: Int
    let message: HostMessage

    private struct Key: CodingKey {
        let stringValue: String
        var intValue: Int? { nil }

        init(_ text: String) { stringValue = text }
        init?(stringValue: String) { self.stringValue = stringValue }
        init?(intValue: Int) { nil }
    }

    func encode(to encoder: any Encoder) throws {
        var fields = encoder.container(keyedBy: Key.self)
        try fields.encode(message.type, forKey: Key("type"))
        try fields.encode(id, forKey: Key("id"))
        switch message {
        case .hello(let agent):
            try fields.encode(["first": 1, "last": 1], forKey: Key("protocol"))
            try fields.encode(agent, forKey: Key("agent"))
            try fields.encode(["exists", "abandon", "cancel", "ping", "handed-over"], forKey: Key("features"))
        case .configure(let values, let secrets):
            try fields.encode(values, forKey: Key("settings"))
            try fields.encode(secrets.mapValues { $0.reveal() }, forKey: Key("secrets"))
        case .exists(let question): try encode(question, &fields)
        case .deliver(let order): try encode(order, &fields)
        case .abandon(let delivery, let checkpoint):
            try fields.encode(delivery, forKey: Key("delivery"))
            try fields.encode(checkpoint, forKey: Key("checkpoint"))
        case .riddle: try fields.encode("what is this?", forKey: Key("question"))
        case .check, .saved, .cancel, .ping, .shutdown: break
        }
    }

    private func encode(_ question: DeliveryQuestion, _ fields: inout KeyedEncodingContainer<Key>) throws {
        try fields.encode(question.delivery, forKey: Key("delivery"))
        try fields.encode(question.key, forKey: Key("key"))
        try fields.encode(question.key.suffixed(for: question.delivery), forKey: Key("suffixedKey"))
        try fields.encode(question.size, forKey: Key("size"))
        try fields.encode(question.sha256, forKey: Key("sha256"))
        try fields.encodeIfPresent(question.checkpoint, forKey: Key("checkpoint"))
    }

    private func encode(_ order: DeliveryOrder, _ fields: inout KeyedEncodingContainer<Key>) throws {
        try encode(order.question, &fields)
        try fields.encode(order.attempt, forKey: Key("attempt"))
        try fields.encode(order.whenTaken, forKey: Key("whenTaken"))
        try fields.encode(order.file, forKey: Key("file"))
        try fields.encode(order.modified.description, forKey: Key("modified"))
        try fields.encode(order.partner, forKey: Key("partner"))
        try fields.encode(order.route, forKey: Key("route"))
        try fields.encode(order.agent, forKey: Key("agent"))
        try fields.encode(order.source, forKey: Key("source"))
        try fields.encode(order.secondsLeft, forKey: Key("secondsLeft"))
        try fields.encodeIfPresent(order.bytesPerSecond, forKey: Key("bytesPerSecond"))
    }
}

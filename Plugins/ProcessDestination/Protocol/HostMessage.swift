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

extension HostMessage {
    /// The message under its number, as one line.
    func line(id: Int) -> [UInt8] {
        var line = JSONLine()
        line.add("type", type)
        line.add("id", id)
        switch self {
        case .hello(let agent):
            line.add("protocol") { versions in
                versions.add("first", 1)
                versions.add("last", 1)
            }
            line.add("agent", agent)
            line.add("features", ["exists", "abandon", "cancel", "ping", "handed-over"])
        case .configure(let values, let secrets):
            line.add("settings") { settings in for (name, value) in values { value.add(to: &settings, as: name) } }
            line.add("secrets") { texts in for (name, secret) in secrets { texts.add(name, secret.reveal()) } }
        case .exists(let question): question.add(to: &line)
        case .deliver(let order):
            order.question.add(to: &line)
            order.add(to: &line)
        case .abandon(let delivery, let checkpoint):
            line.add("delivery", delivery.description)
            line.add("checkpoint", checkpoint)
        case .riddle: line.add("question", "what is this?")
        case .check, .saved, .cancel, .ping, .shutdown: break
        }
        return line.object + [UInt8(ascii: "\n")]
    }
}

extension DeliveryQuestion {
    fileprivate func add(to line: inout JSONLine) {
        line.add("delivery", delivery.description)
        line.add("key", key.description)
        line.add("suffixedKey", key.suffixed(for: delivery).description)
        line.add("size", size)
        line.add("sha256", sha256.description)
        line.add("checkpoint", checkpoint)
    }
}

extension DeliveryOrder {
    fileprivate func add(to line: inout JSONLine) {
        line.add("attempt", attempt)
        line.add("whenTaken", whenTaken.rawValue)
        line.add("file", file)
        line.add("modified", modified.description)
        line.add("partner", partner.description)
        line.add("route", route.description)
        line.add("agent", agent)
        line.add("source", source)
        line.add("secondsLeft", secondsLeft)
        if let bytesPerSecond { line.add("bytesPerSecond", bytesPerSecond) }
    }
}

extension PluginValue {
    fileprivate func add(to line: inout JSONLine, as name: String) {
        switch self {
        case .text(let text): line.add(name, text)
        case .integer(let number): line.add(name, number)
        case .number(let number): line.add(name, number)
        case .boolean(let isTrue): line.add(name, isTrue)
        }
    }
}

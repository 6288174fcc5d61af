/// How far a delivery got: what an adapter needs to go on after a restart, stored durably by the agent and never read by it.
public struct Checkpoint: Hashable, Sendable, Codable {
    /// The stage that was reached.
    public let stage: StageName
    /// The version of the payload's format. An adapter that meets a version it does not know starts the delivery again.
    public let version: Int
    /// What the payload refers to. A checkpoint with another fingerprint than the destination's is abandoned.
    public let target: TargetFingerprint
    /// The adapter's own, usually JSON. No secrets: it lies in the journal.
    public let payload: [UInt8]

    public init(stage: StageName, version: Int, target: TargetFingerprint, payload: [UInt8]) {
        self.stage = stage
        self.version = version
        self.target = target
        self.payload = payload
    }
}

/// Names a target: bucket, prefix, key, host, path. Two destinations with the same fingerprint can finish each other's
/// deliveries.
public struct TargetFingerprint: Hashable, Sendable, Codable, CustomStringConvertible {
    public let description: String

    public init(_ text: String) { description = text }

    public init(from decoder: any Decoder) throws { description = try decoder.singleValueContainer().decode(String.self) }

    public func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(description)
    }
}

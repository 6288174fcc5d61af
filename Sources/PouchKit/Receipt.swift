/// What `deliver` ended with.
public enum DeliveryOutcome: Hashable, Sendable {
    /// It is there, whole, and this proves it.
    case delivered(Receipt)
    /// Our part is done and saved; another publisher finishes.
    case handedOver(Checkpoint, Receipt)
}

/// What proves a delivery: where it lies, what the far end answered at each stage.
public struct Receipt: Hashable, Sendable, Codable {
    /// How we know that it is there.
    public enum Confirmation: String, Hashable, Sendable, Codable {
        /// The answer to the request that did it.
        case byAnswer = "by-answer"
        /// That answer was lost; asking afterwards showed our delivery there.
        case byQuestion = "by-question"
        /// That answer was lost, asking is not permitted, and sending again met an object at the very key that this delivery
        /// was about to create.
        case byConflict = "by-conflict"
    }

    /// `s3://acme-inbox/from-orga/seeds.csv`, `file:///srv/inbox/seeds.csv`.
    public let location: String
    /// The key that was really used, prefix included; differs from the delivery's key where it was taken.
    public let key: String
    public let confirmation: Confirmation
    /// In the order in which they were done.
    public let stages: [StageRecord]

    public init(location: String, key: String, confirmation: Confirmation, stages: [StageRecord]) {
        self.location = location
        self.key = key
        self.confirmation = confirmation
        self.stages = stages
    }
}

/// What one stage did and what the far end said, for the manifest.
public struct StageRecord: Hashable, Sendable, Codable {
    public let stage: StageName
    public let identity: IdentityName?
    /// Bucket, key, version, checksum, key ARN, request ids, …: names in lower camel case, values as the far end gave them.
    public let facts: [String: String]
    /// Requests sent for the effect of this stage, repeats included.
    public let requests: Int
    /// Milliseconds of the stage, waiting included.
    public let milliseconds: Int64

    public init(stage: StageName, identity: IdentityName?, facts: [String: String], requests: Int, milliseconds: Int64) {
        self.stage = stage
        self.identity = identity
        self.facts = facts
        self.requests = requests
        self.milliseconds = milliseconds
    }
}

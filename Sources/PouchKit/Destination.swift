/// One configured place to deliver to. Everything that a partner may ask for hangs on these four members.
///
/// The agent makes one `Destination` per partner and calls `deliver` for many files at once, from many tasks.
public protocol Destination: Sendable {
    /// What the agent may rely on. Constant for the life of the instance.
    var traits: DestinationTraits { get }

    /// Preflight: looks for what would be refused, and says which permission or setting is missing, and the fix.
    ///
    /// Called by `pouch doctor`, never on the way of a file. It leaves nothing behind but what it names in a finding.
    func check() async -> [Finding]

    /// Delivers the file, whole or not at all, and says where it is now.
    ///
    /// Delivering the same delivery id again leaves one copy. When the agent was stopped half-way it calls again with the
    /// last checkpoint that was saved, or with none. A checkpoint with a foreign fingerprint is never passed.
    ///
    /// - Throws: `DeliveryFailure`, with the remedy chosen by the code that saw the answer. On cancellation the adapter stops
    ///   soon and throws `.retry`; what it had begun is found again through the checkpoint.
    func deliver(
        _ file: OutgoingFile,
        from checkpoint: Checkpoint?,
        in context: DeliveryContext
    ) async throws(DeliveryFailure) -> DeliveryOutcome

    /// Cleans up what a delivery left half-done (open uploads, `.part` files). Never removes what the partner can see.
    ///
    /// Called when a delivery is given up or its checkpoint no longer fits. It may fail in silence: nothing depends on it.
    func abandon(_ checkpoint: Checkpoint) async
}

/// What the agent may rely on: data instead of more methods.
public struct DestinationTraits: Hashable, Sendable {
    public let adapter: AdapterName
    /// The stages that a delivery goes through, in order, with the identity of each: for `explain`.
    public let stages: [Stage]
    public let target: TargetFingerprint
    /// Bytes; `nil`: any size. A larger file is held, with the reason.
    public let largestFile: Int64?
    /// A folder of this machine that the destination writes to: it must not lie in a watched tree.
    public let localFolder: String?
    /// True when a delivery ends with `.handedOver`.
    public let handsOver: Bool

    public struct Stage: Hashable, Sendable {
        public let name: StageName
        public let identity: IdentityName?
        /// `s3://orga-repository/acme/`
        public let place: String

        public init(name: StageName, identity: IdentityName?, place: String) {
            self.name = name
            self.identity = identity
            self.place = place
        }
    }

    public init(
        adapter: AdapterName,
        stages: [Stage],
        target: TargetFingerprint,
        largestFile: Int64? = nil,
        localFolder: String? = nil,
        handsOver: Bool = false
    ) {
        self.adapter = adapter
        self.stages = stages
        self.target = target
        self.largestFile = largestFile
        self.localFolder = localFolder
        self.handsOver = handsOver
    }
}

/// Something wrong in an adapter's settings, by key path; the catalog turns it into file, line and column.
///
/// A settings type may throw it while it is decoded: the key path then starts at the value that was being decoded.
public struct SettingsProblem: Error, Hashable, Sendable, CustomStringConvertible {
    /// `["repository", "key"]`
    public let keyPath: [String]
    public let text: String
    public let hint: String?
    /// The setting may be right: this machine had no descriptor or memory left to look. Never a reason to call a person.
    public let isShortage: Bool

    public init(at keyPath: [String], _ text: String, hint: String? = nil, isShortage: Bool = false) {
        self.keyPath = keyPath
        self.text = text
        self.hint = hint
        self.isShortage = isShortage
    }

    /// `repository.key: <text>`, and the hint on a second line.
    public var description: String {
        (keyPath.isEmpty ? "" : keyPath.joined(separator: ".") + ": ") + text + (hint.map { "\nhint: \($0)" } ?? "")
    }
}

/// What a check found.
public struct Finding: Hashable, Sendable {
    public enum Severity: String, Hashable, Sendable, Codable {
        case good, note, warning, failure
    }

    /// What a finding proves about permissions: `doctor` makes its attestation of these.
    public enum Proof: String, Hashable, Sendable, Codable {
        /// It can be done, as it must be.
        case permitted
        /// It cannot be done, as it must not be.
        case refused
        /// It can be done, and should not be.
        case excessive
        /// Nothing was shown.
        case unproven
    }

    /// What somebody must add, word for word.
    public struct Fix: Hashable, Sendable, Codable {
        /// Who must act: "your own organisation (account 111111111111)".
        public let by: String
        /// "the key policy of arn:aws:kms:…"
        public let place: String
        /// The text to add there.
        public let addition: String

        public init(by: String, place: String, addition: String) {
            self.by = by
            self.place = place
            self.addition = addition
        }
    }

    public let severity: Severity
    /// What was looked at and what was seen: "generator may store in s3://orga-repository/acme/".
    public let text: String
    /// The fix and whose it is.
    public let hint: String?
    /// Where in the course of the check: "store". Empty for checks that have no steps.
    public let step: String
    public let proof: Proof?
    /// In the order in which to try them.
    public let fixes: [Fix]

    public init(
        _ severity: Severity,
        _ text: String,
        hint: String? = nil,
        step: String = "",
        proof: Proof? = nil,
        fixes: [Fix] = []
    ) {
        self.severity = severity
        self.text = text
        self.hint = hint
        self.step = step
        self.proof = proof
        self.fixes = fixes
    }
}

/// Why a delivery did not succeed, said by the code that saw the answer: what was tried, what came back, and what to do.
///
/// A key that is taken is not a failure unless `WhenTaken.fail` says so; a file that is still being written never gets here.
public struct DeliveryFailure: Error, Hashable, Sendable, CustomStringConvertible {
    public enum Remedy: Hashable, Sendable {
        /// It may work later. The agent's schedule decides when, but not before the time that the far end asked for.
        case retry(after: Duration?)
        /// A person must act at the partner's destination (a permission, a key, a full disk). The partner's files queue; others go on.
        case hold
        /// This file can never be delivered there, and the next one may well be.
        case quarantine
        /// The file is not what was claimed any more: it is taken afresh.
        case sourceChanged

        public static let retry = Remedy.retry(after: nil)
    }

    /// The `code` of what failed because this machine had no descriptor or memory left, where the system's own word is not at hand.
    public static let shortage = "shortage"

    public let remedy: Remedy
    /// What was tried: "store seeds.csv in the repository of acme".
    public let attempt: String
    /// What came back, with the far end's own code and words.
    public let cause: String
    /// The usual reason and the fix, and whose it is, where we know it.
    public let hint: String?
    /// A stable word for this kind of failure (`AccessDenied`, `name-not-utf8`): alerts are grouped by it.
    public let code: String
    /// True when the far end asks for a slower pace.
    public let isThrottling: Bool

    public init(
        _ remedy: Remedy,
        code: String,
        attempt: String,
        cause: String,
        hint: String? = nil,
        isThrottling: Bool = false
    ) {
        self.remedy = remedy
        self.code = code
        self.attempt = attempt
        self.cause = cause
        self.hint = hint
        self.isThrottling = isThrottling
    }

    /// `could not <attempt>: <cause>`, and the hint on a second line.
    public var description: String { "could not \(attempt): \(cause)" + (hint.map { "\nhint: \($0)" } ?? "") }
}

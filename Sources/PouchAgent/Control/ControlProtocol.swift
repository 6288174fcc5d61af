package import PouchKit

/// What may be asked of a running agent: one JSON object on one line.
package enum ControlRequest: Hashable, Sendable, Codable {
    case status
    case hold(partner: PartnerName, reason: String)
    case release(partner: PartnerName)
    /// The id or its first digits; `nil`: all that is held or quarantined.
    case retry(delivery: String?)
    case send(path: String, partner: PartnerName)
    /// Reads the configuration again; or only says what that would change.
    case reload(onlyPlanning: Bool)
}

/// What the agent answers: any number of `progress` lines, then one of the others.
package enum ControlAnswer: Hashable, Sendable, Codable {
    case progress(sent: Int64, of: Int64)
    /// A finished text for people, or a JSON document as text where the request has one.
    case done(text: String)
    case refused(text: String, hint: String?)
}

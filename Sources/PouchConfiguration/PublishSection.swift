package import PouchKit

/// `publish:` — the publisher as a service of its own.
package struct PublishSettings: Hashable, Sendable {
    /// The queue's URL; what it must look like is known to the module that speaks to it.
    package let queue: Located<String>
    /// Where the queue is, when its URL does not say.
    package let region: Located<String>?
    /// Who takes messages. What is copied for a partner is copied by the identity of the partner's inbox.
    package let identity: Located<IdentityName>
    /// `nil`: all that have an inbox.
    package let partners: [Located<PartnerName>]?
    package let atOnce: Int
    package let visibility: TimeSpan
    /// `nil`: never by itself.
    package let reconcile: TimeSpan?
    package let receipts: Bool
    /// How long what is under way may go on after a stop was asked for.
    package let drain: TimeSpan
}

extension PublishSettings: Decodable {
    private enum Key: String, CodingKey {
        case queue, region, partners, visibility, reconcile, receipts, drain
        case identity = "as"
        case atOnce = "at-once"
    }

    private static let standardAtOnce = 32
    private static let standardVisibility = TimeSpan(milliseconds: 120_000)
    private static let standardReconcile = TimeSpan(milliseconds: 3_600_000)
    private static let standardDrain = TimeSpan(milliseconds: 20_000)

    package init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: Key.self)
        queue = try container.decode(Located<String>.self, forKey: .queue)
        region = try container.decodeIfPresent(Located<String>.self, forKey: .region)
        identity = try container.decode(Located<IdentityName>.self, forKey: .identity)
        partners = try container.decodeIfPresent([Located<PartnerName>].self, forKey: .partners)
        atOnce = try container.decodeIfPresent(AtOnce.self, forKey: .atOnce)?.value ?? Self.standardAtOnce
        visibility = try container.decodeIfPresent(Visibility.self, forKey: .visibility)?.value ?? Self.standardVisibility
        reconcile =
            container.contains(.reconcile)
            ? try container.decode(Interval.self, forKey: .reconcile).span : Self.standardReconcile
        receipts = try container.decodeIfPresent(Bool.self, forKey: .receipts) ?? true
        drain = try container.decodeIfPresent(Drain.self, forKey: .drain)?.value ?? Self.standardDrain
        if !receipts, reconcile != nil {
            throw SettingsProblem(
                at: ["receipts"],
                "false needs reconcile: never: what a partner took out of its inbox would be copied there again",
                hint: "leave receipts: out, or add reconcile: never")
        }
        if let partners, partners.isEmpty {
            throw SettingsProblem(
                at: ["partners"], "expected at least one partner, found an empty list", hint: "leave it out for all")
        }
    }

    private struct AtOnce: CheckedSetting {
        let value: Int

        init(unchecked value: Int) { self.value = value }

        static func check(_ number: Int) throws {
            guard (1...256).contains(number) else { throw SettingsProblem(at: [], "expected 1 to 256, found '\(number)'") }
        }
    }

    private struct Visibility: CheckedSetting {
        let value: TimeSpan

        init(unchecked value: TimeSpan) { self.value = value }

        /// Below that a slow answer costs the message; above twelve hours SQS takes it from us.
        static func check(_ span: TimeSpan) throws {
            guard (10_000...43_200_000).contains(span.milliseconds) else {
                throw SettingsProblem(at: [], "expected 10s to 12h, found '\(span)'")
            }
        }
    }

    private struct Drain: CheckedSetting {
        let value: TimeSpan

        init(unchecked value: TimeSpan) { self.value = value }

        static func check(_ span: TimeSpan) throws {
            guard (1_000...43_200_000).contains(span.milliseconds) else {
                throw SettingsProblem(at: [], "expected 1s to 12h, found '\(span)'")
            }
        }
    }

    /// `1h`, or `never`.
    private struct Interval: Decodable {
        let span: TimeSpan?

        init(from decoder: any Decoder) throws {
            if try decoder.overNode().node?.scalar?.text == "never" {
                span = nil
                return
            }
            let span = try TimeSpan(from: decoder)
            guard span.milliseconds >= 60_000 else {
                throw SettingsProblem(at: [], "expected never, or at least 1m, found '\(span)'")
            }
            self.span = span
        }
    }
}

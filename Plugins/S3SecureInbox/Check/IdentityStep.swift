import PouchAWS
import PouchKit
import PouchPartnerKit

extension InboxCheck {
    /// More than that is worth a word; S3 refuses at 15 minutes.
    private static let tolerableSkew: Duration = .seconds(60)

    /// Codes that speak of the credentials themselves: whoever asks, they are refused.
    private static let hopeless: Set<String> = [
        "InvalidClientTokenId", "UnrecognizedClientException", "InvalidAccessKeyId", "SignatureDoesNotMatch", "InvalidToken",
        "ExpiredToken", "ExpiredTokenException", "RequestExpired", "RequestTimeTooSkewed", "InvalidSignatureException",
    ]

    /// Who the party is by AWS's word.
    ///
    /// - Returns: the principal that policies name: the role, or the caller where there is none.
    func identify(_ party: S3SecureInbox.Party, in place: BucketPlace, _ record: inout CheckRecord) async -> String {
        let sts = STS(credentials: party.credentials, region: place.region, endpoint: inbox.services.sts, link: inbox.link)
        do throws(AWSFailure) {
            let caller = try await sts.callerIdentity()
            compareClocks(caller.date, &record)
            guard let role = party.role else {
                record.add(.good, "identity", "\(party.name) is \(caller.arn)")
                return caller.arn
            }
            guard role.account == caller.account else {
                record.add(
                    .failure, "identity", "\(party.name) is \(caller.arn), which is not of the account \(role.account)",
                    hint: "look where its credentials come from")
                return role.description
            }
            record.add(.good, "identity", "\(party.name) is \(caller.arn)")
        } catch {
            await explain(error, of: party, in: place, &record)
        }
        return party.label
    }

    private func explain(
        _ reason: AWSFailure,
        of party: S3SecureInbox.Party,
        in place: BucketPlace,
        _ record: inout CheckRecord
    ) async {
        if case .withoutCredentials(let failure) = reason.origin {
            record.add(
                .failure, "identity", "\(party.name) has no credentials: could not \(failure.step): \(failure.cause)",
                hint: failure.hint, fixes: trust(party, refused: RefusedAction(failure.cause)))
            return
        }
        let attempt = AttemptedCall(
            attempt: "ask who \(party.name) is", side: .repository, identity: party.label, bucket: place, key: "")
        let failure = Diagnosis.failure(reason, of: attempt)
        if case .unanswered = reason.origin { return record.add(failure, "identity") }
        if Self.hopeless.contains(reason.code) { return record.add(failure, "identity") }
        // A service without STS, or a policy that forbids even this: the steps that follow tell more.
        record.add(.warning, "identity", "who \(party.name) is could not be asked: \(reason)")
    }

    /// The statement that lets the one who was refused become the role.
    private func trust(_ party: S3SecureInbox.Party, refused: RefusedAction?) -> [Finding.Fix] {
        guard let role = party.role, let refused, refused.action == "sts:AssumeRole", let caller = refused.caller else { return [] }
        let statement = Trust.identity(arn: caller, externalID: nil).policy(of: role).statements[0]
        return [
            Finding.Fix(
                by: "your own organisation (account \(role.account))", place: "the trust policy of \(role)",
                addition: statement.json.pretty())
        ]
    }

    private func compareClocks(_ theirs: Timestamp?, _ record: inout CheckRecord) {
        guard let theirs, !record.findings.contains(where: { $0.step == "clock" }) else { return }
        let ahead = theirs.duration(to: inbox.link.clock.now)
        let isOff = ahead > Self.tolerableSkew || ahead < .zero - Self.tolerableSkew
        let seconds = abs(ahead.components.seconds)
        if isOff {
            record.add(
                .warning, "clock", "this machine's clock is \(seconds) s \(ahead > .zero ? "ahead of" : "behind") AWS's",
                hint: "Pouch signs with the right time all the same; set up NTP before logs and certificates suffer")
        } else {
            record.add(.good, "clock", "this machine's clock agrees with AWS's")
        }
    }
}

import PouchHTTP
package import PouchKit

/// What was tried when a call failed: who, where, under which key. The diagnosis names them.
package struct AttemptedCall: Sendable {
    package enum Side: Hashable, Sendable {
        /// Our own bucket: what is wrong there is ours to put right.
        case repository
        /// The partner's bucket.
        case inbox
    }

    /// "store seeds.csv in the repository of acme"
    package var attempt: String
    package var side: Side
    /// The role, or what the credentials come from.
    package var identity: String
    package var bucket: BucketPlace
    package var key: String
    package var keyARN: KeyARN?
    /// What a copy reads.
    package var source: CopySource?
    package var sourceKeyARN: KeyARN?
    package var acl: String?

    package init(
        attempt: String,
        side: Side,
        identity: String,
        bucket: BucketPlace,
        key: String,
        keyARN: KeyARN? = nil,
        source: CopySource? = nil,
        sourceKeyARN: KeyARN? = nil,
        acl: String? = nil
    ) {
        self.attempt = attempt
        self.side = side
        self.identity = identity
        self.bucket = bucket
        self.key = key
        self.keyARN = keyARN
        self.source = source
        self.sourceKeyARN = sourceKeyARN
        self.acl = acl
    }
}

/// Turns a refusal into a remedy, and says what usually causes it and who can put it right.
package enum Diagnosis {
    /// What is known about a kind of failure.
    struct Finding {
        let remedy: DeliveryFailure.Remedy
        let hint: String?
        /// Where the service's code would not tell kinds apart.
        var code: String?

        init(_ remedy: DeliveryFailure.Remedy, _ hint: String? = nil, code: String? = nil) {
            self.remedy = remedy
            self.hint = hint
            self.code = code
        }
    }

    package static func failure(_ reason: AWSFailure, of call: AttemptedCall) -> DeliveryFailure {
        let finding = finding(reason, call)
        return DeliveryFailure(
            finding.remedy,
            code: finding.code ?? reason.code,
            attempt: call.attempt,
            cause: "\(reason)",
            hint: finding.hint,
            isThrottling: reason.isThrottling
        )
    }

    private static func finding(_ reason: AWSFailure, _ call: AttemptedCall) -> Finding {
        switch reason.origin {
        case .cancelled:
            return Finding(.retry, code: "cancelled")
        case .withoutCredentials(let failure):
            return Finding(failure.isTemporary ? .retry : .hold, failure.hint)
        case .unanswered(let kind):
            return NetworkDiagnosis.finding(kind)
        case .unreadable:
            return Finding(
                .retry, "the answer did not come from S3 as it should: a proxy in between, or a service that is not quite S3")
        case .answered(let status):
            return AccessDiagnosis.finding(reason, call) ?? KeyDiagnosis.finding(reason, call)
                ?? BucketDiagnosis.finding(reason, call) ?? CredentialDiagnosis.finding(reason, call)
                ?? RequestDiagnosis.finding(reason, call) ?? general(reason, status: status)
        }
    }

    /// A code that no table knows: a server's own fault may pass, a refusal will not.
    private static func general(_ reason: AWSFailure, status: Int) -> Finding {
        if reason.isThrottling { return Finding(.retry(after: reason.retryAfter)) }
        return Finding(status >= 500 || status == 408 || status == 409 || status == 200 ? .retry(after: reason.retryAfter) : .hold)
    }
}

enum NetworkDiagnosis {
    static func finding(_ kind: HTTPFailure.Kind) -> Diagnosis.Finding {
        .init(kind == .badRequest ? .hold : .retry, hint(kind))
    }

    /// The usual cause, where there is one.
    static func hint(_ kind: HTTPFailure.Kind) -> String? {
        switch kind {
        case .resolve: "the host name is not known here: DNS, the region, or the endpoint in the settings"
        case .connect: "nobody answers there: the network, a firewall, or network.proxy"
        case .tls: "the certificate is not trusted, or something intercepts TLS: network.ca-file names other authorities"
        case .sourceRead: "the file could not be read while it was sent: look at the disk"
        case .badRequest: "the endpoint in the settings is not a URL that can be used"
        case .timeout, .stalled, .cut, .badAnswer, .tooLarge, .broken, .cancelled, .shutDown: nil
        }
    }
}

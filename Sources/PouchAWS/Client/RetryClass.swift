import PouchHTTP

/// Which failures may pass by themselves within seconds.
enum RetryClass {
    static let throttlingCodes: Set<String> = [
        "BandwidthLimitExceeded", "EC2ThrottledException", "LimitExceededException", "ProvisionedThroughputExceededException",
        "RequestLimitExceeded", "RequestThrottled", "RequestThrottledException", "SlowDown", "ThrottledException", "Throttling",
        "ThrottlingException", "TooManyRequests", "TooManyRequestsException", "TransactionInProgressException",
        "KMS.ThrottlingException",
    ]

    private static let transientCodes: Set<String> = [
        "ConditionalRequestConflict", "IDPCommunicationError", "InternalError", "OperationAborted", "PriorRequestNotComplete",
        "RequestTimeout", "RequestTimeoutException", "ServiceUnavailable",
    ]

    /// The bytes did not arrive as they left: sent once more, since the line may be to blame.
    static let damagedCodes: Set<String> = ["BadDigest", "IncompleteBody", "XAmzContentSHA256Mismatch", "InvalidDigest"]

    static let expiredCodes: Set<String> = ["ExpiredToken", "ExpiredTokenException", "InvalidToken", "TokenRefreshRequired"]

    /// The keys are not known, or not those any more: somebody may have put others into the file.
    static let unknownKeyCodes: Set<String> = [
        "InvalidAccessKeyId", "InvalidClientTokenId", "UnrecognizedClientException", "SignatureDoesNotMatch",
        "InvalidSignatureException",
    ]

    static let skewCodes: Set<String> = [
        "RequestTimeTooSkewed", "RequestExpired", "RequestInTheFuture", "InvalidSignatureException", "SignatureDoesNotMatch",
        "SignatureExpired", "Forbidden", "BadRequest",
    ]

    static func cause(of failure: AWSFailure) -> RetryPolicy.Cause? {
        if failure.isThrottling { return .throttling }
        switch failure.origin {
        case .answered(let status):
            return [500, 502, 503, 504].contains(status) || transientCodes.contains(failure.code) ? .transient : nil
        case .unreadable:
            return .transient
        case .unanswered(let kind):
            switch kind {
            case .resolve, .connect, .tls, .timeout, .stalled, .cut, .badAnswer: return .transient
            case .badRequest, .tooLarge, .sourceRead, .cancelled, .shutDown, .broken: return nil
            }
        case .withoutCredentials, .cancelled:
            return nil
        }
    }
}

package import PouchHTTP
package import PouchKit

/// One request to a service, before it is signed: it may be signed and sent several times.
package struct AWSCall: Sendable {
    /// Whether it may be sent again when nobody knows whether it took effect.
    package enum Repeatability: Hashable, Sendable {
        /// Repeating it harms nobody.
        case always
        /// The caller must ask first what happened.
        case onlyIfNotSent
    }

    /// What a success brings.
    package enum Answer: Hashable, Sendable {
        case headersOnly
        /// A document with this root: anything else in a 200 is a failure.
        case xml(root: String)
        case json
        /// What somebody stored: it is not looked into.
        case bytes
    }

    /// As the service names it: `PutObject`.
    package var operation: String
    package var method: String
    package var region: Region
    /// Whose region is found out when `region` is wrong.
    package var bucket: BucketName?
    /// Where to send it, given the region.
    package var address: @Sendable (Region) -> ServiceAddress
    package var query: [QueryItem] = []
    package var headers: [(name: String, value: String)] = []
    package var body = HTTPBody.none
    /// The body's SHA-256, where it is known: needed for a file over plain http.
    package var bodyDigest: SHA256Digest?
    package var answer = Answer.headersOnly
    package var repeatability = Repeatability.always
    package var timeouts = HTTPTimeouts()
    /// Whose rate the body keeps to; `nil`: as fast as it goes.
    package var budget: TransferBudget?
    /// Codes that would be worth another try in another call, and end this one.
    package var finalRefusals: Set<String> = []

    package init(
        _ operation: String,
        method: String,
        region: Region,
        bucket: BucketName? = nil,
        address: @escaping @Sendable (Region) -> ServiceAddress
    ) {
        self.operation = operation
        self.method = method
        self.region = region
        self.bucket = bucket
        self.address = address
    }
}

extension HTTPTimeouts {
    /// For what a service answers from memory.
    static let question = HTTPTimeouts(answer: .seconds(30), stall: .seconds(30))
}

/// What support asks for.
package struct RequestIDs: Hashable, Sendable {
    /// `x-amz-request-id`
    package let request: String?
    /// `x-amz-id-2`
    package let host: String?

    package init(request: String? = nil, host: String? = nil) {
        self.request = request
        self.host = host
    }
}

/// A success.
package struct AWSAnswer: Sendable {
    package let status: Int
    package let headers: HTTPHeaders
    package let body: [UInt8]
    /// Present when the call asked for XML.
    package let document: XMLElement?
    package let ids: RequestIDs
    /// Requests that were sent until this answer came.
    package let requests: Int
    /// Where it was found in the end.
    package let region: Region
    /// The far end's clock.
    package let date: Timestamp?
}

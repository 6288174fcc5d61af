package import PouchKit

/// One request, as it goes over the wire.
package struct HTTPRequest: Sendable {
    package var method: String
    /// Complete and encoded: path and query are sent as they stand here, dots, double slashes and encoding included.
    package var url: String
    /// Sent as they stand here, in this order, an empty value included. The engine adds `Host` and `Content-Length`, and
    /// nothing else: no `User-Agent`, `Accept`, `Expect` or `Content-Type` that is not here.
    package var headers: [(name: String, value: String)]
    package var body: HTTPBody
    package var timeouts: HTTPTimeouts
    /// An answer with a longer body fails with `.tooLarge`.
    package var maximumResponseBody: Int
    /// Whose rate the body keeps to, together with everything else that shares it; `nil`: as fast as it goes.
    package var budget: TransferBudget?

    package init(
        method: String,
        url: String,
        headers: [(name: String, value: String)] = [],
        body: HTTPBody = .none,
        timeouts: HTTPTimeouts = HTTPTimeouts(),
        maximumResponseBody: Int = 1 << 20,
        budget: TransferBudget? = nil
    ) {
        self.method = method
        self.url = url
        self.headers = headers
        self.body = body
        self.timeouts = timeouts
        self.maximumResponseBody = maximumResponseBody
        self.budget = budget
    }
}

/// What a request carries.
package enum HTTPBody: Sendable {
    case none
    case bytes([UInt8])
    /// A part of an open file, read with `pread` while it is sent: the descriptor's own offset never moves, so that any number
    /// of requests may share it. It must stay open until `send` has returned. A file that ends early fails the request with
    /// `.sourceRead`.
    case file(descriptor: Int32, offset: Int64, count: Int64)

    /// The `Content-Length`.
    package var count: Int64 {
        switch self {
        case .none: 0
        case .bytes(let bytes): Int64(bytes.count)
        case .file(_, _, let count): count
        }
    }
}

/// How long a request may stand still. How long it may take while it moves is not limited here: cancel the task for that.
package struct HTTPTimeouts: Hashable, Sendable {
    /// Name, connection, proxy and TLS handshake together.
    package var connect: Duration
    /// From the last byte of the request to the first byte of the answer. S3 works for minutes on a large copy.
    package var answer: Duration
    /// Without a single byte moving while the request is being sent, or once the answer has begun.
    package var stall: Duration

    package init(connect: Duration = .seconds(10), answer: Duration = .seconds(300), stall: Duration = .seconds(60)) {
        self.connect = connect
        self.answer = answer
        self.stall = stall
    }
}

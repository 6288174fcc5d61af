/// What a service says instead of doing what was asked: AWS's code, AWS's status, a message for people.
package struct Refusal: Error, Sendable, CustomStringConvertible {
    package let code: String
    package let status: Int
    package let message: String
    /// More elements of the error document: `Region`, `CanonicalRequest`, …
    package var details: [(name: String, value: String)]
    package var headers: [(name: String, value: String)]

    package init(
        _ code: String,
        _ status: Int,
        _ message: String,
        details: [(name: String, value: String)] = [],
        headers: [(name: String, value: String)] = []
    ) {
        self.code = code
        self.status = status
        self.message = message
        self.details = details
        self.headers = headers
    }

    package var description: String { "\(code) (\(status)): \(message)" }
}

extension Refusal {
    package static func accessDenied(_ message: String = "Access Denied") -> Refusal { Refusal("AccessDenied", 403, message) }

    package static func invalidArgument(_ message: String, name: String? = nil, value: String? = nil) -> Refusal {
        Refusal(
            "InvalidArgument", 400, message,
            details: (name.map { [("ArgumentName", $0)] } ?? []) + (value.map { [("ArgumentValue", $0)] } ?? []))
    }

    package static func invalidRequest(_ message: String) -> Refusal { Refusal("InvalidRequest", 400, message) }

    package static func notImplemented(_ header: String? = nil) -> Refusal {
        Refusal(
            "NotImplemented", 501, "A header or operation you provided implies functionality that is not implemented",
            details: header.map { [("Header", $0)] } ?? [])
    }

    package static func internalError(_ message: String) -> Refusal { Refusal("InternalError", 500, message) }

    package static func preconditionFailed(_ condition: String) -> Refusal {
        Refusal(
            "PreconditionFailed", 412, "At least one of the pre-conditions you specified did not hold",
            details: [("Condition", condition)])
    }

    package static func noSuchBucket(_ name: String) -> Refusal {
        Refusal("NoSuchBucket", 404, "The specified bucket does not exist", details: [("BucketName", name)])
    }

    package static func noSuchKey(_ key: String) -> Refusal {
        Refusal("NoSuchKey", 404, "The specified key does not exist.", details: [("Key", key)])
    }

    package static let noSuchUpload = Refusal(
        "NoSuchUpload", 404,
        "The specified upload does not exist. The upload ID may be invalid, or the upload may have been aborted or completed.")
}

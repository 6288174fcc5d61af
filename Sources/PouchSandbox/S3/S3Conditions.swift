import PouchKit

/// Conditions of writing requests: `If-None-Match: *` and `If-Match`.
struct WriteCondition: Sendable {
    private let ifNoneMatch: Bool
    private let ifMatch: String?

    var needsReading: Bool { ifMatch != nil }

    /// - Throws: `Refusal` `NotImplemented` for what S3 does not take on writes.
    init(_ headers: RequestHeaders) throws(Refusal) {
        if let value = headers["if-none-match"] {
            guard value == "*" else { throw .notImplemented("If-None-Match") }
            ifNoneMatch = true
        } else {
            ifNoneMatch = false
        }
        ifMatch = headers["if-match"]
        guard !(ifNoneMatch && ifMatch != nil), ifMatch != "*" else { throw .notImplemented("If-Match") }
    }

    /// - Parameter current: what lies under the key; a delete marker counts as nothing.
    func check(_ current: StoredObject?, key: ObjectKey) throws(Refusal) {
        let existing = current.flatMap { $0.isDeleteMarker ? nil : $0 }
        if ifNoneMatch, existing != nil { throw .preconditionFailed("If-None-Match") }
        if let ifMatch {
            guard let existing else { throw .noSuchKey(key.text) }
            guard ETag.matches(ifMatch, existing.etag) else { throw .preconditionFailed("If-Match") }
        }
    }
}

enum ETag {
    static func quoted(_ etag: String) -> String { "\"\(etag)\"" }

    /// With or without quotes, as clients send both; a list matches when one of it does.
    static func matches(_ header: String, _ etag: String) -> Bool {
        header.split(separator: ",").contains { item in
            let text = item.drop { $0 == " " }.filter { $0 != "\"" }
            return text == "*" || text == etag
        }
    }

    /// An ETag that says nothing, as under SSE-KMS.
    static func opaque() -> String { SandboxSecrets.randomHex(16) }
}

/// Conditions on what is read: of GET and HEAD, and of the source of a copy.
struct ReadCondition: Sendable {
    private let ifMatch: String?
    private let ifNoneMatch: String?
    private let ifModifiedSince: Timestamp?
    private let ifUnmodifiedSince: Timestamp?
    private let isCopySource: Bool

    init(_ headers: RequestHeaders, isCopySource: Bool = false) {
        let prefix = isCopySource ? "x-amz-copy-source-" : ""
        self.isCopySource = isCopySource
        ifMatch = headers[prefix + "if-match"]
        ifNoneMatch = headers[prefix + "if-none-match"]
        ifModifiedSince = headers[prefix + "if-modified-since"].flatMap { WireTime.timestamp(http: $0) }
        ifUnmodifiedSince = headers[prefix + "if-unmodified-since"].flatMap { WireTime.timestamp(http: $0) }
    }

    /// A match that is asked for beats the date, as RFC 9110 has it.
    func check(_ object: StoredObject) throws(Refusal) {
        let prefix = isCopySource ? "x-amz-copy-source-" : ""
        if let ifMatch {
            guard ETag.matches(ifMatch, object.etag) else { throw .preconditionFailed(prefix + "If-Match") }
        } else if let ifUnmodifiedSince, object.modified.seconds > ifUnmodifiedSince.seconds {
            throw .preconditionFailed(prefix + "If-Unmodified-Since")
        }
        if let ifNoneMatch {
            guard !ETag.matches(ifNoneMatch, object.etag) else { throw notModified(object, "If-None-Match") }
        } else if let ifModifiedSince, object.modified.seconds <= ifModifiedSince.seconds {
            throw notModified(object, "If-Modified-Since")
        }
    }

    private func notModified(_ object: StoredObject, _ condition: String) -> Refusal {
        guard !isCopySource else { return .preconditionFailed("x-amz-copy-source-" + condition) }
        return Refusal("NotModified", 304, "Not Modified", headers: [("etag", ETag.quoted(object.etag))])
    }
}

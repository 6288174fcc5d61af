import FoundationEssentials
import PouchHTTP
import PouchKit

/// Reads what services say when they refuse.
enum ErrorAnswer {
    /// Longer messages are cut: they end up in the journal and in alerts.
    private static let longestMessage = 1_000

    static func failure(of call: AWSCall, response: HTTPResponse) -> AWSFailure {
        let said = details(of: response)
        var failure = AWSFailure(
            operation: call.operation,
            origin: .answered(status: response.status),
            code: said?.code ?? codeOfStatus(response.status),
            message: VisibleText.escaped(String((said?.message ?? "").prefix(longestMessage)))
        )
        failure.ids = RequestIDs(
            request: response.headers["x-amz-request-id"] ?? response.headers["x-amzn-requestid"] ?? said?.requestID,
            host: response.headers["x-amz-id-2"] ?? said?.hostID)
        failure.region = response.headers["x-amz-bucket-region"] ?? said?.region
        failure.condition = said?.condition
        failure.retryAfter = retryAfter(response.headers)
        failure.isThrottling = RetryClass.throttlingCodes.contains(failure.code) || response.status == 429
        failure.isOutcomeUnknown = isOutcomeUnknown(response.status, failure, hasReason: said != nil)
        return failure
    }

    private struct Details {
        var code: String?
        var message: String?
        var requestID: String?
        var hostID: String?
        var region: String?
        var condition: String?
    }

    private static func details(of response: HTTPResponse) -> Details? {
        guard let first = response.body.first(where: { $0 > 0x20 && $0 < 0x80 }) else { return nil }
        return first == UInt8(ascii: "{") ? jsonDetails(response) : xmlDetails(response.body)
    }

    private static func xmlDetails(_ body: [UInt8]) -> Details? {
        guard let root = try? XMLReader.read(body) else { return nil }
        // S3 answers <Error>, the query services <ErrorResponse><Error>.
        guard let error = root.name == "Error" ? root : root["Error"], let code = error.value("Code") else { return nil }
        return Details(
            code: code, message: error.value("Message"), requestID: error.value("RequestId") ?? root.value("RequestId"),
            hostID: error.value("HostId"), region: error.value("Region"), condition: error.value("Condition"))
    }

    private struct JSONError: Decodable {
        enum CodingKeys: String, CodingKey {
            case type = "__type"
            case message
            case capitalMessage = "Message"
        }

        let type: String?
        let message: String?
        let capitalMessage: String?
    }

    private static func jsonDetails(_ response: HTTPResponse) -> Details? {
        guard let error = try? JSONDecoder().decode(JSONError.self, from: Data(response.body)) else { return nil }
        // Services that spoke the query protocol once give their code of that time, by which it is known: "…;Sender".
        let query = response.headers["x-amzn-query-error"]?.split(separator: ";").first.map(String.init)
        guard let type = error.type ?? response.headers["x-amzn-errortype"] ?? query else { return nil }
        // "com.amazonaws.kms#NotFoundException", "NotFoundException:http://…"
        let name = query ?? type.split(separator: "#").last?.split(separator: ":").first.map(String.init)
        return Details(code: name, message: error.message ?? error.capitalMessage)
    }

    private static func isOutcomeUnknown(_ status: Int, _ failure: AWSFailure, hasReason: Bool) -> Bool {
        // "Too fast" is said before anything is done; all else that the server calls its own fault may have happened.
        if failure.isThrottling { return false }
        if status == 200 { return failure.code == "InternalError" || !hasReason }
        return status >= 500 && status != 501
    }

    private static func retryAfter(_ headers: HTTPHeaders) -> Duration? {
        if let text = headers["x-amz-retry-after"], let milliseconds = Int64(text), milliseconds >= 0 {
            return .milliseconds(min(milliseconds, 86_400_000))
        }
        guard let text = headers["retry-after"], let seconds = Int64(text), seconds >= 0 else { return nil }
        return .seconds(min(seconds, 86_400))
    }

    private static func codeOfStatus(_ status: Int) -> String {
        switch status {
        case 301, 307, 308: "PermanentRedirect"
        case 400: "BadRequest"
        case 401: "Unauthorized"
        case 403: "Forbidden"
        case 404: "NotFound"
        case 405: "MethodNotAllowed"
        case 409: "Conflict"
        case 411: "MissingContentLength"
        case 412: "PreconditionFailed"
        case 413: "EntityTooLarge"
        case 429: "TooManyRequests"
        case 500: "InternalError"
        case 501: "NotImplemented"
        case 502: "BadGateway"
        case 503: "ServiceUnavailable"
        case 504: "GatewayTimeout"
        default: "Status\(status)"
        }
    }
}

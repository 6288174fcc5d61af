import PouchHTTP
import PouchKit

/// Tells success from failure.
extension AWSClient {
    enum Judgement {
        case success(XMLElement?)
        case failure(AWSFailure)
    }

    /// A 2xx is a success only when it brings what the call asked for.
    static func judge(_ response: HTTPResponse, of call: AWSCall) -> Judgement {
        guard (200...299).contains(response.status) else { return .failure(refusal(response, of: call)) }
        guard call.answer != .bytes else { return .success(nil) }
        let document: XMLElement?
        do throws(XMLProblem) {
            let isXML = response.body.first { $0 > 0x20 } == UInt8(ascii: "<")
            document = isXML ? try XMLReader.read(response.body) : nil
        } catch {
            return .failure(unreadable(response, of: call, reason: "the answer cannot be read: \(error)"))
        }
        if document?.name == "Error" { return .failure(refusal(response, of: call)) }
        guard case .xml(let root) = call.answer else { return .success(document) }
        guard document?.name == root else {
            let found = document.map { "<\(VisibleText.escaped($0.name))>" } ?? "nothing"
            return .failure(unreadable(response, of: call, reason: "the answer was to be <\(root)>, and is \(found)"))
        }
        return .success(document)
    }

    private static func refusal(_ response: HTTPResponse, of call: AWSCall) -> AWSFailure {
        var failure = ErrorAnswer.failure(of: call, response: response)
        // Sent twice over a connection that died: this answers the second, and the first may have taken effect.
        if response.transmissions > 1 { failure.isOutcomeUnknown = true }
        return failure
    }

    /// The call succeeded, or it did not: the answer does not say it.
    static func unreadable(_ response: HTTPResponse, of call: AWSCall, reason: String) -> AWSFailure {
        var failure = AWSFailure(
            operation: call.operation, origin: .unreadable(status: response.status), code: "UnreadableAnswer", message: reason)
        failure.ids = ids(response.headers)
        failure.isOutcomeUnknown = true
        return failure
    }

    static func failure(of call: AWSCall, _ problem: HTTPFailure) -> AWSFailure {
        let isCancelled = problem.kind == .cancelled
        var failure = AWSFailure(
            operation: call.operation,
            origin: isCancelled ? .cancelled : .unanswered(problem.kind),
            code: isCancelled ? "Cancelled" : code(of: problem.kind),
            message: problem.text
        )
        failure.isOutcomeUnknown = problem.outcome == .unknown
        return failure
    }

    static func failure(of call: AWSCall, _ problem: CredentialFailure, requests: Int) -> AWSFailure {
        var failure = AWSFailure(
            operation: call.operation, origin: .withoutCredentials(problem), code: "NoCredentials", message: problem.sentence)
        failure.requests = requests
        return failure
    }

    static func answer(_ response: HTTPResponse, _ document: XMLElement?, requests: Int, region: Region) -> AWSAnswer {
        AWSAnswer(
            status: response.status,
            headers: response.headers,
            body: response.body,
            document: document,
            ids: ids(response.headers),
            requests: requests,
            region: region,
            date: response.headers["date"].flatMap(WireDate.http)
        )
    }

    static func ids(_ headers: HTTPHeaders) -> RequestIDs {
        RequestIDs(request: headers["x-amz-request-id"] ?? headers["x-amzn-requestid"], host: headers["x-amz-id-2"])
    }

    private static func code(of kind: HTTPFailure.Kind) -> String {
        switch kind {
        case .badRequest: "BadRequestURL"
        case .resolve: "HostNotFound"
        case .connect: "NotConnected"
        case .tls: "TLSFailed"
        case .timeout: "TimedOut"
        case .stalled: "Stalled"
        case .cut: "ConnectionLost"
        case .badAnswer: "NotHTTP"
        case .tooLarge: "AnswerTooLarge"
        case .sourceRead: "SourceUnreadable"
        case .cancelled: "Cancelled"
        case .shutDown: "ShutDown"
        case .broken: "TransportBroken"
        }
    }
}

import FoundationEssentials
import PouchKit

/// The services of the sandbox, each with its own way to say no.
package enum ServiceDialect: String, Sendable {
    case s3, sts, kms, sqs, rolesanywhere
    /// What a host answers its workloads, without any signature.
    case metadata

    /// - Parameter requestID: also in the document, so that the log can be searched by what a client shows.
    package func reply(to refusal: Refusal, request: IncomingRequest, requestID: String, hostID: String) -> Reply {
        switch self {
        case .s3:
            let document = XMLText("Error") { error in
                error.add("Code", refusal.code)
                error.add("Message", refusal.message)
                for (name, value) in refusal.details { error.add(name, value) }
                error.add("Resource", request.rawPath)
                error.add("RequestId", requestID)
                error.add("HostId", hostID)
            }
            var reply = Reply.xml(document, status: refusal.status, headers: refusal.headers)
            // HEAD and 304 have no body, so that a client sees the status alone.
            if request.method == "HEAD" || refusal.status == 304 { reply.body = .none }
            return reply
        case .sts:
            let document = XMLText("ErrorResponse", namespace: XMLText.sts) { response in
                response.add("Error") { error in
                    error.add("Type", refusal.status < 500 ? "Sender" : "Receiver")
                    error.add("Code", refusal.code)
                    error.add("Message", refusal.message)
                }
                response.add("RequestId", requestID)
            }
            var reply = Reply.xml(document, status: refusal.status, headers: refusal.headers)
            reply.replace("content-type", with: "text/xml")
            return reply
        case .kms:
            return Self.json(["__type": refusal.code, "message": refusal.message], refusal, version: "1.1")
        case .sqs:
            // Its code of the time when it spoke the query protocol goes along, by which clients know it still.
            var refusal = refusal
            let fault = refusal.status < 500 ? "Sender" : "Receiver"
            refusal.headers.append(("x-amzn-query-error", "\(Self.queryCode(of: refusal.code));\(fault)"))
            return Self.json(
                ["__type": "com.amazonaws.sqs#\(refusal.code)", "message": refusal.message], refusal, version: "1.0")
        case .rolesanywhere, .metadata:
            let body = self == .metadata ? ["code": refusal.code, "message": refusal.message] : ["message": refusal.message]
            let bytes = (try? JSONEncoder().encode(body)).map { Array($0) } ?? []
            let headers = [(name: "content-type", value: "application/json"), (name: "x-amzn-errortype", value: refusal.code)]
            return Reply(refusal.status, headers: headers + refusal.headers, body: .bytes(bytes))
        }
    }

    private static func json(_ body: [String: String], _ refusal: Refusal, version: String) -> Reply {
        let bytes = (try? JSONEncoder().encode(body)).map { Array($0) } ?? []
        return Reply(
            refusal.status, headers: [("content-type", "application/x-amz-json-\(version)")] + refusal.headers, body: .bytes(bytes))
    }

    private static func queryCode(of code: String) -> String {
        switch code {
        case "QueueDoesNotExist": "AWS.SimpleQueueService.NonExistentQueue"
        case "EmptyBatchRequest", "TooManyEntriesInBatchRequest", "BatchEntryIdsNotDistinct": "AWS.SimpleQueueService." + code
        default: code
        }
    }

    /// The service's own words for a signature that is not believed.
    package func refusal(for problem: SignatureProblem) -> Refusal {
        switch self {
        case .s3: s3(problem)
        case .sts: query(problem, status: 403)
        case .kms, .sqs: json(problem)
        // Both tell their refusals themselves.
        case .rolesanywhere, .metadata: Refusal("AccessDeniedException", 403, "\(problem)")
        }
    }

    private func s3(_ problem: SignatureProblem) -> Refusal {
        switch problem {
        case .missing: return .accessDenied()
        case .oldVersion:
            return .invalidRequest(
                "The authorization mechanism you have provided is not supported. Please use AWS4-HMAC-SHA256.")
        case .malformed(let text):
            return Refusal("AuthorizationHeaderMalformed", 400, "The authorization header is malformed; \(text)")
        case .malformedQuery(let text): return Refusal("AuthorizationQueryParametersError", 400, text)
        case .missingDate: return .accessDenied("AWS authentication requires a valid Date or x-amz-date header")
        case .unsignedHeaders(let names):
            var refusal = Refusal.accessDenied("There were headers present in the request which were not signed")
            refusal.details = [("HeadersNotSigned", names.joined(separator: ", "))]
            return refusal
        case .unknownKey(let key):
            return Refusal(
                "InvalidAccessKeyId", 403, "The AWS Access Key Id you provided does not exist in our records.",
                details: [("AWSAccessKeyId", key)])
        case .mismatch(let key, let provided, let stringToSign, let canonical):
            return Refusal(
                "SignatureDoesNotMatch", 403,
                "The request signature we calculated does not match the signature you provided. Check your key and signing method.",
                details: [
                    ("AWSAccessKeyId", key), ("StringToSign", stringToSign), ("SignatureProvided", provided),
                    ("CanonicalRequest", canonical),
                ])
        case .skewed(let requestTime, let serverTime):
            return Refusal(
                "RequestTimeTooSkewed", 403, "The difference between the request time and the current time is too large.",
                details: [
                    ("RequestTime", requestTime), ("ServerTime", WireTime.iso8601Seconds(serverTime)),
                    ("MaxAllowedSkewMilliseconds", "900000"),
                ])
        case .notNow(let expired): return .accessDenied(expired ? "Request has expired" : "Request is not yet valid")
        case .wrongRegion(let found, let expected):
            return Refusal(
                "AuthorizationHeaderMalformed", 400,
                "The authorization header is malformed; the region '\(found)' is wrong; expecting '\(expected)'",
                details: [("Region", expected)])
        case .wrongService(let found, _):
            return Refusal(
                "AuthorizationHeaderMalformed", 400,
                "The authorization header is malformed; incorrect service \"\(found)\". This endpoint belongs to \"s3\".")
        case .invalidToken: return Refusal("InvalidToken", 400, "The provided token is malformed or otherwise invalid.")
        case .expiredToken: return Refusal("ExpiredToken", 400, "The provided token has expired.")
        }
    }

    private func query(_ problem: SignatureProblem, status: Int) -> Refusal {
        switch problem {
        case .missing: Refusal("MissingAuthenticationToken", status, "Request is missing Authentication Token")
        case .oldVersion: Refusal("IncompleteSignature", 400, "Signature Version 2 is not supported")
        case .malformed(let text), .malformedQuery(let text): Refusal("IncompleteSignature", 400, text)
        case .missingDate:
            Refusal(
                "IncompleteSignature", 400, "Authorization header requires existence of either a 'X-Amz-Date' or a 'Date' header.")
        case .unsignedHeaders(let names):
            Refusal(
                "SignatureDoesNotMatch", status,
                "'\(names.joined(separator: "', '"))' must be a 'SignedHeader' in the AWS Authorization.")
        case .unknownKey: Refusal("InvalidClientTokenId", status, "The security token included in the request is invalid.")
        case .mismatch(_, _, let stringToSign, let canonical):
            Refusal(
                "SignatureDoesNotMatch", status,
                "The request signature we calculated does not match the signature you provided. Check your AWS Secret Access Key "
                    + "and signing method.\n\nThe Canonical String for this request should have been\n'\(canonical)'\n\n"
                    + "The String-to-Sign should have been\n'\(stringToSign)'")
        case .skewed(let requestTime, let serverTime):
            Refusal(
                "SignatureDoesNotMatch", status,
                "Signature expired: \(requestTime) is now earlier than or later than allowed; the time is \(WireTime.iso8601Seconds(serverTime)) (15 min.)"
            )
        case .notNow: Refusal("SignatureDoesNotMatch", status, "Signature expired")
        case .wrongRegion(_, let expected):
            Refusal("SignatureDoesNotMatch", status, "Credential should be scoped to a valid region, not '\(expected)'.")
        case .wrongService(_, let expected):
            Refusal("SignatureDoesNotMatch", status, "Credential should be scoped to correct service: '\(expected)'.")
        case .invalidToken: Refusal("InvalidClientTokenId", status, "The security token included in the request is invalid.")
        case .expiredToken: Refusal("ExpiredToken", status, "The security token included in the request is expired")
        }
    }

    private func json(_ problem: SignatureProblem) -> Refusal {
        let base = query(problem, status: 400)
        let code =
            switch base.code {
            case "MissingAuthenticationToken": "MissingAuthenticationTokenException"
            case "IncompleteSignature": "IncompleteSignatureException"
            case "SignatureDoesNotMatch": "InvalidSignatureException"
            case "InvalidClientTokenId": "UnrecognizedClientException"
            case "ExpiredToken": "ExpiredTokenException"
            default: base.code
            }
        return Refusal(code, 400, base.message)
    }
}

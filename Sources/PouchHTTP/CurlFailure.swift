import CCurl

/// What libcurl's codes mean for a request.
enum CurlFailure {
    /// - Parameter wasBegun: Whether a byte of the request can have left: before that, a lost connection is one that never came
    ///   about (a proxy's refusal, for one).
    static func kind(of code: CURLcode, wasBegun: Bool) -> HTTPFailure.Kind {
        switch code {
        case CURLE_UNSUPPORTED_PROTOCOL:
            // Also libcurl's word for an answer that begins as HTTP never does.
            wasBegun ? .badAnswer : .badRequest
        case CURLE_URL_MALFORMAT, CURLE_NOT_BUILT_IN, CURLE_BAD_FUNCTION_ARGUMENT, CURLE_LOGIN_DENIED:
            .badRequest
        case CURLE_COULDNT_RESOLVE_PROXY, CURLE_COULDNT_RESOLVE_HOST:
            .resolve
        case CURLE_COULDNT_CONNECT, CURLE_INTERFACE_FAILED, CURLE_NO_CONNECTION_AVAILABLE, CURLE_PROXY:
            .connect
        case CURLE_SSL_CONNECT_ERROR, CURLE_PEER_FAILED_VERIFICATION, CURLE_SSL_ENGINE_NOTFOUND, CURLE_SSL_ENGINE_SETFAILED,
            CURLE_SSL_ENGINE_INITFAILED, CURLE_SSL_CERTPROBLEM, CURLE_SSL_CIPHER, CURLE_USE_SSL_FAILED, CURLE_SSL_CACERT_BADFILE,
            CURLE_SSL_CRL_BADFILE, CURLE_SSL_ISSUER_ERROR, CURLE_SSL_PINNEDPUBKEYNOTMATCH, CURLE_SSL_INVALIDCERTSTATUS,
            CURLE_SSL_CLIENTCERT, CURLE_SSL_SHUTDOWN_FAILED:
            .tls
        case CURLE_OPERATION_TIMEDOUT:
            .timeout
        case CURLE_PARTIAL_FILE, CURLE_GOT_NOTHING, CURLE_SEND_ERROR, CURLE_RECV_ERROR, CURLE_SEND_FAIL_REWIND, CURLE_HTTP2_STREAM:
            wasBegun ? .cut : .connect
        case CURLE_WEIRD_SERVER_REPLY, CURLE_HTTP2, CURLE_HTTP3, CURLE_QUIC_CONNECT_ERROR, CURLE_BAD_CONTENT_ENCODING,
            CURLE_HTTP_RETURNED_ERROR, CURLE_TOO_MANY_REDIRECTS, CURLE_CHUNK_FAILED, CURLE_RANGE_ERROR, CURLE_BAD_DOWNLOAD_RESUME:
            .badAnswer
        case CURLE_OUT_OF_MEMORY:
            // Also libcurl's word for a header line of more than 100 KiB.
            wasBegun ? .tooLarge : .broken
        case CURLE_FILESIZE_EXCEEDED:
            .tooLarge
        case CURLE_READ_ERROR, CURLE_UPLOAD_FAILED:
            .sourceRead
        default:
            // No descriptor, libcurl used wrongly, or a code of another protocol.
            .broken
        }
    }

    /// One sentence, with libcurl's own words where it has some.
    static func text(of code: CURLcode, words: String?, wasBegun: Bool) -> String {
        let reason = words ?? String(cString: curl_easy_strerror(code))
        let sentence =
            switch kind(of: code, wasBegun: wasBegun) {
            case .badRequest: "the request cannot be sent"
            case .resolve: "the name has no address"
            case .connect: "no connection"
            case .tls: "no trusted TLS connection"
            case .timeout: wasBegun ? "no answer in time" : "no connection in time"
            case .cut: "the connection was lost before the answer was complete"
            case .badAnswer: "what came back is not HTTP as it should be"
            case .tooLarge: "the answer is too large"
            case .sourceRead: "the body could not be read"
            case .stalled, .cancelled, .shutDown, .broken: "libcurl failed"
            }
        return "\(sentence): \(reason) (curl \(code.rawValue))"
    }
}

import Glibc
import PouchAWS
import PouchHTTP
import PouchKit
import PouchSandbox
import Synchronization

/// Carries requests to a sandbox in the same process, under AWS's own host names: nothing is resolved, and nothing listens.
final class SandboxTransport: HTTPTransport {
    private let endpoint: SandboxEndpoint
    private let store: ObjectStore
    /// What happens instead, for hosts that begin so.
    private let broken = Mutex<[String: HTTPFailure]>([:])

    init(_ sandbox: Sandbox) {
        endpoint = sandbox.endpoint
        store = sandbox.store
    }

    func breaks(_ hostPrefix: String, _ kind: HTTPFailure.Kind, _ text: String) {
        broken.withLock { $0[hostPrefix] = HTTPFailure(kind: kind, outcome: .notSent, text: text) }
    }

    func send(
        _ request: HTTPRequest,
        progress: (@Sendable (Int64) -> Void)?
    ) async throws(HTTPFailure) -> HTTPResponse {
        let isSecure = request.url.hasPrefix("https://")
        let rest = request.url.dropFirst(isSecure ? 8 : 7)
        let host = String(rest.prefix { $0 != "/" && $0 != "?" })
        if let failure = broken.withLock({ table in table.first { host.hasPrefix($0.key) }?.value }) { throw failure }
        let body = Self.bytes(of: request.body)
        let incoming = IncomingRequest(
            method: request.method, target: String(rest.dropFirst(host.count)), host: host,
            headers: request.headers + [("content-length", "\(body.count)")], isSecure: isSecure, received: SystemClock().now)
        do {
            let reply = try await endpoint.answer(incoming, body: IncomingBody(bytes: body))
            let headers = reply.headers + [("content-length", "\(reply.contentLength)")]
            return HTTPResponse(
                status: reply.status, headers: HTTPHeaders(headers.map { (name: $0.name, value: $0.value) }),
                body: request.method == "HEAD" ? [] : try await bytes(of: reply))
        } catch {
            throw HTTPFailure(kind: .cut, outcome: .unknown, text: "\(error)")
        }
    }

    private func bytes(of reply: Reply) async throws -> [UInt8] {
        switch reply.body {
        case .none: return []
        case .bytes(let bytes): return bytes
        case .object(let object, let range):
            var bytes: [UInt8] = []
            try await store.forEachBlock(of: object, in: range) { bytes += $0 }
            return bytes
        }
    }

    private static func bytes(of body: HTTPBody) -> [UInt8] {
        switch body {
        case .none: return []
        case .bytes(let bytes): return bytes
        case .file(let descriptor, let offset, let count):
            var bytes = [UInt8](repeating: 0, count: Int(count))
            let read = bytes.withUnsafeMutableBytes { pread(descriptor, $0.baseAddress, $0.count, off_t(offset)) }
            precondition(read == Int(count), "the test's file can be read")
            return bytes
        }
    }
}

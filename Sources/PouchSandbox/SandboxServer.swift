import Hummingbird
import HummingbirdCore
import HummingbirdTLS
import Logging
import PouchKit
import ServiceLifecycle

/// One listening socket: turns HTTP into `IncomingRequest` and `Reply` into HTTP. Nothing else knows about the web server.
struct SandboxServer: Sendable {
    let endpoint: SandboxEndpoint
    let store: ObjectStore
    let clock: any AgentClock
    let logger: Logger

    /// Serves until it is cancelled or shut down gracefully.
    ///
    /// - Parameter tls: none: plain HTTP.
    func run(address: String, port: Int, tls: TLSConfiguration?, ready: @escaping @Sendable (Int) async -> Void) async throws {
        let isSecure = tls != nil
        // The application's own responder is not used: it turns every error into an answer, and a reset is none.
        let plain = HTTPServerBuilder { _ in
            HTTP1Channel(responder: { request, writer, _ in
                try await serve(request, writer, isSecure: isSecure)
            })
        }
        let application = Application(
            responder: NoAnswer(), server: try tls.map { try .tls(plain, tlsConfiguration: $0) } ?? plain,
            configuration: ApplicationConfiguration(address: .hostname(address, port: port), backlog: 1_024),
            onServerRunning: { channel in await ready(channel.localAddress?.port ?? port) }, logger: logger)
        try await application.run()
    }

    private func serve(_ request: Request, _ writer: consuming ResponseWriter, isSecure: Bool) async throws {
        var expectsContinue = false
        var fields: [(name: String, value: String)] = []
        for field in request.headers {
            fields.append((field.name.rawName, field.value))
            if field.name.canonicalName == "expect" { expectsContinue = field.value.lowercased() == "100-continue" }
        }
        // Always invited: a client that holds its body back after a refusal would leave the connection in doubt.
        if expectsContinue { try await writer.writeInformationalHead(HTTPResponse(status: .init(code: 100))) }
        let incoming = IncomingRequest(
            method: request.head.method.rawValue, target: request.head.path ?? "/", host: request.head.authority ?? "",
            headers: fields, isSecure: isSecure, received: clock.now)
        let reply = try await endpoint.answer(incoming, body: IncomingBody(request.body))
        var head = HTTPResponse(status: .init(code: reply.status))
        for (name, value) in reply.headers {
            guard let name = HTTPFieldName(name) else { continue }
            head.headerFields.append(.init(name: name, value: value))
        }
        if reply.status != 204, reply.status != 304, let name = HTTPFieldName("content-length") {
            head.headerFields.append(.init(name: name, value: "\(reply.contentLength)"))
        }
        try await writer.write(response: head, body: body(of: reply, method: request.head.method.rawValue))
    }

    private func body(of reply: Reply, method: String) -> ResponseBody {
        if method == "HEAD" { return ResponseBody() }
        switch reply.body {
        case .none: return ResponseBody()
        case .bytes(let bytes):
            guard let limit = reply.truncation else { return ResponseBody(byteBuffer: ByteBuffer(bytes: bytes)) }
            return ResponseBody { writer in
                try await writer.write(ByteBuffer(bytes: bytes.prefix(limit)))
                throw ConnectionReset()
            }
        case .object(let object, let range):
            return ResponseBody { writer in
                var rest = reply.truncation ?? .max
                try await store.lend(object) {
                    try await store.forEachBlock(of: object, in: range) { block in
                        try await writer.write(ByteBuffer(bytes: block.prefix(rest)))
                        rest -= min(rest, block.count)
                        if rest == 0 { throw ConnectionReset() }
                    }
                }
                try await writer.finish(nil)
            }
        }
    }
}

/// The name of a header, as the web server wants it.
private typealias HTTPFieldName = HTTPFields.Element.Name

/// Stands where an application must have a responder.
private struct NoAnswer: HTTPResponder {
    func respond(to request: Request, context: BasicRequestContext) async throws -> Response {
        Response(status: .init(code: 404))
    }
}

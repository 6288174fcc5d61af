import FoundationEssentials
import PouchFiles
package import PouchKit

/// One JSON line per request, for those who want to know afterwards who did what: which permissions were asked for, which keys
/// were used in which context, which owners were expected.
package final class RequestLog: Sendable {
    private struct Line: Encodable {
        let time: String
        let request: String
        let service: String
        let caller: String?
        let action: String
        let bucket: String?
        let key: String?
        let version: String?
        let source: String?
        let status: Int?
        let code: String?
        let permissions: [String]
        let kms: [KeyCheck]
        let expectedOwner: String?
        let sourceExpectedOwner: String?
        let bytesIn: Int64
        let bytesOut: Int64
        let tls: Bool
        let milliseconds: Int64
        let fault: String?
    }

    private let file: SharedFile
    private let clock: any AgentClock

    package init(path: String, clock: any AgentClock) throws {
        file = try StoreLog.openForAppending(path).shared()
        self.clock = clock
    }

    /// - Parameter reply: none when the connection broke or was closed on purpose.
    package func record(_ request: IncomingRequest, notes: RequestNotes.Contents, requestID: String, reply: Reply?, code: String?) {
        let line = Line(
            time: request.received.description, request: requestID, service: notes.service, caller: notes.caller,
            action: notes.action, bucket: notes.bucket, key: notes.key, version: notes.version, source: notes.source,
            status: reply?.status, code: code, permissions: notes.permissions, kms: notes.keyChecks,
            expectedOwner: notes.expectedOwner, sourceExpectedOwner: notes.sourceExpectedOwner,
            bytesIn: request.headers["content-length"].flatMap { Int64($0) } ?? 0,
            bytesOut: reply.map { $0.hasBody ? $0.contentLength : 0 } ?? 0, tls: request.isSecure,
            milliseconds: request.received.duration(to: clock.now).components.seconds * 1_000
                + request.received.duration(to: clock.now).components.attoseconds / 1_000_000_000_000_000,
            fault: notes.fault)
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.withoutEscapingSlashes, .sortedKeys]
        // A log that cannot be written must not stop the services that it is about.
        guard let bytes = try? encoder.encode(line) else { return }
        try? file.file.write(Array(bytes) + [UInt8(ascii: "\n")])
    }
}

import FoundationEssentials
import PouchAWS
import PouchCrypto
import PouchHTTP
import PouchKit
import Synchronization

/// Both buckets of a store that throws bytes away and keeps their number and their checksum: for files larger than any disk here. It
/// refuses what is larger than one request takes, and parts that do not give what was promised.
final class CountingStore: HTTPTransport {
    struct Item: Hashable {
        let size: Int64
        let checksum: CRC64NVME
    }

    private struct Upload {
        let key: String
        var parts: [Int: Item] = [:]
    }

    private struct State {
        var objects: [String: Item] = [:]
        var bodies: [String: [UInt8]] = [:]
        var uploads: [String: Upload] = [:]
        var requests: [String] = []
        var bytes: Int64 = 0
    }

    private let state = Mutex(State())

    /// By `bucket/key`.
    var objects: [String: Item] { state.withLock { $0.objects } }
    var openUploads: Int { state.withLock { $0.uploads.count } }
    /// Bytes of bodies that came in.
    var bytes: Int64 { state.withLock { $0.bytes } }
    /// How often each operation was asked for.
    var requests: [String: Int] { state.withLock { Dictionary($0.requests.map { ($0, 1) }) { $0 + $1 } } }

    func send(
        _ request: HTTPRequest,
        progress: (@Sendable (Int64) -> Void)?
    ) async throws(HTTPFailure) -> HTTPResponse {
        progress?(request.body.count)
        let url = request.url.dropFirst("https://".count)
        let bucket = url.prefix { $0 != "." }
        let rest = url.drop { $0 != "/" }.dropFirst()
        let path = rest.split(separator: "?", maxSplits: 1).map(String.init)
        let key = "\(bucket)/\(path.first ?? "")"
        let query = Dictionary(
            (path.count > 1 ? path[1] : "").split(separator: "&").map { item in
                let pair = item.split(separator: "=", maxSplits: 1).map(String.init)
                return (pair[0], pair.count > 1 ? pair[1] : "")
            }
        ) { $1 }
        return state.withLock { answer(request, key, query, &$0) }
    }

    private func answer(_ request: HTTPRequest, _ key: String, _ query: [String: String], _ state: inout State) -> HTTPResponse {
        let source = request.header("x-amz-copy-source")
        state.bytes += request.body.count
        switch (request.method, source, query["uploadId"]) {
        case ("PUT", nil, nil): return put(request, key, &state)
        case ("PUT", nil, let id?): return part(Self.item(request), id, query, "UploadPart", &state)
        case ("PUT", let source?, nil): return copy(source, key, &state)
        case ("PUT", let source?, let id?):
            guard let item = Self.item(source, request, state) else { return Self.refusal(404, "NoSuchKey") }
            return part(item, id, query, "UploadPartCopy", &state)
        case ("POST", _, nil):
            state.requests.append("CreateMultipartUpload")
            let id = "U\(state.requests.count)"
            state.uploads[id] = Upload(key: key)
            return Self.success("<InitiateMultipartUploadResult><UploadId>\(id)</UploadId></InitiateMultipartUploadResult>", key)
        case ("POST", _, let id?): return complete(request, id, &state)
        case ("GET", _, nil) where query["uploads"] != nil:
            return Self.success("<ListMultipartUploadsResult></ListMultipartUploadsResult>", key)
        case ("GET", _, nil):
            state.requests.append("GetObject")
            guard let body = state.bodies[key] else { return Self.refusal(404, "NoSuchKey") }
            return HTTPResponse(status: 200, headers: HTTPHeaders([("ETag", "\"e\"")]), body: body)
        default: return Self.refusal(403, "AccessDenied")
        }
    }

    private func put(_ request: HTTPRequest, _ key: String, _ state: inout State) -> HTTPResponse {
        state.requests.append("PutObject")
        let item = Self.item(request)
        guard item.size <= 5 << 30 else { return Self.refusal(400, "EntityTooLarge") }
        state.objects[key] = item
        if case .bytes(let bytes) = request.body { state.bodies[key] = bytes }
        return Self.success("", key, item.checksum)
    }

    private func copy(_ source: String, _ key: String, _ state: inout State) -> HTTPResponse {
        state.requests.append("CopyObject")
        guard let item = state.objects[Self.key(of: source)] else { return Self.refusal(404, "NoSuchKey") }
        guard item.size <= 5 << 30 else { return Self.refusal(400, "InvalidRequest") }
        state.objects[key] = item
        return Self.success("<CopyObjectResult><ETag>\"e\"</ETag></CopyObjectResult>", key)
    }

    private func part(
        _ item: Item, _ id: String, _ query: [String: String], _ operation: String, _ state: inout State
    ) -> HTTPResponse {
        state.requests.append(operation)
        guard let number = query["partNumber"].flatMap({ Int($0) }), (1...10_000).contains(number), item.size <= 5 << 30,
            state.uploads[id] != nil
        else { return Self.refusal(400, "InvalidArgument") }
        state.uploads[id]?.parts[number] = item
        return Self.success(
            "<CopyPartResult><ETag>\"p\(number)\"</ETag><ChecksumCRC64NVME>\(item.checksum.base64)</ChecksumCRC64NVME>"
                + "</CopyPartResult>", state.uploads[id]?.key ?? "", item.checksum)
    }

    private func complete(_ request: HTTPRequest, _ id: String, _ state: inout State) -> HTTPResponse {
        state.requests.append("CompleteMultipartUpload")
        guard let upload = state.uploads[id] else { return Self.refusal(404, "NoSuchUpload") }
        let parts = upload.parts.sorted { $0.key < $1.key }.map(\.value)
        guard parts.dropLast().allSatisfy({ $0.size >= 5 << 20 }) else { return Self.refusal(400, "EntityTooSmall") }
        let size = parts.reduce(0) { $0 + $1.size }
        let checksum = parts.reduce(CRC64NVME(0)) { CRC64NVMEHasher.combine($0, $1.checksum, lengthOfSecond: $1.size) }
        guard request.header("x-amz-mp-object-size") == "\(size)" else { return Self.refusal(400, "InvalidRequest") }
        guard request.header("x-amz-checksum-crc64nvme") == checksum.base64 else { return Self.refusal(400, "BadDigest") }
        state.objects[upload.key] = Item(size: size, checksum: checksum)
        state.uploads[id] = nil
        return Self.success(
            "<CompleteMultipartUploadResult><ETag>\"e\"</ETag><ChecksumCRC64NVME>\(checksum.base64)</ChecksumCRC64NVME>"
                + "</CompleteMultipartUploadResult>", upload.key, checksum)
    }

    private static func item(_ request: HTTPRequest) -> Item {
        let checksum = request.header("x-amz-checksum-crc64nvme").flatMap { CRC64NVME(base64: $0) }
        return Item(size: request.body.count, checksum: checksum ?? CRC64NVME(0))
    }

    /// The part of the source that a copy takes: content here is all alike, so that a range has the checksum of its length.
    private static func item(_ source: String, _ request: HTTPRequest, _ state: State) -> Item? {
        guard let item = state.objects[key(of: source)] else { return nil }
        guard let range = request.header("x-amz-copy-source-range") else { return item }
        let bounds = range.dropFirst("bytes=".count).split(separator: "-").compactMap { Int64($0) }
        return Item(size: bounds[1] - bounds[0] + 1, checksum: Zeros.checksum(ofCount: bounds[1] - bounds[0] + 1))
    }

    private static func key(of source: String) -> String { String(source.prefix { $0 != "?" }) }

    private static func success(_ body: String, _ key: String, _ checksum: CRC64NVME? = nil) -> HTTPResponse {
        let arn = key.hasPrefix("acme-inbox") ? Answers.inboxKey : Answers.repositoryKey
        var headers = [
            (name: "ETag", value: "\"e\""), (name: "x-amz-version-id", value: "V1"),
            (name: "x-amz-copy-source-version-id", value: "V1"), (name: "x-amz-server-side-encryption", value: "aws:kms"),
            (name: "x-amz-server-side-encryption-aws-kms-key-id", value: arn),
        ]
        if let checksum { headers.append(("x-amz-checksum-crc64nvme", checksum.base64)) }
        return HTTPResponse(status: 200, headers: HTTPHeaders(headers), body: Array(body.utf8))
    }

    private static func refusal(_ status: Int, _ code: String) -> HTTPResponse {
        HTTPResponse(status: status, headers: HTTPHeaders([]), body: Array("<Error><Code>\(code)</Code></Error>".utf8))
    }
}

/// A file of nothing but zeros, without the file.
enum Zeros {
    private static let known = Mutex<[Int64: CRC64NVME]>([:])

    /// Of that many zero bytes.
    static func checksum(ofCount count: Int64) -> CRC64NVME {
        known.withLock { known in
            if let checksum = known[count] { return checksum }
            let checksum = computed(count)
            known[count] = checksum
            return checksum
        }
    }

    /// By doubling.
    private static func computed(_ count: Int64) -> CRC64NVME {
        var sum = CRC64NVME(0)
        var power = CRC64NVMEHasher.checksum(of: [0])
        var length: Int64 = 1
        var rest = count
        while rest > 0 {
            if rest & 1 == 1 { sum = CRC64NVMEHasher.combine(sum, power, lengthOfSecond: length) }
            power = CRC64NVMEHasher.combine(power, power, lengthOfSecond: length)
            length *= 2
            rest >>= 1
        }
        return sum
    }

    static func file(of size: Int64) throws -> OutgoingFile {
        let digests = FileDigests(sha256: SHA256Hasher.digest(of: "zeros"), crc64nvme: checksum(ofCount: size))
        return OutgoingFile(
            path: try DropPath(bytes: Array("zeros.bin".utf8)), size: size, modified: Timestamp(seconds: 0), descriptor: -1,
            digests: { () async throws(DeliveryFailure) in digests },
            partDigests: { (part, _) async throws(DeliveryFailure) in
                PartDigests(crc64nvme: checksum(ofCount: Int64(part.count)))
            }, knownDigests: { nil }, verifyUnchanged: { () throws(DeliveryFailure) in })
    }
}

import PouchCrypto
import PouchKit
import PouchSandbox
import PouchTestSupport
import Testing

@Suite("Multipart uploads")
struct MultipartTests {
    private static let allowAll =
        #"{ "Version": "2012-10-17", "Statement": { "Effect": "Allow", "Action": "*", "Resource": "*" } }"#
    private static let scenario = """
        { "accounts": [ { "id": "333333333333", "users": [ { "name": "admin", "profile": "admin", "policies": [ \(allowAll) ] } ],
          "buckets": [ { "name": "parts", "region": "eu-west-1" } ] } ] }
        """

    private func house(in folder: TemporaryFolder? = nil) throws -> House {
        try House(scenario: SandboxScenario(json: Array(Self.scenario.utf8)), in: folder)
    }

    private func begin(_ house: House, _ headers: [String: String] = [:]) async throws -> String {
        let answer = try await house.s3("POST", "/parts/k?uploads", as: house.user("admin"), headers)
        return try #require(answer.element("UploadId"))
    }

    private func part(_ house: House, _ upload: String, _ number: Int, _ body: [UInt8]) async throws -> String {
        let answer = try await house.s3(
            "PUT", "/parts/k?partNumber=\(number)&uploadId=\(upload)", as: house.user("admin"), body: body)
        return try #require(answer.headers["etag"])
    }

    private func complete(
        _ house: House, _ upload: String, _ parts: [(number: Int, etag: String)], _ headers: [String: String] = [:]
    ) async throws -> Answer {
        let list = parts.map { "<Part><PartNumber>\($0.number)</PartNumber><ETag>\($0.etag)</ETag></Part>" }.joined()
        return try await house.s3(
            "POST", "/parts/k?uploadId=\(upload)", as: house.user("admin"), headers,
            body: Array("<CompleteMultipartUpload>\(list)</CompleteMultipartUpload>".utf8))
    }

    @Test("parts become one object with the checksum of the whole, and its ETag counts them")
    func whole() async throws {
        let house = try house()
        let upload = try await begin(
            house, ["x-amz-checksum-algorithm": "CRC64NVME", "x-amz-checksum-type": "FULL_OBJECT"])
        let bodies = [[UInt8](repeating: 7, count: 5 << 20), Array("end".utf8)]
        var parts: [(number: Int, etag: String)] = []
        for (number, body) in [(3, bodies[0]), (9, bodies[1])] {
            parts.append((number, try await part(house, upload, number, body)))
        }
        let listed = try await house.s3("GET", "/parts/k?uploadId=\(upload)", as: house.user("admin"))
        #expect(listed.text.contains("<PartNumber>3</PartNumber>") && listed.text.contains("<Size>3</Size>"))
        let crc = CRC64NVMEHasher.checksum(of: bodies[0] + bodies[1]).base64
        let done = try await complete(
            house, upload, parts,
            ["x-amz-checksum-crc64nvme": crc, "x-amz-mp-object-size": "1", "if-none-match": "*"])
        #expect(done.status == 400, "the size is wrong")
        let again = try await complete(
            house, upload, parts,
            ["x-amz-checksum-crc64nvme": crc, "x-amz-mp-object-size": "\((5 << 20) + 3)", "if-none-match": "*"])
        #expect(again.status == 200 && again.element("ChecksumCRC64NVME") == crc)
        #expect(again.element("ETag")?.hasSuffix("-2\"") == true)
        #expect(try await complete(house, upload, parts).code == "NoSuchUpload")
        let read = try await house.s3("GET", "/parts/k", as: house.user("admin"), ["range": "bytes=5242879-5242882"])
        #expect(read.status == 206 && read.body == [7] + bodies[1])
    }

    @Test("lists of parts that cannot be are refused")
    func refusals() async throws {
        let house = try house()
        let upload = try await begin(house)
        let etags = [try await part(house, upload, 1, [1]), try await part(house, upload, 2, [2])]
        #expect(try await complete(house, upload, [(1, etags[0]), (2, etags[1])]).code == "EntityTooSmall")
        #expect(try await complete(house, upload, [(2, etags[1]), (1, etags[0])]).code == "InvalidPartOrder")
        #expect(try await complete(house, upload, [(1, etags[1])]).code == "InvalidPart")
        #expect(try await complete(house, upload, [(3, etags[0])]).code == "InvalidPart")
        #expect(try await complete(house, upload, []).code == "MalformedXML")
        #expect(try await complete(house, upload, [(1, etags[0])], ["x-amz-checksum-type": "COMPOSITE"]).code == "InvalidRequest")
        #expect(try await complete(house, upload, [(1, etags[0])]).status == 200)
    }

    @Test("an upload that is given up takes its parts with it, and uploads survive a restart")
    func abort() async throws {
        let folder = try TemporaryFolder("abort")
        let upload: String
        do {
            let house = try house(in: folder)
            upload = try await begin(house)
            _ = try await part(house, upload, 1, [1])
        }
        let again = try house(in: folder)
        let uploads = try await again.s3("GET", "/parts?uploads", as: again.user("admin"))
        #expect(uploads.text.contains(upload))
        #expect(try again.folder.files(in: "sandbox/bodies").count == 1)
        #expect(try await again.s3("DELETE", "/parts/k?uploadId=\(upload)", as: again.user("admin")).status == 204)
        #expect(try again.folder.files(in: "sandbox/bodies").isEmpty)
    }

    @Test("a copied part needs no bytes of its own, and keeps them when the source goes")
    func copies() async throws {
        let house = try house()
        let body = (0..<(6 << 20)).map { UInt8(truncatingIfNeeded: $0 &* 31) }
        _ = try await house.s3("PUT", "/parts/source", as: house.user("admin"), body: body)
        let upload = try await begin(house, ["x-amz-checksum-algorithm": "CRC64NVME"])
        let target = "/parts/k?partNumber=1&uploadId=\(upload)"
        let copied = try await house.s3(
            "PUT", target, as: house.user("admin"),
            ["x-amz-copy-source": "/parts/source", "x-amz-copy-source-range": "bytes=1000-5999999"])
        let etag = try #require(copied.element("ETag"))
        #expect(copied.element("ChecksumCRC64NVME") == CRC64NVMEHasher.checksum(of: Array(body[1000...5_999_999])).base64)
        #expect(try house.folder.files(in: "sandbox/bodies").count == 1)
        #expect(try await complete(house, upload, [(1, etag)]).status == 200)
        #expect(try await house.s3("DELETE", "/parts/source", as: house.user("admin")).status == 204)
        let read = try await house.s3("GET", "/parts/k", as: house.user("admin"))
        #expect(read.body == Array(body[1000...5_999_999]))
        #expect(try await house.s3("DELETE", "/parts/k", as: house.user("admin")).status == 204)
        #expect(try house.folder.files(in: "sandbox/bodies").isEmpty)
    }
}

import PouchAWS
import PouchHTTP
import PouchKit
import Testing

@Suite("Multipart calls")
struct MultipartTests {
    private func s3(_ transport: ScriptedTransport) -> S3 { S3(credentials: CountedCredentials(), link: Sample.link(transport)) }

    private func upload() throws -> MultipartUpload {
        MultipartUpload(bucket: try Sample.bucket(), key: "from-orga/ü.csv", id: "an+id/=")
    }

    private func completion() throws -> CompleteMultipartUpload {
        var request = CompleteMultipartUpload(
            upload: try upload(),
            parts: [
                UploadedPart(number: 1, etag: "\"a&b\"", checksum: CRC64NVME(1)),
                UploadedPart(number: 2, etag: "\"c\"", checksum: nil),
            ], checksum: CRC64NVME(7), size: 99)
        request.isCreateOnly = true
        return request
    }

    private static let completed = "<CompleteMultipartUploadResult><ETag>\"e\"</ETag></CompleteMultipartUploadResult>"

    @Test("an upload is begun with everything that the object is to have, and a checksum of the whole; the condition comes later")
    func begins() async throws {
        let transport = ScriptedTransport([
            HTTPResponse(200, [], "<InitiateMultipartUploadResult><UploadId>U1</UploadId></InitiateMultipartUploadResult>")
        ])
        var attributes = ObjectAttributes(key: try KeyARN(Sample.key), metadata: [("pouch-delivery", "d")], contentType: "a/b")
        attributes.acl = "bucket-owner-full-control"
        attributes.storageClass = "STANDARD_IA"
        attributes.isCreateOnly = true
        let create = CreateMultipartUpload(bucket: try Sample.bucket(), key: "k", attributes: attributes)
        #expect(try await s3(transport).createMultipartUpload(create).upload.id == "U1")
        let request = try #require(transport.requests.first)
        #expect(request.method == "POST" && request.url.hasSuffix("/k?uploads"))
        let expected = [
            "x-amz-server-side-encryption": "aws:kms", "x-amz-server-side-encryption-aws-kms-key-id": Sample.key,
            "x-amz-checksum-algorithm": "CRC64NVME", "x-amz-checksum-type": "FULL_OBJECT", "content-type": "a/b",
            "x-amz-acl": "bucket-owner-full-control", "x-amz-storage-class": "STANDARD_IA", "x-amz-meta-pouch-delivery": "d",
            "x-amz-expected-bucket-owner": "222222222222",
        ]
        for (name, value) in expected { #expect(request.header(name) == value, "\(name)") }
        #expect(request.header("if-none-match") == nil)
    }

    @Test("a part is copied from one version, on the condition that it is what it was, and names no encryption")
    func copiesParts() async throws {
        let transport = ScriptedTransport([
            HTTPResponse(
                200, [("x-amz-copy-source-version-id", "V+1")],
                "<CopyPartResult><ETag>\"p\"</ETag><ChecksumCRC64NVME>\(CRC64NVME(5).base64)</ChecksumCRC64NVME></CopyPartResult>")
        ])
        let copy = UploadPartCopy(upload: try upload(), number: 7, source: try Sample.copy().source, range: 10..<30)
        let answer = try await s3(transport).uploadPartCopy(copy)
        #expect(answer.part == UploadedPart(number: 7, etag: "\"p\"", checksum: CRC64NVME(5), size: 20))
        #expect(answer.sourceVersionID == "V+1")
        let request = try #require(transport.requests.first)
        #expect(request.url.hasSuffix("?partNumber=7&uploadId=an%2Bid%2F%3D"))
        let expected = [
            "x-amz-copy-source": "orga-repository/acme/a%20b/%C3%BC.csv?versionId=V%2B1", "x-amz-copy-source-if-match": "\"e\"",
            "x-amz-copy-source-range": "bytes=10-29", "x-amz-expected-bucket-owner": "222222222222",
            "x-amz-source-expected-bucket-owner": "111111111111",
        ]
        for (name, value) in expected { #expect(request.header(name) == value, "\(name)") }
        #expect(request.headers.allSatisfy { !$0.name.hasPrefix("x-amz-server-side") })
    }

    @Test("completing names the parts, the size, the checksum of the whole and the condition, and is no form")
    func completes() async throws {
        let transport = ScriptedTransport([HTTPResponse(200, [], Self.completed)])
        #expect(try await s3(transport).completeMultipartUpload(try completion()).etag == "\"e\"")
        let request = try #require(transport.requests.first)
        let expected = [
            "x-amz-checksum-crc64nvme": CRC64NVME(7).base64, "x-amz-checksum-type": "FULL_OBJECT", "x-amz-mp-object-size": "99",
            "if-none-match": "*", "content-type": "application/xml",
        ]
        for (name, value) in expected { #expect(request.header(name) == value, "\(name)") }
        guard case .bytes(let body) = request.body else {
            Issue.record("it has a body")
            return
        }
        #expect(
            String(decoding: body, as: UTF8.self)
                == #"<CompleteMultipartUpload xmlns="http://s3.amazonaws.com/doc/2006-03-01/"><Part><PartNumber>1</PartNumber>"#
                + #"<ETag>"a&amp;b"</ETag><ChecksumCRC64NVME>AAAAAAAAAAE=</ChecksumCRC64NVME></Part><Part>"#
                + #"<PartNumber>2</PartNumber><ETag>"c"</ETag></Part></CompleteMultipartUpload>"#)
    }

    @Test("the white space that S3 sends while it works is no answer yet, and an error after it is one")
    func keepAlive() async throws {
        let space = String(repeating: " \n", count: 5_000)
        let head = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
        let good = ScriptedTransport([HTTPResponse(200, [], head + space + Self.completed)])
        #expect(try await s3(good).completeMultipartUpload(try completion()).requests == 1)
        let bad = ScriptedTransport([HTTPResponse(200, [], space + "<Error><Code>InternalError</Code></Error>")])
        let failure = await #expect(throws: AWSFailure.self) { try await s3(bad).completeMultipartUpload(try completion()) }
        #expect(failure?.code == "InternalError" && failure?.isOutcomeUnknown == true)
        #expect(bad.requests.count == 1)
    }

    @Test("completing is not repeated after a lost answer, nor after a conflict")
    func completesOnce() async throws {
        for step in [{ _ in .failure(.cut) }, { _ in .success(.error(409, "ConditionalRequestConflict")) }]
            as [ScriptedTransport.Step]
        {
            let transport = ScriptedTransport([step, step])
            await #expect(throws: AWSFailure.self) { try await s3(transport).completeMultipartUpload(try completion()) }
            #expect(transport.requests.count == 1)
        }
        let slow = ScriptedTransport([.error(503, "SlowDown"), HTTPResponse(200, [], Self.completed)])
        #expect(try await s3(slow).completeMultipartUpload(try completion()).requests == 2)
    }

    @Test("parts are listed page by page, and a marker that does not move ends it")
    func listsParts() async throws {
        func page(_ numbers: [Int], next: Int?) -> HTTPResponse {
            let parts = numbers.map { "<Part><PartNumber>\($0)</PartNumber><ETag>\"\($0)\"</ETag><Size>5</Size></Part>" }
            let end = next.map { "<IsTruncated>true</IsTruncated><NextPartNumberMarker>\($0)</NextPartNumberMarker>" } ?? ""
            return HTTPResponse(200, [], "<ListPartsResult>\(parts.joined())\(end)</ListPartsResult>")
        }
        let transport = ScriptedTransport([page([1, 2], next: 2), page([3], next: nil)])
        let parts = try await s3(transport).listParts(of: try upload())
        #expect(parts.map(\.number) == [1, 2, 3] && parts.allSatisfy { $0.size == 5 })
        #expect(transport.requests[1].url.contains("part-number-marker=2"))
        let stuck = ScriptedTransport([page([1], next: 1), page([2], next: 1)])
        #expect(try await s3(stuck).listParts(of: try upload()).count == 2)
    }

    @Test("open uploads are those of exactly this key")
    func listsUploads() async throws {
        let entries = ["k", "k2"].map { "<Upload><Key>\($0)</Key><UploadId>U-\($0)</UploadId></Upload>" }.joined()
        let transport = ScriptedTransport([
            HTTPResponse(200, [], "<ListMultipartUploadsResult>\(entries)</ListMultipartUploadsResult>")
        ])
        let found = try await s3(transport).openUploads(in: try Sample.bucket(), key: "k")
        #expect(found.map(\.upload.id) == ["U-k"])
        #expect(transport.requests[0].url.hasSuffix("/?uploads&prefix=k"))
    }

    @Test("an upload that is gone already is aborted")
    func aborts() async throws {
        let transport = ScriptedTransport([.error(404, "NoSuchUpload")])
        try await s3(transport).abortMultipartUpload(try upload())
        #expect(transport.requests[0].method == "DELETE")
    }
}

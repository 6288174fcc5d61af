import PouchAWS
import PouchHTTP
import PouchKit
import Testing

@Suite("A list of objects")
struct ListObjectsTests {
    @Test("is read page by page, with keys that XML cannot carry")
    func pages() async throws {
        let transport = ScriptedTransport([
            HTTPResponse(
                200, [],
                """
                <ListBucketResult><IsTruncated>true</IsTruncated><NextContinuationToken>T+1</NextContinuationToken>
                <Contents><Key>acme/a%2Bb+c%01</Key><LastModified>2026-11-23T14:05:09.000Z</LastModified>
                <ETag>&quot;e&quot;</ETag><Size>5</Size></Contents></ListBucketResult>
                """), HTTPResponse(200, [], "<ListBucketResult><IsTruncated>false</IsTruncated></ListBucketResult>"),
        ])
        let s3 = S3(credentials: CountedCredentials(), link: Sample.link(transport))
        let page = try await s3.listObjects(in: Sample.bucket(), prefix: "acme/", startAfter: "acme//")
        #expect(page.entries.map(\.key) == ["acme/a+b c\u{1}"])
        #expect(page.entries.map(\.etag) == ["\"e\""])
        #expect(page.continuation == "T+1")
        let last = try await s3.listObjects(in: Sample.bucket(), prefix: "acme/", continuation: page.continuation)
        #expect(last.entries.isEmpty && last.continuation == nil)
        for item in ["list-type=2", "encoding-type=url", "prefix=acme%2F", "start-after=acme%2F%2F"] {
            #expect(transport.requests[0].url.contains(item))
        }
        #expect(transport.requests[1].url.contains("continuation-token=T%2B1"))
    }

    @Test("a small object is handed out as it is, even when it looks like an error")
    func smallObject() async throws {
        let transport = ScriptedTransport([HTTPResponse(200, [("etag", "\"e\"")], "<Error><Code>No</Code></Error>")])
        let object = try await S3(credentials: CountedCredentials(), link: Sample.link(transport))
            .getSmallObject(in: Sample.bucket(), key: "k")
        #expect(String(decoding: object.bytes, as: UTF8.self) == "<Error><Code>No</Code></Error>")
    }
}

import PouchAWS
import PouchHTTP
import PouchKit
import Testing

@Suite("A call to AWS")
struct AWSClientTests {
    private static let copied = HTTPResponse(
        200, [("x-amz-version-id", "V2"), ("x-amz-request-id", "R2")],
        "<CopyObjectResult><ETag>\"n\"</ETag><ChecksumCRC64NVME>AAAAAAAAAAA=</ChecksumCRC64NVME></CopyObjectResult>")

    @Test("a server's failure is tried again, three times in all, and the requests are counted")
    func retries() async throws {
        let clock = StandingClock()
        let transport = ScriptedTransport([
            .error(503, "SlowDown"), HTTPResponse(500), HTTPResponse(200, [("x-amz-bucket-region", "eu-west-1")]),
        ])
        let s3 = S3(credentials: CountedCredentials(), link: Sample.link(transport, clock: clock))
        let region = try await s3.headBucket(Sample.bucket())
        #expect(region.description == "eu-west-1")
        #expect(transport.requests.count == 3)
        #expect(clock.slept == [.seconds(1), .milliseconds(100)])
    }

    @Test("a refusal is not tried again, and keeps the service's words and ids")
    func refusal() async throws {
        let transport = ScriptedTransport([.error(403, "AccessDenied", "<HostId>H1</HostId>")])
        let s3 = S3(credentials: CountedCredentials(), link: Sample.link(transport))
        let failure = await #expect(throws: AWSFailure.self) { try await s3.copyObject(Sample.copy()) }
        #expect(failure?.description == "AccessDenied (403): said so; request R1")
        #expect(failure?.ids == RequestIDs(request: "R1", host: "H1"))
        #expect(failure?.isOutcomeUnknown == false)
        #expect(failure?.requests == 1)
    }

    @Test(
        "a copy whose outcome is unknown is not sent again",
        arguments: [
            ScriptedTransport([{ _ in .failure(.cut) }]), ScriptedTransport([HTTPResponse(500)]),
            ScriptedTransport([.error(200, "InternalError")]),
            ScriptedTransport([HTTPResponse(200, [], "<CopyObjectResult><ETag>")]),
            ScriptedTransport([HTTPResponse(200)]),
            ScriptedTransport([HTTPResponse(200, [], "<CopyObjectResult></CopyObjectResult>")]),
            ScriptedTransport([HTTPResponse(200, [], "<html></html>")]), ScriptedTransport([HTTPResponse(504)]),
        ])
    func unknownCopy(_ transport: ScriptedTransport) async throws {
        let s3 = S3(credentials: CountedCredentials(), link: Sample.link(transport))
        let failure = await #expect(throws: AWSFailure.self) { try await s3.copyObject(Sample.copy()) }
        #expect(failure?.isOutcomeUnknown == true)
        #expect(transport.requests.count == 1)
    }

    @Test("a copy that certainly did not happen is sent again: refused connection, slow down, a conflict, an error inside a 200")
    func safeCopy() async throws {
        let transport = ScriptedTransport([
            { _ in .failure(.refused) }, { _ in .success(.error(200, "SlowDown")) }, { _ in .success(Self.copied) },
        ])
        let s3 = S3(credentials: CountedCredentials(), link: Sample.link(transport))
        let answer = try await s3.copyObject(Sample.copy())
        #expect(answer.etag == "\"n\"")
        #expect(answer.versionID == "V2")
        #expect(answer.checksum == CRC64NVME(0))
        #expect(answer.requests == 3)
        #expect(answer.ids.request == "R2")
        let conflict = ScriptedTransport([.error(409, "ConditionalRequestConflict"), Self.copied])
        let again = S3(credentials: CountedCredentials(), link: Sample.link(conflict))
        #expect(try await again.copyObject(Sample.copy()).requests == 2)
    }

    @Test("storing repeats itself after a lost answer: the key is ours")
    func storingRepeats() async throws {
        let transport = ScriptedTransport([{ _ in .failure(.cut) }, { _ in .success(HTTPResponse(200, [("ETag", "\"e\"")])) }])
        let s3 = S3(credentials: CountedCredentials(), link: Sample.link(transport))
        let digests = PartDigests(crc64nvme: CRC64NVME(0))
        let put = PutObject(
            bucket: try Sample.bucket(), key: "k", body: .bytes([]), digests: digests,
            attributes: ObjectAttributes(key: try KeyARN(Sample.key), usesBucketKey: false))
        #expect(try await s3.putObject(put).requests == 2)
        let request = try #require(transport.requests.last)
        #expect(request.header("x-amz-server-side-encryption") == "aws:kms")
        #expect(request.header("x-amz-server-side-encryption-aws-kms-key-id") == Sample.key)
        #expect(request.header("x-amz-server-side-encryption-bucket-key-enabled") == "false")
        #expect(request.header("x-amz-expected-bucket-owner") == "222222222222")
        #expect(request.header("x-amz-checksum-crc64nvme") == "AAAAAAAAAAA=")
        #expect(request.header("x-amz-acl") == nil)
    }

    @Test("a file goes unsigned with its checksum over TLS, and with its hash over plain http")
    func payloadHash() async throws {
        let sha256 = try #require(SHA256Digest(bytes: Array(repeating: 1, count: 32)))
        for (endpoint, expected) in [
            ("https://127.0.0.1:1", "UNSIGNED-PAYLOAD"), ("http://127.0.0.1:1", sha256.description),
        ] {
            let transport = ScriptedTransport([HTTPResponse(200, [("ETag", "\"e\"")])])
            let s3 = S3(credentials: CountedCredentials(), link: Sample.link(transport))
            let put = PutObject(
                bucket: try Sample.bucket(endpoint: endpoint), key: "k", body: .file(descriptor: -1, offset: 0, count: 0),
                digests: PartDigests(crc64nvme: CRC64NVME(0), sha256: sha256),
                attributes: ObjectAttributes(key: try KeyARN(Sample.key)))
            _ = try await s3.putObject(put)
            #expect(transport.requests[0].header("x-amz-content-sha256") == expected)
            #expect(transport.requests[0].url == "\(endpoint)/acme-inbox/k")
        }
    }

    @Test("a wrong clock is corrected once by the far end's, and remembered")
    func clockSkew() async throws {
        let clock = StandingClock()
        let date = "Mon, 23 Nov 2026 14:00:00 GMT"
        let transport = ScriptedTransport([
            .error(403, "RequestTimeTooSkewed", headers: [("Date", date)]), HTTPResponse(200), HTTPResponse(200),
        ])
        let link = Sample.link(transport, clock: clock)
        let s3 = S3(credentials: CountedCredentials(), link: link)
        _ = try await s3.headBucket(Sample.bucket())
        _ = try await s3.headBucket(Sample.bucket())
        #expect(transport.requests[0].header("x-amz-date") == "20261123T120000Z")
        #expect(transport.requests[1].header("x-amz-date") == "20261123T140000Z")
        #expect(transport.requests[2].header("x-amz-date") == "20261123T140000Z")
        #expect(link.skew(of: "acme-inbox.s3.eu-west-1.amazonaws.com") == .seconds(7_200))
        #expect(clock.slept.isEmpty)
    }

    @Test("a wrong clock that cannot be corrected ends the call")
    func hopelessClock() async throws {
        let answers = [4, 6, 8].map { hours in
            HTTPResponse.error(403, "RequestTimeTooSkewed", headers: [("Date", "Mon, 23 Nov 2026 1\(hours):00:00 GMT")])
        }
        let transport = ScriptedTransport(answers)
        let s3 = S3(credentials: CountedCredentials(), link: Sample.link(transport))
        await #expect(throws: AWSFailure.self) { try await s3.headBucket(Sample.bucket()) }
        #expect(transport.requests.count == 2)
    }

    @Test("expired credentials are renewed, a few times in a row when a role's sessions are revoked again and again")
    func expiredToken() async throws {
        let credentials = CountedCredentials()
        let transport = ScriptedTransport([.error(400, "ExpiredToken"), Self.copied])
        let s3 = S3(credentials: credentials, link: Sample.link(transport))
        _ = try await s3.copyObject(Sample.copy())
        #expect(credentials.count == 1)
        #expect(transport.requests[1].header("x-amz-security-token") == "token1")
        let revoked = ScriptedTransport([.error(400, "ExpiredToken"), .error(400, "ExpiredToken"), Self.copied])
        _ = try await S3(credentials: CountedCredentials(), link: Sample.link(revoked)).copyObject(Sample.copy())
        #expect(revoked.requests.last?.header("x-amz-security-token") == "token2")
        let stubborn = ScriptedTransport(Array(repeating: .error(400, "ExpiredToken"), count: 9))
        let again = S3(credentials: CountedCredentials(), link: Sample.link(stubborn))
        let failure = await #expect(throws: AWSFailure.self) { try await again.copyObject(Sample.copy()) }
        #expect(failure?.code == "ExpiredToken")
        #expect(stubborn.requests.count == 4)
    }

    @Test("a session that ends again while a call waits for its next attempt is renewed again")
    func expiredTwice() async throws {
        let credentials = CountedCredentials()
        let transport = ScriptedTransport([
            .error(400, "ExpiredToken"), .error(503, "SlowDown"), .error(400, "ExpiredToken"), Self.copied,
        ])
        let s3 = S3(credentials: credentials, link: Sample.link(transport))
        _ = try await s3.copyObject(Sample.copy())
        #expect(credentials.count == 2)
        #expect(transport.requests.last?.header("x-amz-security-token") == "token2")
    }

    @Test("a wrong region is followed once, and remembered")
    func wrongRegion() async throws {
        let transport = ScriptedTransport([
            HTTPResponse(301, [("x-amz-bucket-region", "eu-central-1")]), HTTPResponse(200), HTTPResponse(200),
        ])
        let s3 = S3(credentials: CountedCredentials(), link: Sample.link(transport))
        _ = try await s3.headBucket(Sample.bucket())
        _ = try await s3.headBucket(Sample.bucket())
        #expect(transport.requests[1].url == "https://acme-inbox.s3.eu-central-1.amazonaws.com/")
        #expect(transport.requests[1].header("authorization")?.contains("/eu-central-1/s3/") == true)
        #expect(transport.requests[2].url == "https://acme-inbox.s3.eu-central-1.amazonaws.com/")
        let inBody = ScriptedTransport([
            .error(400, "AuthorizationHeaderMalformed", "<Region>us-east-2</Region>"),
            .error(400, "AuthorizationHeaderMalformed", "<Region>us-east-1</Region>"),
        ])
        let lost = S3(credentials: CountedCredentials(), link: Sample.link(inBody))
        await #expect(throws: AWSFailure.self) { try await lost.copyObject(Sample.copy()) }
        #expect(inBody.requests.count == 2)
    }

    @Test("a damaged body is sent once more, not twice")
    func damaged() async throws {
        let transport = ScriptedTransport([.error(400, "BadDigest"), .error(400, "BadDigest"), HTTPResponse(200)])
        let s3 = S3(credentials: CountedCredentials(), link: Sample.link(transport))
        let failure = await #expect(throws: AWSFailure.self) { try await s3.copyObject(Sample.copy()) }
        #expect(failure?.code == "BadDigest")
        #expect(transport.requests.count == 2)
    }

    @Test("when a service fails as a whole, retries stop: the quota is used up")
    func quota() async throws {
        let transport = ScriptedTransport(Array(repeating: HTTPResponse(500), count: 200))
        let s3 = S3(credentials: CountedCredentials(), link: Sample.link(transport))
        for _ in 0..<30 { await #expect(throws: AWSFailure.self) { try await s3.headBucket(Sample.bucket()) } }
        // 500 / 14 = 35 retries, and one first request for each call.
        #expect(transport.requests.count == 65)
    }

    @Test("a copy pins version and ETag, names both owners, and takes nothing over")
    func copyHeaders() async throws {
        let transport = ScriptedTransport([Self.copied])
        let s3 = S3(credentials: CountedCredentials(), link: Sample.link(transport))
        _ = try await s3.copyObject(Sample.copy())
        let request = try #require(transport.requests.first)
        #expect(request.method == "PUT")
        #expect(request.url == "https://acme-inbox.s3.eu-west-1.amazonaws.com/from-orga/%C3%BC.csv")
        #expect(request.header("x-amz-copy-source") == "orga-repository/acme/a%20b/%C3%BC.csv?versionId=V%2B1")
        #expect(request.header("x-amz-copy-source-if-match") == "\"e\"")
        #expect(request.header("x-amz-metadata-directive") == "REPLACE")
        #expect(request.header("x-amz-tagging-directive") == "REPLACE")
        #expect(request.header("x-amz-expected-bucket-owner") == "222222222222")
        #expect(request.header("x-amz-source-expected-bucket-owner") == "111111111111")
        #expect(request.header("x-amz-meta-pouch-delivery") == "d")
        let signed = try #require(request.header("authorization"))
        for name in ["x-amz-copy-source", "x-amz-copy-source-if-match", "x-amz-metadata-directive", "x-amz-meta-pouch-delivery"] {
            #expect(signed.contains(name))
        }
    }

    @Test("an object is looked at without asking for what would need Decrypt")
    func headObject() async throws {
        let transport = ScriptedTransport([
            HTTPResponse(
                200,
                [
                    ("ETag", "\"e\""), ("Content-Length", "5"), ("X-Amz-Meta-Pouch-Delivery", "d"),
                    ("x-amz-server-side-encryption", "aws:kms"),
                ])
        ])
        let s3 = S3(credentials: CountedCredentials(), link: Sample.link(transport))
        let report = try await s3.headObject(in: Sample.bucket(), key: "k", versionID: "V")
        #expect(report.metadata == ["pouch-delivery": "d"])
        #expect(report.size == 5)
        #expect(report.encryption.algorithm == "aws:kms")
        #expect(transport.requests[0].header("x-amz-checksum-mode") == nil)
        #expect(transport.requests[0].url.hasSuffix("/k?versionId=V"))
    }

    @Test("a key is described, and one that S3 cannot use is told")
    func describeKey() async throws {
        let transport = ScriptedTransport([
            HTTPResponse(
                200, [], "{\"KeyMetadata\":{\"Arn\":\"\(Sample.key)\",\"KeyState\":\"Disabled\",\"KeyUsage\":\"ENCRYPT_DECRYPT\"}}"),
            HTTPResponse(400, [], "{\"__type\":\"com.amazonaws.kms#NotFoundException\",\"message\":\"no such key\"}"),
        ])
        let kms = KMS(credentials: CountedCredentials(), endpoint: nil, link: Sample.link(transport))
        let report = try await kms.describeKey(KeyARN(Sample.key))
        #expect(report.state == "Disabled")
        #expect(!report.isUsableByS3)
        #expect(transport.requests[0].url == "https://kms.eu-west-1.amazonaws.com/")
        let failure = await #expect(throws: AWSFailure.self) { try await kms.describeKey(KeyARN(Sample.key)) }
        #expect(failure?.code == "NotFoundException")
        #expect(failure?.message == "no such key")
    }
}

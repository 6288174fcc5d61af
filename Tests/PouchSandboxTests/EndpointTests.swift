import PouchCrypto
import PouchKit
import PouchSandbox
import PouchTestSupport
import Testing

@Suite("The services together")
struct EndpointTests {
    private let seal = [
        "x-amz-server-side-encryption": "aws:kms", "x-amz-server-side-encryption-aws-kms-key-id": House.key,
    ]

    private func publish(_ source: String, to key: String, _ house: House, _ more: [String: String] = [:]) async throws -> Answer {
        var headers = seal
        headers["x-amz-copy-source"] = "orga-repository/" + source
        headers["x-amz-metadata-directive"] = "REPLACE"
        headers["x-amz-tagging-directive"] = "REPLACE"
        headers["if-none-match"] = "*"
        headers["x-amz-expected-bucket-owner"] = "222222222222"
        headers["x-amz-source-expected-bucket-owner"] = "111111111111"
        headers.merge(more) { _, new in new }
        return try await house.s3("PUT", "/acme-inbox/from-orga/" + key, as: house.role("publisher"), headers)
    }

    @Test("a file goes from the generator through the publisher to the reader, and each can do no more than that")
    func theWayOfAFile() async throws {
        let house = try House()
        let (generator, publisher, reader) = (
            try await house.role("generator"), try await house.role("publisher"), try house.user("reader-b")
        )
        let body = Array("seeds".utf8)
        let stored = try await house.s3("PUT", "/orga-repository/acme/1/seeds.csv", as: generator, seal, body: body)
        #expect(stored.status == 200 && stored.headers["x-amz-server-side-encryption-aws-kms-key-id"] == House.key)
        #expect(stored.headers["x-amz-checksum-crc64nvme"] == CRC64NVMEHasher.checksum(of: body).base64)
        let version = try #require(stored.headers["x-amz-version-id"])
        let copied = try await publish("acme/1/seeds.csv?versionId=\(version)", to: "seeds.csv", house, ["x-amz-meta-pouch": "1"])
        #expect(copied.status == 200 && copied.headers["x-amz-copy-source-version-id"] == version)
        #expect(copied.element("ChecksumCRC64NVME") == CRC64NVMEHasher.checksum(of: body).base64)
        let read = try await house.s3("GET", "/acme-inbox/from-orga/seeds.csv", as: reader)
        #expect(read.body == body && read.headers["x-amz-meta-pouch"] == "1")

        #expect(try await house.s3("GET", "/orga-repository/acme/1/seeds.csv", as: generator).code == "AccessDenied")
        #expect(try await house.s3("GET", "/acme-inbox/from-orga/seeds.csv", as: publisher).code == "AccessDenied")
        #expect(try await house.s3("HEAD", "/acme-inbox/from-orga/seeds.csv", as: publisher).status == 200)
        #expect(try await house.s3("PUT", "/acme-inbox/from-orga/x", as: reader, body: body).code == "AccessDenied")
        #expect(try await publish("acme/1/seeds.csv", to: "seeds.csv", house).code == "PreconditionFailed")
        #expect(try await publish("acme/1/seeds.csv", to: "a", house, ["x-amz-copy-source-if-match": "\"0\""]).status == 412)
        #expect(try await publish("acme/1/never", to: "a", house).status == 403, "listing needs a prefix, which a read has not")
    }

    @Test("the request log says who asked for what, with which keys and owners")
    func requestLog() async throws {
        let house = try House()
        _ = try await house.s3("PUT", "/orga-repository/acme/1/a", as: house.role("generator"), seal, body: [1])
        _ = try await publish("acme/1/a", to: "a", house)
        let lines = try house.folder.text("sandbox/requests.jsonl").split(separator: "\n")
        let put = try #require(lines.first { $0.contains("\"PutObject\"") })
        #expect(put.contains("kms:GenerateDataKey") && !put.contains("kms:Decrypt") && put.contains("role/generator/test"))
        #expect(put.contains("\"bytesIn\":1,") && put.contains("arn:aws:s3:::orga-repository/acme/1/a"))
        let copy = try #require(lines.first { $0.contains("\"CopyObject\"") })
        #expect(copy.contains("\"expectedOwner\":\"222222222222\"") && copy.contains("\"sourceExpectedOwner\":\"111111111111\""))
        #expect(copy.contains("kms:Decrypt") && copy.contains("kms:GenerateDataKey") && copy.contains("\"bytesIn\":0,"))
    }

    @Test("what is stored survives a restart, sessions and versions included")
    func restart() async throws {
        let folder = try TemporaryFolder("restart")
        let generator: House.Identity
        do {
            let first = try House(in: folder)
            generator = try await first.role("generator")
            for body in [[1], [2, 2]] as [[UInt8]] {
                _ = try await first.s3("PUT", "/orga-repository/acme/1/a", as: generator, seal, body: body)
            }
        }
        let second = try House(in: folder)
        #expect(second.sandbox.store.versions("orga-repository", ObjectKey("acme/1/a")).map(\.size) == [2, 1])
        #expect(try await second.s3("PUT", "/orga-repository/acme/1/b", as: generator, seal, body: [3]).status == 200)
        let read = try await second.s3("HEAD", "/orga-repository/acme/1/a", as: second.role("publisher"))
        #expect(read.status == 200)
    }

    @Test("two sandboxes never share a folder")
    func oneAtATime() async throws {
        let house = try House()
        await #expect(throws: (any Error).self) { () async throws in try House(in: house.folder) }
        withExtendedLifetime(house) {}
    }

    @Test("a body that does not keep its promise leaves nothing behind")
    func brokenPromise() async throws {
        let house = try House()
        let answer = try await house.s3(
            "PUT", "/orga-repository/acme/1/a", as: house.role("generator"),
            seal.merging(["x-amz-checksum-crc32": "AAAAAA=="]) { $1 }, body: [1, 2, 3])
        #expect(answer.code == "BadDigest")
        #expect(house.sandbox.store.everything().isEmpty)
        #expect(try house.folder.files(in: "sandbox/bodies").isEmpty)
    }

    @Test("SSE-KMS needs TLS, and the region of a bucket is told")
    func secureAndRegional() async throws {
        let house = try House()
        let generator = try await house.role("generator")
        let answer = try await house.s3(
            "PUT", "/orga-repository/acme/1/a", as: generator, seal, body: [1], isSecure: false)
        #expect(answer.code == "InvalidArgument")
        #expect(try await house.s3("GET", "/nowhere/k", as: generator).code == "NoSuchBucket")
        let head = try await house.s3("HEAD", "/orga-repository", as: generator)
        #expect(head.status == 403 && head.headers["x-amz-bucket-region"] == "eu-west-1")
    }

    @Test("STS says who is calling, and refuses what is not allowed or not understood")
    func sts() async throws {
        let house = try House()
        let edge = try house.user("edge")
        let who = try await house.post("Action=GetCallerIdentity&Version=2011-06-15", service: "sts", as: house.role("generator"))
        #expect(who.text.contains("arn:aws:sts::111111111111:assumed-role/generator/test"))
        let role = "&RoleArn=arn:aws:iam::111111111111:role/generator&RoleSessionName=test"
        let refusals = [
            "Action=AssumeRole&RoleArn=short&RoleSessionName=test": "ValidationError",
            "Action=AssumeRole&RoleArn=arn:aws:iam::111111111111:role/generator": "ValidationError",
            "Action=AssumeRole" + role + "&DurationSeconds=60": "ValidationError",
            "Action=AssumeRole" + role + "&DurationSeconds=7200": "ValidationError",
            "Action=AssumeRole" + role + "&Policy={": "MalformedPolicyDocument",
            "Action=AssumeRole" + role + "&Tags.member.1.Key=a": "ValidationError",
            "Action=AssumeRole" + role + "&PolicyArns.member.1.arn=x": "NotImplemented",
            "Action=DecodeAuthorizationMessage": "InvalidAction", "Version=2011-06-15": "MissingAction",
        ]
        for (form, code) in refusals {
            #expect(try await house.post(form, service: "sts", as: edge).code == code, "\(form)")
        }
        let reader = try await house.post("Action=AssumeRole" + role, service: "sts", as: house.user("reader-b"))
        #expect(reader.code == "AccessDenied")
    }

    @Test("KMS describes keys, and opens only for whom the key's policy names")
    func kms() async throws {
        let house = try House()
        let (generator, reader) = (try await house.role("generator"), try house.user("reader-b"))
        let described = try await house.kms("DescribeKey", "{\"KeyId\":\"\(House.key)\"}", as: generator)
        #expect(described.text.contains("\"KeyState\":\"Enabled\"") && described.text.contains("\"AWSAccountId\":\"222222222222\""))
        let blob = "{\"KeyId\":\"\(House.key)\",\"CiphertextBlob\":\"AAAA\"}"
        #expect(try await house.kms("Decrypt", blob, as: generator).code == "AccessDeniedException")
        #expect(try await house.kms("Decrypt", blob, as: reader).code == "InvalidCiphertextException")
        let missing = "{\"KeyId\":\"arn:aws:kms:eu-west-1:222222222222:key/00000000-0000-0000-0000-000000000000\"}"
        #expect(try await house.kms("DescribeKey", missing, as: generator).code == "NotFoundException")
        #expect(try await house.kms("ListKeys", "{}", as: generator).code == "UnknownOperationException")
        #expect(try await house.kms("DescribeKey", "{}", as: generator).code == "ValidationException")
        #expect(try await house.kms("DescribeKey", "no json", as: generator).code == "SerializationException")
    }

    @Test("every service refuses strangers in its own words")
    func strangers() async throws {
        let house = try House()
        let stranger = House.Identity(accessKey: "AKIAIOSFODNN7EXAMPLE", secret: "x", token: nil)
        let forger = House.Identity(accessKey: try house.user("edge").accessKey, secret: "x", token: nil)
        #expect(try await house.s3("GET", "/orga-repository/k", as: stranger).code == "InvalidAccessKeyId")
        #expect(try await house.s3("GET", "/orga-repository/k", as: forger).code == "SignatureDoesNotMatch")
        #expect(try await house.post("Action=GetCallerIdentity", service: "sts", as: stranger).code == "InvalidClientTokenId")
        #expect(try await house.post("Action=GetCallerIdentity", service: "sts", as: forger).code == "SignatureDoesNotMatch")
        #expect(try await house.kms("DescribeKey", "{}", as: stranger).code == "UnrecognizedClientException")
        #expect(try await house.kms("DescribeKey", "{}", as: forger).code == "InvalidSignatureException")
    }

    @Test("the judge sees what is stored, and nobody sees it without the token")
    func judge() async throws {
        let house = try House()
        _ = try await house.s3("PUT", "/orga-repository/acme/1/a", as: house.role("generator"), seal, body: Array("abc".utf8))
        let objects = try await house.control("GET", "objects?bucket=orga-repository")
        #expect(objects.text.contains(SHA256Hasher.digest(of: "abc").description) && objects.text.contains(House.key))
        #expect(try await house.control("GET", "objects?bucket=acme-inbox").text == "[]")
        #expect(try await house.control("GET", "objects", token: "guess").status == 403)
        #expect(try await house.control("POST", "faults", "{}").status == 403, "faults are switched off")
        #expect(try await house.control("GET", "nothing").status == 404)
    }

    @Test("sessions can be made to expire")
    func expiry() async throws {
        let house = try House()
        let generator = try await house.role("generator")
        #expect(try await house.control("POST", "expire", "{\"role\":\"arn:aws:iam::111111111111:role/generator\"}").status == 200)
        #expect(try await house.s3("PUT", "/orga-repository/acme/1/a", as: generator, seal, body: [1]).code == "ExpiredToken")
        #expect(try await house.s3("PUT", "/orga-repository/acme/1/a", as: house.role("generator"), seal, body: [1]).status == 200)
    }
}

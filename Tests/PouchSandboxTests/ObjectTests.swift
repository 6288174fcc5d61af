import PouchCrypto
import PouchKit
import PouchSandbox
import PouchTestSupport
import Testing

@Suite("Objects and buckets")
struct ObjectTests {
    private static let allowAll =
        #"{ "Version": "2012-10-17", "Statement": { "Effect": "Allow", "Action": "*", "Resource": "*" } }"#
    private static let scenario = """
        { "accounts": [
          { "id": "333333333333", "name": "us", "users": [ { "name": "admin", "profile": "admin", "policies": [ \(allowAll) ] } ],
            "keys": [ { "id": "own", "region": "eu-west-1", "alias": "alias/own", "policy": { "Statement": {
              "Effect": "Allow", "Action": "kms:*", "Resource": "*", "Principal": { "AWS": "333333333333" } } } } ],
            "buckets": [
              { "name": "plain", "region": "eu-west-1" },
              { "name": "versioned", "region": "eu-west-1", "versioning": "Enabled", "encryption": { "key": "alias/own" } },
              { "name": "shared", "region": "eu-west-1", "ownership": "ObjectWriter", "policy": { "Statement": {
                "Effect": "Allow", "Action": "s3:*", "Resource": "*", "Principal": "*" } } },
              { "name": "far", "region": "eu-central-1" } ] },
          { "id": "444444444444", "name": "them", "users": [ { "name": "guest", "profile": "guest", "policies": [ \(allowAll) ] } ] } ] }
        """

    private let house: House
    private let admin: House.Identity

    init() throws {
        house = try House(scenario: SandboxScenario(json: Array(Self.scenario.utf8)))
        admin = try house.user("admin")
    }

    private func put(
        _ path: String, _ headers: [String: String] = [:], body: String = "x", as identity: House.Identity? = nil
    ) async throws -> Answer {
        try await house.s3("PUT", path, as: identity ?? admin, headers, body: Array(body.utf8))
    }

    private func get(_ path: String, _ headers: [String: String] = [:], as identity: House.Identity? = nil) async throws -> Answer {
        try await house.s3("GET", path, as: identity ?? admin, headers)
    }

    private func code(_ path: String, _ headers: [String: String]) async throws -> String? { try await put(path, headers).code }

    @Test("keys are listed in byte order, by pages, with folders")
    func listing() async throws {
        for key in ["a%2Fb", "a/1", "a/2", "b", "%C3%BC%20x"] { #expect(try await put("/plain/" + key).status == 200) }
        let first = try await get("/plain?list-type=2&max-keys=2&encoding-type=url&fetch-owner=true")
        #expect(first.element("IsTruncated") == "true" && first.text.contains("<Key>a/1</Key>"))
        let token = try #require(first.element("NextContinuationToken"))
        let second = try await get("/plain?list-type=2&encoding-type=url&continuation-token=" + PercentEncoding.encoded(token))
        #expect(second.element("KeyCount") == "3" && second.text.contains("<Key>%C3%BC%20x</Key>"))
        let folders = try await get("/plain?list-type=2&delimiter=%2F&start-after=a%2F1")
        #expect(folders.text.contains("<CommonPrefixes><Prefix>a/</Prefix></CommonPrefixes>"))
        #expect(try await get("/plain?list-type=2&max-keys=x").code == "InvalidArgument")
        #expect(try await get("/plain?list-type=2&continuation-token=x").code == "InvalidArgument")
        #expect(try await get("/plain").code == "NotImplemented", "the first version of the call")
    }

    @Test("versions are listed newest first, markers hide what is below, and each can go for good")
    func versions() async throws {
        var versions: [String] = []
        for body in ["1", "2"] {
            versions.append(try #require(try await put("/versioned/k", body: body).headers["x-amz-version-id"]))
        }
        let deleted = try await house.s3("DELETE", "/versioned/k", as: admin)
        #expect(deleted.status == 204 && deleted.headers["x-amz-delete-marker"] == "true")
        let marker = try #require(deleted.headers["x-amz-version-id"])
        let listed = try await get("/versioned?versions").text
        let places = ([marker] + versions.reversed()).compactMap { listed.firstRange(of: $0)?.lowerBound }
        #expect(places.count == 3 && places == places.sorted())
        #expect(try await get("/versioned/k").code == "NoSuchKey")
        #expect(try await get("/versioned/k?versionId=" + marker).status == 405)
        #expect(try await get("/versioned/k?versionId=" + versions[0]).text == "1")
        #expect(try await get("/versioned/k?versionId=short").code == "InvalidArgument")
        #expect(
            try await house.s3("DELETE", "/versioned/k?versionId=" + marker, as: admin).headers["x-amz-delete-marker"] == "true")
        #expect(try await get("/versioned/k").text == "2")
        #expect(try await house.s3("DELETE", "/versioned/k?versionId=" + versions[1], as: admin).status == 204)
        #expect(try await get("/versioned/k?versionId=" + versions[1]).code == "NoSuchVersion")
    }

    @Test("buckets say where they are, what they keep, and whose they are")
    func buckets() async throws {
        #expect(try await get("/plain?location").text.contains(">eu-west-1<"))
        #expect(try await get("/versioned?versioning").element("Status") == "Enabled")
        #expect(try await get("/plain?versioning").element("Status") == nil)
        #expect(try await house.s3("HEAD", "/plain", as: admin).status == 200)
        let own = try await get("/")
        #expect(own.text.contains("<Name>plain</Name>") && own.text.contains("<BucketRegion>eu-central-1</BucketRegion>"))
        #expect(try await !get("/", as: house.user("guest")).text.contains("plain"))
        let far = try await get("/far/k")
        #expect(far.code == "PermanentRedirect" && far.headers["x-amz-bucket-region"] == "eu-central-1")
        for path in ["/plain?policy", "/plain/k?acl", "/plain/k?tagging"] {
            #expect(try await get(path).code == "NotImplemented", "\(path)")
        }
        #expect(try await house.s3("POST", "/plain/k", as: admin).code == "MethodNotAllowed")
        #expect(try await house.s3("PATCH", "/plain", as: admin).code == "MethodNotAllowed")
        #expect(try await house.s3("PUT", "/", as: admin).code == "MethodNotAllowed")
    }

    @Test("reads take ranges and conditions, and give back what was said about the object")
    func reads() async throws {
        let said = [
            "content-type": "text/csv", "x-amz-meta-a": "1", "x-amz-meta-b": "ü", "x-amz-tagging": "t=1&u=a+b",
            "x-amz-storage-class": "STANDARD_IA", "content-encoding": "aws-chunked,gzip",
        ]
        let etag = try #require(try await put("/plain/k", said, body: "0123456789").headers["etag"])
        let read = try await get("/plain/k", ["x-amz-checksum-mode": "ENABLED"])
        #expect(read.headers["content-type"] == "text/csv" && read.headers["content-encoding"] == "gzip")
        #expect(read.headers["x-amz-meta-b"] == "=?UTF-8?B?w7w=?=" && read.headers["x-amz-tagging-count"] == "2")
        #expect(read.headers["x-amz-storage-class"] == "STANDARD_IA" && read.headers["x-amz-checksum-type"] == "FULL_OBJECT")
        for (range, expected) in [
            ("bytes=2-3", "23"), ("bytes=8-", "89"), ("bytes=-1", "9"), ("bytes=0-0,5-5", "0123456789"), ("lines=1", "0123456789"),
        ] {
            #expect(try await get("/plain/k", ["range": range]).text == expected, "\(range)")
        }
        #expect(try await get("/plain/k", ["range": "bytes=10-"]).status == 416)
        #expect(try await get("/plain/k", ["if-match": etag]).status == 200)
        #expect(try await get("/plain/k", ["if-match": "\"0\""]).status == 412)
        #expect(try await get("/plain/k", ["if-none-match": etag]).status == 304)
        #expect(try await get("/plain/k", ["if-modified-since": "Mon, 01 Jan 2035 00:00:00 GMT"]).status == 304)
        #expect(try await get("/plain/k", ["if-unmodified-since": "Mon, 01 Jan 2024 00:00:00 GMT"]).status == 412)
        #expect(try await get("/plain/k", ["x-amz-server-side-encryption": "aws:kms"]).code == "InvalidArgument")
        #expect(try await get("/plain/k?response-content-type=text%2Fplain").headers["content-type"] == "text/plain")
    }

    @Test("a copy keeps what it is not told to replace, and only its own conditions count")
    func copies() async throws {
        let etag = try #require(try await put("/plain/k", ["x-amz-meta-a": "1", "content-type": "text/csv"]).headers["etag"])
        let source = ["x-amz-copy-source": "/plain/k"]
        func copy(_ headers: [String: String], to path: String = "/plain/c") async throws -> Answer {
            try await house.s3("PUT", path, as: admin, source.merging(headers) { $1 })
        }
        #expect(try await copy([:]).status == 200)
        #expect(try await get("/plain/c").headers["x-amz-meta-a"] == "1")
        #expect(try await copy(["x-amz-metadata-directive": "REPLACE", "x-amz-meta-b": "2"]).status == 200)
        #expect(try await get("/plain/c").headers["x-amz-meta-a"] == nil)
        #expect(try await copy(["x-amz-checksum-algorithm": "SHA256"]).element("ChecksumSHA256") != nil)
        #expect(try await copy(["x-amz-checksum-algorithm": "MD4"]).code == "InvalidRequest")
        #expect(try await copy(["x-amz-metadata-directive": "KEEP"]).code == "InvalidArgument")
        #expect(try await copy([:], to: "/plain/k").code == "InvalidRequest", "onto itself")
        #expect(try await copy(["x-amz-copy-source-if-none-match": etag]).code == "PreconditionFailed")
        #expect(try await copy(["x-amz-copy-source-if-match": etag, "if-match": "\"0\""]).code == "PreconditionFailed")
        for (wrong, expected) in [
            ("k", "InvalidArgument"), ("/plain/k?v=1", "InvalidArgument"), ("arn:aws:s3:x", "NotImplemented"),
            ("/nowhere/k", "NoSuchBucket"),
        ] {
            #expect(try await copy(["x-amz-copy-source": wrong]).code == expected, "\(wrong)")
        }
        #expect(try await copy(["x-amz-source-expected-bucket-owner": "444444444444"]).code == "AccessDenied")
    }

    @Test("headers that cannot be meant are refused")
    func headers() async throws {
        let prefix = "x-amz-server-side-encryption"
        let refusals: [([String: String], String)] = [
            (["x-amz-meta-a": String(repeating: "x", count: 2_050)], "MetadataTooLarge"),
            (["x-amz-tagging": "a=1&a=2"], "InvalidTag"),
            (["x-amz-tagging": (0..<11).map { "\($0)=" }.joined(separator: "&")], "BadRequest"),
            (["x-amz-storage-class": "CELLAR"], "InvalidStorageClass"),
            (["x-amz-object-lock-mode": "GOVERNANCE"], "NotImplemented"),
            ([prefix: "rot13"], "InvalidArgument"), ([prefix: "aws:kms:dsse"], "NotImplemented"),
            ([prefix + "-aws-kms-key-id": "x"], "InvalidArgument"),
            ([prefix: "AES256", prefix + "-aws-kms-key-id": "x"], "InvalidArgument"),
            ([prefix: "aws:kms", prefix + "-aws-kms-key-id": "x"], "KMS.NotFoundException"),
            ([prefix: "aws:kms", prefix + "-aws-kms-key-id": "alias/x"], "KMS.NotFoundException"),
            (
                [prefix: "aws:kms", prefix + "-aws-kms-key-id": "arn:aws:kms:eu-central-1:333333333333:key/own"],
                "KMS.NotFoundException"
            ),
            ([prefix: "aws:kms", prefix + "-context": "x"], "InvalidArgument"),
            ([prefix + "-customer-algorithm": "AES256"], "NotImplemented"),
            (["x-amz-acl": "private"], "AccessControlListNotSupported"),
            (["x-amz-grant-read": "id=1"], "AccessControlListNotSupported"), (["if-none-match": "\"0\""], "NotImplemented"),
            (["if-match": "\"0\""], "NoSuchKey"), (["x-amz-expected-bucket-owner": "x"], "InvalidBucketOwnerAWSAccountID"),
        ]
        for (headers, expected) in refusals { #expect(try await code("/plain/new", headers) == expected, "\(headers)") }
        #expect(try await code("/plain/" + String(repeating: "k", count: 1_025), [:]) == "KeyTooLongError")
        #expect(try await code("/plain/%FF", [:]) == "InvalidURI")
    }

    @Test("keys can be named by alias in one's own account, and S3's own key is there for all who name none")
    func keys() async throws {
        let prefix = "x-amz-server-side-encryption"
        let alias = try await put(
            "/plain/a", [prefix: "aws:kms", prefix + "-aws-kms-key-id": "alias/own", prefix + "-bucket-key-enabled": "true"])
        #expect(alias.headers[prefix + "-aws-kms-key-id"] == "arn:aws:kms:eu-west-1:333333333333:key/own")
        #expect(alias.headers[prefix + "-bucket-key-enabled"] == "true")
        let managed = try await put(
            "/plain/m", [prefix: "aws:kms", prefix + "-context": Base64.text(of: Array("{\"a\":\"1\"}".utf8))])
        #expect(managed.headers[prefix + "-aws-kms-key-id"]?.contains(":333333333333:key/") == true)
        #expect(try await get("/plain/m").text == "x")
        #expect(try await put("/plain/s", [prefix: "AES256"]).headers[prefix] == "AES256")
    }

    @Test("where writers own what they write, the bucket's owner reads only what was handed over")
    func ownership() async throws {
        let guest = try house.user("guest")
        #expect(try await put("/shared/kept", as: guest).status == 200)
        #expect(try await put("/shared/handed", ["x-amz-acl": "bucket-owner-full-control"], as: guest).status == 200)
        #expect(try await get("/shared/kept").code == "AccessDenied")
        #expect(try await get("/shared/kept", as: guest).text == "x")
        #expect(try await get("/shared/handed").text == "x")
        #expect(try await put("/shared/k", ["x-amz-acl": "everybody"], as: guest).code == "InvalidArgument")
    }

    @Test("KMS seals and opens in the same context, under the same key")
    func kms() async throws {
        let made = try await house.kms(
            "GenerateDataKey", #"{"KeyId":"alias/own","KeySpec":"AES_256","EncryptionContext":{"a":"1"}}"#, as: admin)
        #expect(made.text.contains("\"Plaintext\""))
        let sealed = try await house.kms("Encrypt", #"{"KeyId":"own","Plaintext":"c2VjcmV0"}"#, as: admin)
        let blob = try #require(sealed.text.split(separator: "\"").map(String.init).first { $0.count > 60 })
        let opened = try await house.kms("Decrypt", "{\"CiphertextBlob\":\"\(blob)\"}", as: admin)
        #expect(opened.text.contains("c2VjcmV0"))
        let wrong = "{\"CiphertextBlob\":\"\(blob)\",\"EncryptionContext\":{\"a\":\"1\"}}"
        #expect(try await house.kms("Decrypt", wrong, as: admin).code == "InvalidCiphertextException")
        #expect(try await house.kms("GenerateDataKey", #"{"KeyId":"own"}"#, as: admin).code == "ValidationException")
        #expect(try await house.kms("Encrypt", #"{"KeyId":"own","Plaintext":""}"#, as: admin).code == "ValidationException")
        let hidden = try await house.kms("GenerateDataKeyWithoutPlaintext", #"{"KeyId":"own","NumberOfBytes":16}"#, as: admin)
        #expect(hidden.status == 200 && !hidden.text.contains("Plaintext\""))
        let arn = "arn:aws:kms:eu-west-1:333333333333:key/own"
        #expect(
            try await house.kms("DescribeKey", "{\"KeyId\":\"\(arn)\"}", as: house.user("guest")).code == "AccessDeniedException")
    }

    @Test("signed chunks are taken in, and refused when one was changed", arguments: [false, true])
    func signedChunks(isChanged: Bool) async throws {
        let answer = try await house.signedChunks(["hello ", "world"], to: "/plain/chunks", as: admin, isChanged: isChanged)
        #expect(answer.code == (isChanged ? "SignatureDoesNotMatch" : nil))
        if !isChanged { #expect(try await get("/plain/chunks").text == "hello world") }
    }
}

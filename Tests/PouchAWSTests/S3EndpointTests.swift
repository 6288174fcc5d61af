import FoundationEssentials
import PouchAWS
import PouchTestSupport
import Testing

@Suite("The S3 endpoint")
struct S3EndpointTests {
    @Test("is the bucket's own host in its region, over TLS")
    func virtualHost() throws {
        let address = S3Endpoint(region: try Region("eu-west-1")).address(of: try BucketName("acme-inbox"), key: "a b/ü/../c//d")
        #expect(address.endpoint.description == "https://acme-inbox.s3.eu-west-1.amazonaws.com")
        #expect(address.path == "/a%20b/%C3%BC/../c//d")
    }

    @Test("is the region's host, by path, for a bucket with dots, and a custom endpoint's, with its base path")
    func pathStyle() throws {
        let bucket = try BucketName("acme.inbox")
        let dotted = S3Endpoint(region: try Region("cn-north-1")).address(of: bucket, key: "k")
        #expect(dotted.endpoint.description == "https://s3.cn-north-1.amazonaws.com.cn")
        #expect(dotted.path == "/acme.inbox/k")
        let custom = S3Endpoint(region: try Region("us-east-1"), custom: try EndpointURL("http://127.0.0.1:9000/base"))
        #expect(custom.address(of: bucket, key: "k").path == "/base/acme.inbox/k")
        #expect(custom.address(of: bucket).path == "/base/acme.inbox")
    }

    @Test("agrees with botocore's endpoint rules where a plain bucket and a region are given")
    func agreesWithBotocore() throws {
        guard let suite = try Vectors.decoded("endpoints/s3.json", as: EndpointSuite.self) else { return }
        var checked = 0
        for rule in suite.testCases {
            let given = rule.params
            guard let url = rule.expect.endpoint?.url, given.endpoint == nil, given.isPlain,
                let regionText = given.region, let region = try? Region(regionText), regionText != "aws-global",
                let bucketText = given.bucket, let bucket = try? BucketName(bucketText), !bucketText.hasSuffix("--x-s3"),
                !bucketText.hasSuffix("--op-s3")
            else { continue }
            let address = S3Endpoint(region: region).address(of: bucket)
            #expect(address.endpoint.description + (address.path == "/" ? "" : address.path) == url, "\(rule.documentation)")
            checked += 1
        }
        #expect(checked >= 5)
    }
}

private struct EndpointSuite: Decodable {
    struct Rule: Decodable {
        let documentation: String
        let expect: Expectation
        let params: Given
    }

    struct Expectation: Decodable {
        struct Endpoint: Decodable { let url: String }
        let endpoint: Endpoint?
    }

    struct Given: Decodable {
        enum CodingKeys: String, CodingKey {
            case region = "Region"
            case bucket = "Bucket"
            case endpoint = "Endpoint"
            case usesFIPS = "UseFIPS"
            case usesDualStack = "UseDualStack"
            case accelerates = "Accelerate"
            case forcesPathStyle = "ForcePathStyle"
            case usesGlobalEndpoint = "UseGlobalEndpoint"
        }

        let region: String?
        let bucket: String?
        let endpoint: String?
        let usesFIPS: Bool?
        let usesDualStack: Bool?
        let accelerates: Bool?
        let forcesPathStyle: Bool?
        let usesGlobalEndpoint: Bool?

        var isPlain: Bool {
            [usesFIPS, usesDualStack, accelerates, forcesPathStyle, usesGlobalEndpoint].allSatisfy { $0 != true }
        }
    }

    let testCases: [Rule]
}

import PouchAWS
import PouchKit
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

    @Test("of an access point is a host of its own, and its objects have names of their own in policies and copies")
    func accessPoint() throws {
        let bucket = try BucketName("arn:aws:s3:eu-west-1:111111111111:accesspoint:acme")
        let address = S3Endpoint(region: try Region("eu-west-1")).address(of: bucket, key: "a b")
        #expect(address.endpoint.description == "https://acme-111111111111.s3-accesspoint.eu-west-1.amazonaws.com")
        #expect(address.path == "/a%20b")
        #expect(bucket.objectARN("a b", in: .standard) == "arn:aws:s3:eu-west-1:111111111111:accesspoint/acme/object/a b")
        #expect(bucket.copySource("a b") == "arn%3Aaws%3As3%3Aeu-west-1%3A111111111111%3Aaccesspoint/acme/object/a%20b")
        #expect(try BucketName("acme-inbox").copySource("a b") == "acme-inbox/a%20b")
    }

    /// The cases that are left out, each with its reason; a number is how many there are of them.
    private static let leftOut = [
        "AWS's own buckets are reached by their hosts": 11,
        "Object Lambda is another service": 25,
        "Outposts is another service": 34,
        "custom endpoints are reached by path": 8,
        "directory buckets are refused": 110,
        "every call is about a bucket": 46,
        "multi-region access points want SigV4A": 6,
        "names that no new bucket may have are refused": 28,
        "the global host is not used": 21,
        "the region of an access point must be the bucket's: seen when settings are read": 2,
        "there is always a region": 1,
        "transfer acceleration is not used": 27,
    ]

    @Test("agrees with botocore's rules in all cases that concern us; the others are left out for a reason")
    func agreesWithBotocore() throws {
        guard let suite = try Vectors.decoded("endpoints/s3.json", as: EndpointSuite.self) else { return }
        var verdicts: [EndpointVerdict: Int] = [:]
        for rule in suite.testCases { verdicts[try verdict(rule), default: 0] += 1 }
        #expect(verdicts[.agrees] == 74)
        var leftOut: [String: Int] = [:]
        for (verdict, count) in verdicts { if case .leftOut(let reason) = verdict { leftOut[reason] = count } }
        #expect(leftOut == Self.leftOut)
    }

    private func verdict(_ rule: EndpointSuite.Rule) throws -> EndpointVerdict {
        guard let given = rule.params, let regionText = given.region else { return .leftOut("there is always a region") }
        guard let bucketText = given.bucket else { return .leftOut("every call is about a bucket") }
        if let foreign = Self.foreign(given, bucketText) { return .leftOut(foreign) }
        let isRefused = rule.expect.error != nil
        guard let region = try? Region(regionText) else {
            return isRefused ? .agrees : .leftOut("the global host is not used")
        }
        guard let bucket = try? BucketName(bucketText) else {
            return isRefused ? .agrees : .leftOut("names that no new bucket may have are refused")
        }
        if let point = bucket.accessPoint, point.region != region, isRefused {
            return .leftOut("the region of an access point must be the bucket's: seen when settings are read")
        }
        if given.disablesAccessPoints == true { return .leftOut("access points are not switched off") }
        var custom: EndpointURL?
        if let text = given.endpoint {
            custom = try? EndpointURL(text)
            guard custom != nil else {
                #expect(isRefused, "\(rule.name)")
                return .agrees
            }
        }
        let variant = EndpointVariant(isDualStack: given.usesDualStack == true, isFIPS: given.usesFIPS == true)
        let objection = variant.objection(to: .s3, in: bucket.accessPoint?.region ?? region, custom: custom)
        if isRefused || objection != nil {
            #expect((objection != nil) == isRefused, "\(rule.name)")
            return .agrees
        }
        if given.usesGlobalEndpoint == true, regionText == "us-east-1", custom == nil, variant == .plain {
            return .leftOut("the global host is not used")
        }
        let address = S3Endpoint(region: region, custom: custom, variant: variant).address(of: bucket)
        let url = address.endpoint.isSecure ? "https://" : "http://"
        let found = url + address.endpoint.authority + (address.path == "/" ? "" : address.path)
        if found == rule.expect.endpoint?.url { return .agrees }
        if custom != nil, given.forcesPathStyle != true { return .leftOut("custom endpoints are reached by path") }
        if given.forcesPathStyle == true, custom == nil { return .leftOut("AWS's own buckets are reached by their hosts") }
        Issue.record("\(rule.name): \(found), expected \(rule.expect.endpoint?.url ?? "a refusal")")
        return .leftOut("wrong")
    }

    /// What is another service, or a feature that we make no use of.
    private static func foreign(_ given: EndpointSuite.Given, _ bucket: String) -> String? {
        if given.accelerates == true { return "transfer acceleration is not used" }
        if given.usesExpressControl == true || ["--x-s3", "--xa-s3"].contains(where: bucket.hasSuffix) {
            return "directory buckets are refused"
        }
        if given.usesObjectLambda == true || bucket.contains("s3-object-lambda") { return "Object Lambda is another service" }
        if bucket.contains("s3-outposts") || bucket.hasSuffix("--op-s3") { return "Outposts is another service" }
        if bucket.contains(".mrap") { return "multi-region access points want SigV4A" }
        return nil
    }
}

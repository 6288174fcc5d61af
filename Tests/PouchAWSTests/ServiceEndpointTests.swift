import PouchAWS
import PouchKit
import PouchTestSupport
import Testing

@Suite("The endpoints of STS, KMS, SQS and Roles Anywhere")
struct ServiceEndpointTests {
    /// Cases of "the global host": a single host in us-east-1 for all regions, which takes the identities down with that region.
    @Test(
        "agree with botocore's rules in every region and partition, dual-stack, FIPS and custom",
        arguments: [(AWSService.sts, 49), (.kms, 66), (.sqs, 46), (.rolesanywhere, 37)])
    func agreeWithBotocore(_ service: AWSService, _ agreeing: Int) throws {
        guard let suite = try Vectors.decoded("endpoints/\(service.rawValue).json", as: EndpointSuite.self) else { return }
        var verdicts: [EndpointVerdict: Int] = [:]
        for rule in suite.testCases { verdicts[try verdict(rule, service), default: 0] += 1 }
        let global = verdicts[.leftOut("the global host of STS is not used")] ?? 0
        #expect(verdicts[.agrees] == agreeing)
        #expect(verdicts[.leftOut("there is always a region")] == suite.testCases.count - agreeing - global)
        #expect(global == (service == .sts ? 17 : 0))
    }

    private func verdict(_ rule: EndpointSuite.Rule, _ service: AWSService) throws -> EndpointVerdict {
        guard let given = rule.params, let text = given.region else { return .leftOut("there is always a region") }
        if given.usesGlobalEndpoint == true, given.endpoint == nil, text != "us-east-3" {
            return .leftOut("the global host of STS is not used")
        }
        guard text != "aws-global" else {
            #expect(throws: NameError.self) { try Region(text) }
            return .leftOut("the global host of STS is not used")
        }
        let region = try Region(text)
        let custom = try given.endpoint.map { try EndpointURL($0) }
        let variant = EndpointVariant(isDualStack: given.usesDualStack == true, isFIPS: given.usesFIPS == true)
        let objection = variant.objection(to: service, in: region, custom: custom)
        #expect((objection != nil) == (rule.expect.error != nil), "\(rule.name)")
        guard let url = rule.expect.endpoint?.url else { return .agrees }
        let address = ServiceAddress.regional(service, in: region, custom: custom, variant: variant)
        #expect(address.endpoint.description == url, "\(rule.name)")
        #expect(address.path == "/")
        return .agrees
    }

    @Test("there are no dual-stack hosts in isolated partitions, and the refusal names the region")
    func noDualStack() throws {
        let objection = EndpointVariant(isDualStack: true).objection(to: .kms, in: try Region("us-iso-east-1"), custom: nil)
        #expect(objection == "there are no dual-stack hosts in us-iso-east-1")
    }
}

/// botocore's endpoint rules as cases: what is given, and the address or the refusal that is expected.
struct EndpointSuite: Decodable {
    struct Rule: Decodable {
        let documentation: String?
        let expect: Expectation
        let params: Given?

        /// For messages.
        var name: String { "\(documentation ?? ""): \(params.map { "\($0)" } ?? "nothing")" }
    }

    struct Expectation: Decodable {
        struct Endpoint: Decodable { let url: String }

        let endpoint: Endpoint?
        let error: String?
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
            case usesExpressControl = "UseS3ExpressControlEndpoint"
            case usesObjectLambda = "UseObjectLambdaEndpoint"
            case usesRegionOfARN = "UseArnRegion"
            case disablesAccessPoints = "DisableAccessPoints"
        }

        let region: String?
        let bucket: String?
        let endpoint: String?
        let usesFIPS: Bool?
        let usesDualStack: Bool?
        let accelerates: Bool?
        let forcesPathStyle: Bool?
        let usesGlobalEndpoint: Bool?
        let usesExpressControl: Bool?
        let usesObjectLambda: Bool?
        let usesRegionOfARN: Bool?
        let disablesAccessPoints: Bool?
    }

    let testCases: [Rule]
}

/// What became of a case.
enum EndpointVerdict: Hashable {
    case agrees
    /// Not spoken to, for this reason.
    case leftOut(String)
}

import FoundationEssentials
import PouchHTTP
import PouchKit

/// The calls to KMS that we make.
package struct KMS: Sendable {
    private let client: AWSClient
    private let endpoint: EndpointURL?

    package init(credentials: any CredentialSource, endpoint: EndpointURL?, link: AWSLink) {
        client = AWSClient(signer: .other("kms"), credentials: credentials, link: link)
        self.endpoint = endpoint
    }

    package struct KeyReport: Hashable, Sendable {
        package let arn: String
        /// `Enabled`, `Disabled`, `PendingDeletion`, …
        package let state: String
        /// `ENCRYPT_DECRYPT`, or a use that S3 cannot make of it.
        package let usage: String
        /// `SYMMETRIC_DEFAULT`, or a kind that S3 cannot use.
        package let kind: String
        package let isMultiRegion: Bool

        package var isUsableByS3: Bool { state == "Enabled" && usage == "ENCRYPT_DECRYPT" && kind == "SYMMETRIC_DEFAULT" }
    }

    package func describeKey(_ key: KeyARN) async throws(AWSFailure) -> KeyReport {
        var call = AWSCall("DescribeKey", method: "POST", region: key.region) { [endpoint] region in
            ServiceAddress.regional("kms", in: region, custom: endpoint)
        }
        call.headers = [("content-type", "application/x-amz-json-1.1"), ("x-amz-target", "TrentService.DescribeKey")]
        // A key ARN has no character that JSON would escape.
        call.body = .bytes(Array("{\"KeyId\":\"\(key)\"}".utf8))
        call.answer = .json
        call.timeouts = .question
        let answer = try await client.send(call)
        let description: Description
        do {
            description = try JSONDecoder().decode(Description.self, from: Data(answer.body))
        } catch {
            throw answer.unreadable(of: call, reason: "the answer describes no key")
        }
        let metadata = description.metadata
        return KeyReport(
            arn: metadata.arn, state: metadata.state, usage: metadata.usage, kind: metadata.kind ?? "SYMMETRIC_DEFAULT",
            isMultiRegion: metadata.isMultiRegion ?? false)
    }

    private struct Description: Decodable {
        enum CodingKeys: String, CodingKey {
            case metadata = "KeyMetadata"
        }

        let metadata: Metadata
    }

    private struct Metadata: Decodable {
        enum CodingKeys: String, CodingKey {
            case arn = "Arn"
            case state = "KeyState"
            case usage = "KeyUsage"
            case kind = "KeySpec"
            case isMultiRegion = "MultiRegion"
        }

        let arn: String
        let state: String
        let usage: String
        let kind: String?
        let isMultiRegion: Bool?
    }
}

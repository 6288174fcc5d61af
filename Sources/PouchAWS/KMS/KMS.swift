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
        var call = AWSCall("DescribeKey", method: "POST", region: key.region) {
            [endpoint, variant = client.link.variant] region in
            ServiceAddress.regional(.kms, in: region, custom: endpoint, variant: variant)
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

    /// Whether KMS itself refuses to decrypt for the caller: asked with a text that is no ciphertext, so that nothing is opened.
    ///
    /// - Parameter object: The ARN of the object whose key it would be.
    /// - Returns: False when KMS found fault with the text instead: it may have looked at that first.
    package func refusesToDecrypt(under key: KeyARN, for object: String) async throws(AWSFailure) -> Bool {
        var call = AWSCall("Decrypt", method: "POST", region: key.region) {
            [endpoint, variant = client.link.variant] region in
            ServiceAddress.regional(.kms, in: region, custom: endpoint, variant: variant)
        }
        call.headers = [("content-type", "application/x-amz-json-1.1"), ("x-amz-target", "TrentService.Decrypt")]
        let question = DecryptQuestion(
            key: key.description, text: Base64.text(of: [UInt8](repeating: 0, count: 64)), context: ["aws:s3:arn": object])
        // Texts and nothing else: they can be encoded.
        guard let body = try? JSONEncoder().encode(question) else { return false }
        call.body = .bytes(Array(body))
        call.answer = .json
        call.timeouts = .question
        do throws(AWSFailure) {
            _ = try await client.send(call)
            return false
        } catch {
            switch error.code {
            case "AccessDeniedException", "AccessDenied": return true
            case "InvalidCiphertextException", "IncorrectKeyException": return false
            default: throw error
            }
        }
    }

    private struct DecryptQuestion: Encodable {
        enum CodingKeys: String, CodingKey {
            case key = "KeyId"
            case text = "CiphertextBlob"
            case context = "EncryptionContext"
        }

        let key: String
        let text: String
        let context: [String: String]
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

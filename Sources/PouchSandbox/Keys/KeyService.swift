import FoundationEssentials
import PouchCrypto
import PouchKit

/// KMS, as far as permissions go: what it seals it can open again, and nobody should take its sealing for cryptography.
package struct KeyService: Sendable {
    private let keys: KeyRing
    private let masterKey: [UInt8]

    package init(keys: KeyRing, masterKey: [UInt8]) {
        self.keys = keys
        self.masterKey = masterKey
    }

    package func answer(
        _ action: String, body: [UInt8], region: String, request: IncomingRequest, caller: Caller, notes: RequestNotes
    ) throws(Refusal) -> Reply {
        let input: KeyRequest
        do {
            input = try JSONDecoder().decode(KeyRequest.self, from: Data(body.isEmpty ? Array("{}".utf8) : body))
        } catch {
            throw Refusal("SerializationException", 400, "\(error)")
        }
        let use = Use(input: input, region: region, request: request, caller: caller, notes: notes)
        switch action {
        case "DescribeKey": return try describe(use)
        case "GenerateDataKey": return try generate(use, action: "kms:GenerateDataKey", showsPlaintext: true)
        case "GenerateDataKeyWithoutPlaintext":
            return try generate(use, action: "kms:GenerateDataKeyWithoutPlaintext", showsPlaintext: false)
        case "Encrypt": return try encrypt(use)
        case "Decrypt": return try decrypt(use)
        default: throw Refusal("UnknownOperationException", 400, "the sandbox does not know \(action)")
        }
    }

    private struct Use: Sendable {
        let input: KeyRequest
        let region: String
        let request: IncomingRequest
        let caller: Caller
        let notes: RequestNotes
    }

    private func key(_ use: Use, action: String, reference: String? = nil) throws(Refusal) -> SandboxKey {
        guard let reference = reference ?? use.input.keyID else {
            throw Refusal(
                "ValidationException", 400,
                "1 validation error detected: Value null at 'keyId' failed to satisfy constraint: Member must not be null")
        }
        use.notes.note { $0.key = reference }
        do {
            let key = try keys.resolve(reference, region: use.region, account: use.caller.account)
            try keys.use(
                key, for: action, by: use.caller, context: use.input.encryptionContext ?? [:], via: nil,
                base: PolicyContext.of(use.request), note: { check in use.notes.note { $0.keyChecks.append(check) } })
            return key
        } catch {
            switch error {
            case .denied:
                let message = S3Service.refusal(for: error, caller: use.caller).message
                throw Refusal("AccessDeniedException", 400, message)
            case .notFound(let text), .disabled(let text), .invalidState(let text), .invalidUsage(let text):
                throw Refusal(error.code, 400, text)
            }
        }
    }

    private func describe(_ use: Use) throws(Refusal) -> Reply {
        let key = try key(use, action: "kms:DescribeKey")
        return try Self.reply(["KeyMetadata": KeyMetadata(key)])
    }

    private func generate(_ use: Use, action: String, showsPlaintext: Bool) throws(Refusal) -> Reply {
        let key = try key(use, action: action)
        let count: Int
        switch (use.input.keySpec, use.input.byteCount) {
        case ("AES_256", nil): count = 32
        case ("AES_128", nil): count = 16
        case (nil, .some(let number)) where (1...1_024).contains(number): count = number
        default: throw Refusal("ValidationException", 400, "Please specify either number of bytes or key spec.")
        }
        let plaintext = SandboxSecrets.randomBytes(count)
        var answer = ["KeyId": key.arn, "CiphertextBlob": try seal(plaintext, under: key, use)]
        if showsPlaintext { answer["Plaintext"] = Base64.text(of: plaintext) }
        return try Self.reply(answer)
    }

    private func encrypt(_ use: Use) throws(Refusal) -> Reply {
        let key = try key(use, action: "kms:Encrypt")
        guard let plaintext = use.input.plaintext.flatMap({ Base64.bytes(of: $0) }), (1...4_096).contains(plaintext.count) else {
            throw Refusal(
                "ValidationException", 400,
                "1 validation error detected: Value at 'plaintext' failed to satisfy "
                    + "constraint: Member must have length between 1 and 4096")
        }
        return try Self.reply([
            "KeyId": key.arn, "CiphertextBlob": try seal(plaintext, under: key, use), "EncryptionAlgorithm": "SYMMETRIC_DEFAULT",
        ])
    }

    /// With a key named, whether the caller may use it comes first: a question about permissions needs no ciphertext.
    private func decrypt(_ use: Use) throws(Refusal) -> Reply {
        let invalid = Refusal("InvalidCiphertextException", 400, "")
        let named = use.input.keyID == nil ? nil : try key(use, action: "kms:Decrypt")
        guard let blob = use.input.ciphertext.flatMap({ Base64.bytes(of: $0) }), let sealed = open(blob) else { throw invalid }
        let key = try self.key(use, action: "kms:Decrypt", reference: sealed.key)
        guard named == nil || named?.arn == key.arn else {
            throw Refusal(
                "IncorrectKeyException", 400, "The key ID in the request does not identify a CMK that can perform this operation.")
        }
        guard sealed.context == use.input.encryptionContext ?? [:] else { throw invalid }
        return try Self.reply([
            "KeyId": key.arn, "Plaintext": Base64.text(of: sealed.plaintext), "EncryptionAlgorithm": "SYMMETRIC_DEFAULT",
        ])
    }

    private struct Sealed: Codable {
        let key: String
        let context: [String: String]
        let plaintext: [UInt8]
    }

    /// Nonce, code, and the rest under a stream made of codes.
    private func seal(_ plaintext: [UInt8], under key: SandboxKey, _ use: Use) throws(Refusal) -> String {
        let content = Sealed(key: key.arn, context: use.input.encryptionContext ?? [:], plaintext: plaintext)
        guard let encoded = try? JSONEncoder().encode(content) else { throw .internalError("the content cannot be encoded") }
        let nonce = SandboxSecrets.randomBytes(16)
        let body = Self.masked(Array(encoded), nonce: nonce, key: masterKey)
        return Base64.text(of: nonce + HMACSHA256.code(for: nonce + body, key: masterKey) + body)
    }

    private func open(_ blob: [UInt8]) -> Sealed? {
        guard blob.count > 48 else { return nil }
        let (nonce, code, body) = (Array(blob[..<16]), Array(blob[16..<48]), Array(blob[48...]))
        guard ConstantTime.isEqual(HMACSHA256.code(for: nonce + body, key: masterKey), code) else { return nil }
        return try? JSONDecoder().decode(Sealed.self, from: Data(Self.masked(body, nonce: nonce, key: masterKey)))
    }

    private static func masked(_ bytes: [UInt8], nonce: [UInt8], key: [UInt8]) -> [UInt8] {
        var stream: [UInt8] = []
        var counter: UInt64 = 0
        while stream.count < bytes.count {
            stream += HMACSHA256.code(for: nonce + Hexadecimal.bigEndianBytes(of: counter), key: key)
            counter += 1
        }
        return zip(bytes, stream).map { $0 ^ $1 }
    }

    private static func reply(_ value: some Encodable) throws(Refusal) -> Reply {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.withoutEscapingSlashes, .sortedKeys]
        guard let bytes = try? encoder.encode(value) else { throw .internalError("the answer cannot be encoded") }
        return Reply(200, headers: [("content-type", "application/x-amz-json-1.1")], body: .bytes(Array(bytes)))
    }
}

/// What a client sends to KMS: the fields of all its calls together.
struct KeyRequest: Decodable, Sendable {
    var keyID: String?
    var encryptionContext: [String: String]?
    var ciphertext: String?
    var plaintext: String?
    var keySpec: String?
    var byteCount: Int?

    private enum CodingKeys: String, CodingKey {
        case keyID = "KeyId"
        case encryptionContext = "EncryptionContext"
        case ciphertext = "CiphertextBlob"
        case plaintext = "Plaintext"
        case keySpec = "KeySpec"
        case byteCount = "NumberOfBytes"
    }
}

/// `KeyMetadata` of DescribeKey.
struct KeyMetadata: Encodable, Sendable {
    let account: String
    let keyID: String
    let arn: String
    let description: String
    let isEnabled: Bool
    let state: String
    let usage: String
    let spec: String
    let algorithms: [String]
    let origin = "AWS_KMS"
    let manager: String
    let isMultiRegion: Bool
    let created: Double

    private enum CodingKeys: String, CodingKey {
        case account = "AWSAccountId"
        case keyID = "KeyId"
        case arn = "Arn"
        case description = "Description"
        case isEnabled = "Enabled"
        case state = "KeyState"
        case usage = "KeyUsage"
        case spec = "KeySpec"
        case algorithms = "EncryptionAlgorithms"
        case origin = "Origin"
        case manager = "KeyManager"
        case isMultiRegion = "MultiRegion"
        case created = "CreationDate"
    }

    init(_ key: SandboxKey) {
        let isSymmetric = key.settings.usage == "ENCRYPT_DECRYPT"
        account = key.account
        keyID = key.settings.id
        arn = key.arn
        description = key.settings.alias ?? ""
        isEnabled = key.settings.state == .enabled
        state = key.settings.state.rawValue
        usage = key.settings.usage
        spec = isSymmetric ? "SYMMETRIC_DEFAULT" : key.settings.usage == "SIGN_VERIFY" ? "ECC_NIST_P256" : "HMAC_256"
        algorithms = isSymmetric ? ["SYMMETRIC_DEFAULT"] : []
        manager = key.isManagedByService ? "AWS" : "CUSTOMER"
        isMultiRegion = key.settings.id.hasPrefix("mrk-")
        created = 1_767_225_600
    }
}

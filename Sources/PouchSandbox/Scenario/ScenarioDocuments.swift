import FoundationEssentials
import PouchFiles

extension Decoder {
    /// What stands here, or in the file whose path stands here: a scenario may point at the very files that an administrator applies.
    func documentHereOrInFile<Document: Decodable>(_ type: Document.Type) throws -> Document {
        guard let path = try? singleValueContainer().decode(String.self) else { return try Document(from: self) }
        let folder = userInfo[PolicySource.folderKey] as? String ?? "."
        let bytes: [UInt8]
        do {
            bytes = try OpenFile.open(path.hasPrefix("/") ? path : folder + "/" + path).readAll(limit: 1 << 20)
        } catch {
            throw DecodingError.dataCorrupted(.init(codingPath: codingPath, debugDescription: "\(error)"))
        }
        return try JSONDecoder().decode(Document.self, from: Data(bytes))
    }
}

/// A bucket's default encryption: in the sandbox's own short form, or as `put-bucket-encryption` takes it.
struct EncryptionSource: Decodable {
    let settings: BucketSettings.DefaultEncryption

    init(from decoder: any Decoder) throws { settings = try decoder.documentHereOrInFile(Form.self).settings }

    private struct Form: Decodable {
        let settings: BucketSettings.DefaultEncryption

        private enum CodingKeys: String, CodingKey, CaseIterable { case key, bucketKey, rules = "Rules" }

        init(from decoder: any Decoder) throws {
            try decoder.refuseUnknownKeys(besides: CodingKeys.allCases.map(\.rawValue))
            let container = try decoder.container(keyedBy: CodingKeys.self)
            guard let rules = try container.decodeIfPresent([Rule].self, forKey: .rules) else {
                settings = try BucketSettings.DefaultEncryption(from: decoder)
                return
            }
            guard rules.count == 1, ["aws:kms", "AES256"].contains(rules[0].byDefault.algorithm) else {
                throw DecodingError.dataCorruptedError(
                    forKey: .rules, in: container, debugDescription: "expected one rule, with aws:kms or AES256")
            }
            settings = BucketSettings.DefaultEncryption(key: rules[0].byDefault.key, bucketKey: rules[0].usesBucketKey)
        }
    }

    private struct Rule: Decodable {
        struct Default: Decodable {
            let algorithm: String
            let key: String?

            private enum CodingKeys: String, CodingKey { case algorithm = "SSEAlgorithm", key = "KMSMasterKeyID" }
        }

        let byDefault: Default
        let usesBucketKey: Bool?

        private enum CodingKeys: String, CodingKey {
            case byDefault = "ApplyServerSideEncryptionByDefault"
            case usesBucketKey = "BucketKeyEnabled"
        }
    }
}

/// A bucket's object ownership: as one word, or as `put-bucket-ownership-controls` takes it.
struct OwnershipSource: Decodable {
    let ownership: BucketSettings.Ownership

    init(from decoder: any Decoder) throws {
        if let word = try? decoder.singleValueContainer().decode(BucketSettings.Ownership.self) {
            ownership = word
            return
        }
        let rules = try decoder.documentHereOrInFile(Controls.self).rules
        guard rules.count == 1 else {
            throw DecodingError.dataCorrupted(.init(codingPath: decoder.codingPath, debugDescription: "expected one rule"))
        }
        ownership = rules[0].ownership
    }

    private struct Controls: Decodable {
        struct Rule: Decodable {
            let ownership: BucketSettings.Ownership

            private enum CodingKeys: String, CodingKey { case ownership = "ObjectOwnership" }
        }

        let rules: [Rule]

        private enum CodingKeys: String, CodingKey { case rules = "Rules" }
    }
}

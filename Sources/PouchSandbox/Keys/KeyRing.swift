import PouchCrypto
import PouchKit

/// A KMS key as it is now.
package struct SandboxKey: Sendable {
    package let account: String
    package let settings: KeySettings
    package let isManagedByService: Bool

    package var arn: String { settings.arn(in: account) }
}

/// Why a key cannot be used. S3 says `KMS.` before it, KMS itself says it as it is.
package enum KeyProblem: Error, Sendable, Equatable {
    case notFound(String)
    case disabled(String)
    case invalidState(String)
    case invalidUsage(String)
    /// By the caller's policies, or by the key's.
    case denied(action: String, key: String, byResource: Bool)

    package var code: String {
        switch self {
        case .notFound: "NotFoundException"
        case .disabled: "DisabledException"
        case .invalidState: "KMSInvalidStateException"
        case .invalidUsage: "InvalidKeyUsageException"
        case .denied: "AccessDeniedException"
        }
    }
}

/// A permission that a service asked of KMS on behalf of a caller, for the request log.
package struct KeyCheck: Sendable, Codable, Equatable {
    package let action: String
    package let key: String
    package let context: String?
    package let allowed: Bool
}

/// All keys of all accounts, and who may use them for what.
package struct KeyRing: Sendable {
    /// For whom S3 asks: its own calls come through it, in the region of the bucket.
    package struct Via: Sendable {
        package let service: String
        package init(service: String) { self.service = service }
        package static func s3(in region: String) -> Via { Via(service: "s3.\(region).amazonaws.com") }
    }

    private let keys: [String: SandboxKey]

    package init(scenario: SandboxScenario) {
        var keys: [String: SandboxKey] = [:]
        for account in scenario.accounts {
            for key in account.keys {
                let key = SandboxKey(account: account.id, settings: key, isManagedByService: false)
                keys[key.arn] = key
            }
        }
        self.keys = keys
    }

    /// The key that a request means: a full ARN, or an id or alias of the caller's account, in the region of the request.
    ///
    /// - Throws: `KeyProblem.notFound`; also for a key of another region, since KMS is regional.
    package func resolve(_ reference: String, region: String, account: String) throws(KeyProblem) -> SandboxKey {
        if reference.hasPrefix("arn:") {
            let parts = reference.split(separator: ":", omittingEmptySubsequences: false)
            guard parts.count == 6, parts[2] == "kms" else { throw .notFound("Invalid keyId '\(reference)'") }
            guard parts[3] == region else { throw .notFound("Invalid arn \(parts[3])") }
            if parts[5].hasPrefix("alias/") { return try alias(String(parts[5]), region: region, account: String(parts[4])) }
            if let key = keys[reference] { return key }
            let managed = Self.managedByS3(account: String(parts[4]), region: region)
            guard managed.arn == reference else { throw .notFound("Key '\(reference)' does not exist") }
            return managed
        }
        if reference.hasPrefix("alias/") { return try alias(reference, region: region, account: account) }
        let arn = "arn:aws:kms:\(region):\(account):key/\(reference)"
        guard let key = keys[arn] else { throw .notFound("Key '\(arn)' does not exist") }
        return key
    }

    /// The key `aws/s3` of an account, which S3 takes when no key is named: usable by everybody in that account, through S3,
    /// and by nobody else.
    package static func managedByS3(account: String, region: String) -> SandboxKey {
        func condition(_ key: String, _ value: String) -> PolicyCondition? {
            PolicyCondition(operatorName: "StringEquals", key: key, values: [value])
        }
        let statement = PolicyStatement(
            sid: "ThroughS3InThisAccount", effect: .allow, principals: .everybody,
            actions: ["kms:Encrypt", "kms:Decrypt", "kms:GenerateDataKey*", "kms:DescribeKey"],
            conditions: [
                condition("kms:CallerAccount", account), condition("kms:ViaService", "s3.\(region).amazonaws.com"),
            ].compactMap(\.self))
        let digits = SHA256Hasher.digest(of: "aws/s3 of \(account) in \(region)").description
        let id = [8, 4, 4, 4, 12].reduce(into: (parts: [Substring](), rest: digits[...])) { result, length in
            result.parts.append(result.rest.prefix(length))
            result.rest = result.rest.dropFirst(length)
        }.parts.joined(separator: "-")
        let settings = KeySettings(
            id: id, region: region, alias: "alias/aws/s3", policy: PolicySource(PolicyDocument(statements: [statement])))
        return SandboxKey(account: account, settings: settings, isManagedByService: true)
    }

    /// May the caller do this with the key, and is the key fit for it? In this order KMS answers too.
    ///
    /// - Throws: `KeyProblem`; every check is told to `note` first.
    package func use(
        _ key: SandboxKey,
        for action: String,
        by caller: Caller,
        context encryption: [String: String],
        via: Via?,
        base: PolicyContext,
        note: (KeyCheck) -> Void
    ) throws(KeyProblem) {
        let verdict = self.verdict(key, for: action, by: caller, context: encryption, via: via, base: base)
        note(
            KeyCheck(
                action: action, key: key.arn, context: encryption["aws:s3:arn"], allowed: verdict.isAllowed))
        switch verdict {
        case .allowed: break
        case .notAllowedByIdentity, .notAllowedBySession: throw .denied(action: action, key: key.arn, byResource: false)
        case .notAllowedByResource: throw .denied(action: action, key: key.arn, byResource: true)
        case .denied(let place):
            throw .denied(action: action, key: key.arn, byResource: place.hasPrefix("resource"))
        }
        // Asking about a key is possible in every state.
        guard action != "kms:DescribeKey" else { return }
        switch key.settings.state {
        case .enabled: break
        case .disabled: throw .disabled("\(key.arn) is disabled.")
        case .pendingDeletion: throw .invalidState("\(key.arn) is pending deletion.")
        case .pendingImport: throw .invalidState("\(key.arn) is pending import.")
        }
        guard key.settings.usage == "ENCRYPT_DECRYPT" else {
            throw .invalidUsage("\(key.arn) key usage is \(key.settings.usage) which is not valid for \(action.dropFirst(4)).")
        }
    }

    private func verdict(
        _ key: SandboxKey,
        for action: String,
        by caller: Caller,
        context encryption: [String: String],
        via: Via?,
        base: PolicyContext
    ) -> PolicyVerdict {
        var context = base
        caller.describe(in: &context)
        context.set("aws:ResourceAccount", key.account)
        context.set("aws:RequestedRegion", key.settings.region)
        context.set("kms:CallerAccount", caller.account)
        context.set("kms:ViaService", via?.service)
        context.set("aws:ViaAWSService", via != nil)
        context.set("kms:KeyUsage", key.settings.usage)
        context.set("kms:ResourceAliases", key.settings.alias.map { [$0] } ?? [])
        for (name, value) in encryption { context.set("kms:EncryptionContext:\(name)", value) }
        if !encryption.isEmpty { context.set("kms:EncryptionContextKeys", encryption.keys.sorted()) }
        return PolicyQuestion(caller: caller, action: action, resource: key.arn, context: context)
            .verdict(under: ResourcePolicy(document: key.settings.policy.document, account: key.account, kind: .mandatory))
    }

    private func alias(_ alias: String, region: String, account: String) throws(KeyProblem) -> SandboxKey {
        let found = keys.values.first {
            $0.account == account && $0.settings.region == region && $0.settings.alias == alias
        }
        guard let found else { throw .notFound("Alias arn:aws:kms:\(region):\(account):\(alias) is not found.") }
        return found
    }
}

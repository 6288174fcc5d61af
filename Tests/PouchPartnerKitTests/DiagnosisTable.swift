import PouchAWS
import PouchHTTP
import PouchKit
import PouchPartnerKit
import PouchSandbox
import S3SecureInbox
import Testing

/// Something that goes wrong between two organisations, and what `doctor` and a delivery must say about it.
struct Trouble: Sendable, CustomTestStringConvertible {
    struct Words: Sendable {
        /// Of `doctor`: the step that fails first; `nil`: all goes well, or the words are those of a warning.
        var step: String?
        /// In the finding or its hint.
        var doctor: String
        /// `nil`: the file is delivered all the same.
        var remedy: DeliveryFailure.Remedy?
        var code = ""
        /// In the failure's cause or hint.
        var delivery = ""
    }

    /// The symptom, as the table of diagnoses has it.
    let symptom: String
    var variant = KitVariant.usual
    var without: (path: String, name: StatementName)?
    var scenario: @Sendable (inout SandboxScenario) -> Void = { _ in }
    var settings: @Sendable (inout S3SecureInboxSettings) -> Void = { _ in }
    var fault: String?
    var skew: Duration?
    /// What becomes of requests to hosts that begin so.
    var network: (host: String, kind: HTTPFailure.Kind)?
    /// Whether somebody else's object lies at the key.
    var isTaken = false
    /// What the edge's credentials file says instead.
    var credentials: @Sendable (String) -> String = { $0 }
    let words: Words

    var testDescription: String { symptom }

    private static let otherKey = "arn:aws:kms:eu-west-1:222222222222:key/99992222-3333-4444-5555-666677778888"

    static let all: [Trouble] = keys + copies + parts + places + credentials + moments + requests + networks

    private static let keys: [Trouble] = [
        Trouble(
            symptom: "PUT 403, GenerateDataKey, no identity-based policy",
            without: ("org-a/generator-policy.json", .sealForPartner),
            words: Words(
                step: "store", doctor: "your own organisation: allow kms:GenerateDataKey", remedy: .hold, code: "AccessDenied",
                delivery: "your own organisation: allow kms:GenerateDataKey")),
        Trouble(
            symptom: "PUT 403, GenerateDataKey, resource-based policy",
            without: ("org-b/key-policy.json", .generatorSealsIntoRepository),
            words: Words(
                step: "store", doctor: "the key's owner: allow", remedy: .hold, code: "AccessDenied",
                delivery: "in the key policy of \(KitHouse.key)")),
        Trouble(
            symptom: "COPY 403, kms:Decrypt, ours", without: ("org-a/publisher-policy.json", .openRepositoryObjects),
            words: Words(
                step: "publish", doctor: "your own organisation: allow kms:Decrypt", remedy: .hold, code: "AccessDenied",
                delivery: "your own organisation: allow kms:Decrypt")),
        Trouble(
            symptom: "COPY 403, kms:Decrypt, the partner's", without: ("org-b/key-policy.json", .publisherOpensRepository),
            words: Words(
                step: "publish", doctor: "kms:Decrypt in the key policy", remedy: .hold, code: "AccessDenied",
                delivery: "aws:s3:arn = arn:aws:s3:::orga-repository/acme/")),
        Trouble(
            symptom: "400 KMS.NotFoundException", scenario: { $0.accounts[1].keys = [] },
            words: Words(
                step: "key", doctor: "must exist there", remedy: .hold, code: "KMS.NotFoundException",
                delivery: "name it by its full ARN")),
        Trouble(
            symptom: "400 KMS.DisabledException", scenario: { $0.accounts[1].keys[0].state = .disabled },
            words: Words(
                step: "key", doctor: "is Disabled", remedy: .hold, code: "KMS.DisabledException", delivery: "must enable it")),
        Trouble(
            symptom: "400 KMS.KMSInvalidStateException, deletion", scenario: { $0.accounts[1].keys[0].state = .pendingDeletion },
            words: Words(
                step: "key", doctor: "cancel the deletion", remedy: .hold, code: "KMS.KMSInvalidStateException",
                delivery: "cancel the deletion")),
        Trouble(
            symptom: "400 KMS.KMSInvalidStateException, import", scenario: { $0.accounts[1].keys[0].state = .pendingImport },
            words: Words(
                step: "key", doctor: "is PendingImport", remedy: .hold, code: "KMS.KMSInvalidStateException", delivery: "import it")
        ),
        Trouble(
            symptom: "400 KMS.InvalidKeyUsageException", scenario: { $0.accounts[1].keys[0].usage = "SIGN_VERIFY" },
            words: Words(
                step: "key", doctor: "symmetric key", remedy: .hold, code: "KMS.InvalidKeyUsageException",
                delivery: "symmetric key for ENCRYPT_DECRYPT")),
    ]

    private static let copies: [Trouble] = [
        Trouble(
            symptom: "COPY 403, generic: B's bucket policy lacks the role",
            without: ("org-b/inbox-bucket-policy.json", .publisherDelivers),
            words: Words(
                step: "publish", doctor: "first the partner's bucket policy", remedy: .hold, code: "AccessDenied",
                delivery: "look in this order: the policy of the bucket acme-inbox")),
        Trouble(
            symptom: "COPY 403, generic: s3:PutObject is missing in A", without: ("org-a/publisher-policy.json", .deliverIntoInbox),
            words: Words(
                step: "publish", doctor: "then your own role's policy", remedy: .hold, code: "AccessDenied",
                delivery: "its own IAM policy does not")),
        Trouble(
            symptom: "COPY 403, generic: wrong expected owner", settings: { $0.inbox?.owner = "333333333333" },
            words: Words(
                step: "publish", doctor: "acme-inbox does not belong to account 333333333333", remedy: .hold, code: "AccessDenied",
                delivery: "does not belong to account 333333333333")),
        Trouble(
            symptom: "PUT 403, generic: wrong expected owner", settings: { $0.repository.owner = "222222222222" },
            words: Words(
                step: "store", doctor: "orga-repository does not belong to account 222222222222", remedy: .hold,
                code: "AccessDenied", delivery: "the bucket belongs to another account than 222222222222")),
        Trouble(
            symptom: "COPY 403: GetObjectVersion is missing", without: ("org-a/publisher-policy.json", .readRepository),
            words: Words(
                step: "publish", doctor: "s3:GetObjectVersion", remedy: .hold, code: "AccessDenied", delivery: "s3:GetObjectVersion"
            )),
        Trouble(
            symptom: "COPY 403, generic: PutObjectAcl is missing", settings: { $0.inbox?.acl = "bucket-owner-full-control" },
            words: Words(
                step: "publish", doctor: "without the ACL it passes", remedy: .hold, code: "AccessDenied",
                delivery: "s3:PutObjectAcl is missing")),
        Trouble(
            symptom: "COPY 403, generic: a Deny on the key", scenario: { $0.takeOnly(otherKey) },
            words: Words(
                step: "publish", doctor: "the inbox encrypts under \(otherKey)", remedy: .hold, code: "AccessDenied",
                delivery: "a Deny on another key than the named one")),
        Trouble(
            symptom: "COPY 403, generic: overwriting is refused", settings: { $0.whenTaken = .replace },
            words: Words(
                step: "publish", doctor: "the inbox refuses to be written over", remedy: .hold, code: "AccessDenied",
                delivery: "on overwriting")),
        Trouble(
            symptom: "412 PreconditionFailed on COPY", settings: { $0.whenTaken = .fail }, isTaken: true,
            words: Words(step: nil, doctor: "copies into the inbox", remedy: .quarantine, code: "key-taken", delivery: "exists")),
    ]

    private static let parts: [Trouble] =
        [
            Trouble(
                symptom: "single PUT works, UploadPart 403", variant: .storingInParts,
                without: ("org-a/generator-policy.json", .reopenOwnParts),
                words: Words(
                    step: "store", doctor: "uploads in parts need kms:Decrypt", remedy: .hold, code: "AccessDenied",
                    delivery: "uploads in parts need kms:Decrypt")),
            Trouble(
                symptom: "Complete 403 only", variant: .storingInParts,
                fault:
                    #"{"match":{"action":"CompleteMultipartUpload","times":0},"do":{"kind":"error","code":"AccessDenied","status":403}}"#,
                words: Words(
                    step: nil, doctor: "sends files in parts", remedy: .hold, code: "AccessDenied",
                    delivery: "uploads in parts need kms:Decrypt")),
            Trouble(
                symptom: "ListParts 403 only", variant: .joiningSegments, without: ("org-a/publisher-policy.json", .joinSegments),
                words: Words(step: nil, doctor: "publisher may not", remedy: nil)),
        ]
        + [("EntityTooSmall", "parts-useless"), ("InvalidPart", "parts-useless"), ("InvalidPartOrder", "InvalidPartOrder")].map {
            (code, told) in
            Trouble(
                symptom: "400 \(code)", variant: .storingInParts,
                fault:
                    #"{"match":{"action":"CompleteMultipartUpload","times":0},"do":{"kind":"error","code":"\#(code)","status":400}}"#,
                words: Words(
                    step: nil, doctor: "sends files in parts", remedy: .retry, code: told, delivery: "it begins again"))
        }

    private static let places: [Trouble] = [
        Trouble(
            symptom: "301, AuthorizationHeaderMalformed",
            scenario: { scenario in
                scenario.accounts[0].buckets[0].region = "eu-central-1"
            },
            words: Words(
                step: "bucket", doctor: "set region: eu-central-1", remedy: .hold, code: "KMS.NotFoundException",
                delivery: "Invalid arn eu-west-1")),
        Trouble(
            symptom: "404 NoSuchBucket", settings: { $0.inbox?.bucket = "acme-nowhere" },
            words: Words(
                step: "bucket", doctor: "acme-nowhere", remedy: .hold, code: "NoSuchBucket",
                delivery: "ask the partner for its name")),
        Trouble(
            symptom: "400 InvalidArgument on SSE: no TLS", settings: { $0.repository.endpoint = "http://127.0.0.1" },
            words: Words(
                step: "store", doctor: "needs https", remedy: .hold, code: "InvalidArgument", delivery: "needs https")),
    ]

    private static let credentials: [Trouble] = [
        Trouble(
            symptom: "403 SignatureDoesNotMatch",
            credentials: { $0.replacing(/aws_secret_access_key = .*/, with: "aws_secret_access_key = wrong") },
            words: Words(
                step: "identity", doctor: "the secret key does not belong to the access key", remedy: .hold, code: "NoCredentials",
                delivery: "the secret key does not belong to the access key")),
        Trouble(
            symptom: "403 InvalidAccessKeyId",
            credentials: { $0.replacing(/aws_access_key_id = .*/, with: "aws_access_key_id = AKIAIOSFODNN7EXAMPLE") },
            words: Words(
                step: "identity", doctor: "AWS does not know the access key", remedy: .hold, code: "NoCredentials",
                delivery: "AWS does not know the access key")),
        Trouble(
            symptom: "400 InvalidToken",
            fault: #"{"match":{"times":0,"caller":"generator"},"do":{"kind":"error","code":"InvalidToken","status":400}}"#,
            words: Words(
                step: "identity", doctor: "the session token", remedy: .hold, code: "InvalidToken", delivery: "the session token")),
        Trouble(
            symptom: "400 ExpiredToken",
            fault: #"{"match":{"times":0,"caller":"generator"},"do":{"kind":"error","code":"ExpiredToken","status":400}}"#,
            words: Words(
                step: "identity", doctor: "have expired, and renewing them gave no better ones", remedy: .hold,
                code: "ExpiredToken",
                delivery: "renewing them gave no better ones")),
        Trouble(
            symptom: "403 RequestTimeTooSkewed", skew: .seconds(3_600),
            words: Words(step: nil, doctor: "s ahead of AWS's", remedy: nil)),
    ]

    private static let moments: [Trouble] = [
        Trouble(
            symptom: "409 ConditionalRequestConflict",
            fault:
                #"{"match":{"action":"CopyObject","times":0},"do":{"kind":"error","code":"ConditionalRequestConflict","status":409}}"#,
            words: Words(
                step: "publish", doctor: "somebody else writes or deletes", remedy: .retry, code: "ConditionalRequestConflict",
                delivery: "somebody else writes or deletes")),
        Trouble(
            symptom: "409 OperationAborted",
            fault: #"{"match":{"action":"CopyObject","times":0},"do":{"kind":"error","code":"OperationAborted","status":409}}"#,
            words: Words(
                step: "publish", doctor: "somebody else writes or deletes", remedy: .retry, code: "OperationAborted",
                delivery: "somebody else writes or deletes")),
        Trouble(
            symptom: "400 BadDigest",
            fault: #"{"match":{"action":"PutObject","times":0},"do":{"kind":"error","code":"BadDigest","status":400}}"#,
            words: Words(
                step: "store", doctor: "what arrived is not what was hashed", remedy: .retry, code: "BadDigest",
                delivery: "the file changed while it was sent")),
        Trouble(
            symptom: "503 SlowDown", fault: #"{"match":{"action":"CopyObject","times":0},"do":{"kind":"slow-down"}}"#,
            words: Words(
                step: "publish", doctor: "lower limits.at-once", remedy: .retry, code: "SlowDown", delivery: "lower limits.at-once")
        ),
    ]

    /// What S3 says of a request, made up where an agent in order never provokes it.
    private static let requests: [Trouble] = answers.map { row in
        Trouble(
            symptom: "\(row.status) \(row.code)",
            fault:
                #"{"match":{"action":"PutObject","times":0},"do":{"kind":"error","code":"\#(row.code)","status":\#(row.status)}}"#,
            words: Words(step: "store", doctor: row.words, remedy: row.remedy, code: row.told ?? row.code, delivery: row.words))
    }

    private static let answers: [(status: Int, code: String, remedy: DeliveryFailure.Remedy, told: String?, words: String)] = [
        (400, "EntityTooLarge", .hold, "too-large", "one request takes at most 5 GiB"),
        (400, "KeyTooLongError", .quarantine, nil, "the route's key template"),
        (400, "MetadataTooLarge", .quarantine, nil, "the route's key template"),
        (400, "InvalidTag", .quarantine, nil, "the route's key template"),
        (400, "InvalidDigest", .retry, nil, "what arrived is not what was hashed"),
        (400, "IncompleteBody", .retry, nil, "what arrived is not what was hashed"),
        (400, "RequestTimeout", .retry, nil, "we sent too slowly: the line, or the disk"),
        (400, "InvalidBucketOwnerAWSAccountID", .hold, nil, "owner: must be the 12 digits"),
        (400, "AccessControlListNotSupported", .hold, nil, "takes no ACLs"),
        (501, "NotImplemented", .hold, nil, "what S3-compatible services lack"),
    ]

    private static let networks: [Trouble] = [
        Trouble(
            symptom: "no address: DNS", network: ("sts.", .resolve),
            words: Words(step: "identity", doctor: "DNS", remedy: .retry, code: "NoCredentials", delivery: "DNS")),
        Trouble(
            symptom: "no connection: firewall or proxy", network: ("acme-inbox.", .connect),
            words: Words(step: "bucket", doctor: "network.proxy", remedy: .retry, code: "NotConnected", delivery: "network.proxy")),
        Trouble(
            symptom: "no trusted TLS", network: ("orga-repository.", .tls),
            words: Words(step: "bucket", doctor: "network.ca-file", remedy: .retry, code: "TLSFailed", delivery: "network.ca-file")),
    ]

    /// Rows of the table that cannot be produced between this agent and this sandbox, and why.
    static let beyondReach: [(symptom: String, reason: String)] = [
        ("B cannot read a delivered object", "it shows on B's side only: no answer to A carries the owner"),
        ("object under the wrong account's key", "aliases and bare ids are refused when agent.yaml is read"),
        (
            "400 NoSuchUpload",
            "the upload is begun again before anybody is told: SegmentDeliveryTests and PublishedSegmentsTests show it"
        ),
        ("403 on overwrite: Object Lock", "the sandbox has no locks; S3 answers it as any other 403, whose hint names it"),
        ("403 by an organisation's or an endpoint's policy", "the sandbox has neither; DiagnosisTests hold the words"),
    ]
}

extension SandboxScenario {
    /// The inbox takes objects under another key only, which it uses by default: org B changed its mind, and org A's settings did not.
    fileprivate mutating func takeOnly(_ key: String) {
        var second = accounts[1].keys[0]
        second.id = String(key.split(separator: "/")[1])
        accounts[1].keys.append(second)
        accounts[1].buckets[0].encryption.key = key
        let old = accounts[1].buckets[0].policy?.document.statements.filter { $0.sid != "RefuseOtherKeys" } ?? []
        let conditions = [
            PolicyCondition(operatorName: "StringEquals", key: "s3:x-amz-server-side-encryption", values: ["aws:kms"]),
            PolicyCondition(
                operatorName: "ArnNotEquals", key: "s3:x-amz-server-side-encryption-aws-kms-key-id", values: [key]),
        ]
        let refusal = PolicyStatement(
            sid: "OtherKeyOnly", effect: .deny, principals: .everybody, actions: ["s3:PutObject"],
            conditions: conditions.compactMap(\.self))
        accounts[1].buckets[0].policy = PolicySource(PolicyDocument(statements: old + [refusal]))
        let grant = PolicyStatement(
            sid: "AnyKey", effect: .allow, principals: nil, actions: ["kms:GenerateDataKey"], conditions: [])
        for role in accounts[0].roles.indices where accounts[0].roles[role].name == "publisher" {
            accounts[0].roles[role].policies.append(PolicySource(PolicyDocument(statements: [grant])))
        }
    }
}

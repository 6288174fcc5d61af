import PouchCrypto
import PouchFiles
import PouchKit

/// S3, for requests whose signature is believed. Each operation is in a file of its own.
package struct S3Service: Sendable {
    let buckets: [String: SandboxBucket]
    let keys: KeyRing
    let store: ObjectStore
    let verifier: SignatureVerifier
    let accounts: [String: String]
    let arrivals: @Sendable (StoredObject, S3Operation) -> Void

    package init(
        scenario: SandboxScenario,
        keys: KeyRing,
        store: ObjectStore,
        verifier: SignatureVerifier,
        arrivals: @escaping @Sendable (StoredObject, S3Operation) -> Void
    ) {
        var buckets: [String: SandboxBucket] = [:]
        for account in scenario.accounts {
            for settings in account.buckets {
                buckets[settings.name] = SandboxBucket(account: account.id, accountName: account.name, settings: settings)
            }
        }
        self.buckets = buckets
        self.keys = keys
        self.store = store
        self.verifier = verifier
        self.arrivals = arrivals
        accounts = Dictionary(uniqueKeysWithValues: scenario.accounts.map { ($0.id, $0.name) })
    }

    var regions: Set<String> { Set(buckets.values.map(\.region)) }

    func answer(_ call: S3Call, body: IncomingBody) async throws -> Reply {
        try checkExpectedOwner(call.headers["x-amz-expected-bucket-owner"], of: call.bucket)
        switch call.operation {
        case .putObject: return try await putObject(call, body: body)
        case .uploadPart: return try await uploadPart(call, body: body)
        case .completeMultipartUpload: return try await completeMultipartUpload(call, body: body)
        default: try await expectNoBody(call, body)
        }
        switch call.operation {
        case .copyObject: return try await copyObject(call)
        case .uploadPartCopy: return try await uploadPartCopy(call)
        default: return try await onBlockingThread { () throws(Refusal) in try answerAtOnce(call) }
        }
    }

    /// The operations that are one look at the store, or one change of it; the change is written to its log.
    private func answerAtOnce(_ call: S3Call) throws(Refusal) -> Reply {
        switch call.operation {
        case .headBucket: try headBucket(call)
        case .getBucketLocation: try getBucketLocation(call)
        case .getBucketVersioning: try getBucketVersioning(call)
        case .listObjects: try listObjects(call)
        case .listObjectVersions: try listObjectVersions(call)
        case .listMultipartUploads: try listMultipartUploads(call)
        case .getObject: try getObject(call, sendsBody: true)
        case .headObject: try getObject(call, sendsBody: false)
        case .deleteObject: try deleteObject(call)
        case .createMultipartUpload: try createMultipartUpload(call)
        case .abortMultipartUpload: try abortMultipartUpload(call)
        case .listParts: try listParts(call)
        // The first is about no bucket and is answered before one is looked for, the others have bodies or read files.
        case .listBuckets, .putObject, .copyObject, .uploadPart, .uploadPartCopy, .completeMultipartUpload:
            throw .notImplemented()
        }
    }

    /// - Throws: `Refusal` `AccessDenied` when the bucket is another account's, `InvalidBucketOwnerAWSAccountID` when the
    ///   header is no account id.
    func checkExpectedOwner(_ expected: String?, of bucket: SandboxBucket) throws(Refusal) {
        guard let expected else { return }
        guard expected.utf8.count == 12, expected.utf8.allSatisfy({ (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }) else {
            throw Refusal(
                "InvalidBucketOwnerAWSAccountID", 400,
                "The value of the expected bucket owner parameter must be an AWS account ID")
        }
        guard expected == bucket.account else { throw .accessDenied() }
    }

    /// - Throws: `Refusal` `KeyTooLongError`, `InvalidURI`.
    static func check(_ key: ObjectKey) throws(Refusal) {
        guard key.bytes.count <= 1_024 else {
            throw Refusal(
                "KeyTooLongError", 400, "Your key is too long",
                details: [("Size", "\(key.bytes.count)"), ("MaxSizeAllowed", "1024")])
        }
        guard String(validating: key.bytes, as: UTF8.self) != nil else {
            throw Refusal("InvalidURI", 400, "Couldn't parse the specified URI.")
        }
    }

    /// Reads a body that should be empty: its hash was signed, and must be that of nothing.
    private func expectNoBody(_ call: S3Call, _ body: IncomingBody) async throws {
        _ = try await document(call, body, limit: 0)
    }

    /// Reads a small document. Checksum headers of such requests speak of an object, not of the document.
    func document(_ call: S3Call, _ body: IncomingBody, limit: Int) async throws -> [UInt8] {
        let headers = call.headers.fields.filter { !$0.name.hasPrefix("x-amz-checksum-") && !$0.name.hasPrefix("x-amz-sdk-") }
        let expectation = try PayloadExpectation(RequestHeaders(headers), mode: call.mode)
        let intake = BodyIntake(
            expectation, place: .memory(limit: limit), needsMD5: false,
            algorithm: expectation.checksum?.algorithm ?? .crc64nvme, chain: chain(of: call))
        return try await intake.receive(body).bytes
    }

    func chain(of call: S3Call) -> sending ChunkSignatureChain? {
        guard case .chunked(isSigned: true, _) = call.mode else { return nil }
        return ChunkSignatureChain(verifier: verifier, secret: call.secret, claim: call.claim)
    }

    static func newVersion(in bucket: SandboxBucket) -> String {
        guard bucket.settings.versioning == .enabled else { return "null" }
        return String(Base64.text(of: SandboxSecrets.randomBytes(24)).map { $0 == "+" ? "." : $0 == "/" ? "_" : $0 })
    }

    /// `x-amz-version-id`, where the bucket keeps versions or did.
    static func versionHeaders(_ object: StoredObject, in bucket: SandboxBucket) -> [(name: String, value: String)] {
        bucket.settings.versioning == .never ? [] : [("x-amz-version-id", object.version)]
    }
}

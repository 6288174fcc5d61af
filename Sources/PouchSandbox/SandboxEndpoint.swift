import PouchCrypto
import PouchFiles
import PouchKit

/// The one door of the sandbox: tells the services apart, believes signatures or not, and lets the service answer.
package struct SandboxEndpoint: Sendable {
    private static let emptyHash = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"

    private let identities: IdentityDirectory
    private let verifier: SignatureVerifier
    private let s3: S3Service
    private let tokens: TokenService
    private let certificates: CertificateSessions
    private let metadata: HostMetadata
    private let keyService: KeyService
    private let queues: QueueService
    private let control: SandboxControl
    private let faults: FaultBoard?
    private let log: RequestLog?

    package init(
        identities: IdentityDirectory,
        verifier: SignatureVerifier,
        s3: S3Service,
        tokens: TokenService,
        certificates: CertificateSessions,
        metadata: HostMetadata,
        keyService: KeyService,
        queues: QueueService,
        control: SandboxControl,
        faults: FaultBoard?,
        log: RequestLog?
    ) {
        self.identities = identities
        self.verifier = verifier
        self.s3 = s3
        self.tokens = tokens
        self.certificates = certificates
        self.metadata = metadata
        self.keyService = keyService
        self.queues = queues
        self.control = control
        self.faults = faults
        self.log = log
    }

    /// - Throws: `ConnectionReset` where a fault wants it, and whatever broke while the body was read.
    package func answer(_ request: IncomingRequest, body: IncomingBody) async throws -> Reply {
        if request.rawPath.hasPrefix(SandboxControl.prefix) { return await control.answer(request, body: body) }
        let notes = RequestNotes()
        let requestID = SandboxSecrets.randomHex(8).uppercased()
        let dialect = self.dialect(of: request)
        notes.note { $0.service = dialect.rawValue }
        var reply: Reply
        var code: String?
        do {
            switch dialect {
            case .s3: reply = try await answerS3(request, body: body, notes: notes)
            case .sts, .kms, .sqs: reply = try await answerOther(dialect, request, body: body, notes: notes, requestID: requestID)
            case .rolesanywhere: reply = try await answerCertificate(request, body: body, notes: notes)
            case .metadata: reply = try metadata.answer(request, notes: notes)
            }
        } catch {
            guard let refusal = Self.refusal(for: error) else {
                log?.record(request, notes: notes.current, requestID: requestID, reply: nil, code: "\(type(of: error))")
                throw error
            }
            code = refusal.code
            let hostID = Base64.text(of: SandboxSecrets.randomBytes(24))
            reply = dialect.reply(to: refusal, request: request, requestID: requestID, hostID: hostID)
            if dialect == .s3 { reply.headers.append(("x-amz-id-2", hostID)) }
        }
        reply.headers += Self.commonHeaders(dialect, request: request, requestID: requestID)
        log?.record(request, notes: notes.current, requestID: requestID, reply: reply, code: code)
        return reply
    }

    /// What can be answered; after anything else the connection is of no use any more.
    private static func refusal(for error: any Error) -> Refusal? {
        if let refusal = error as? Refusal { return refusal }
        return (error as? FileProblem).map { .internalError("\($0)") }
    }

    private static func commonHeaders(
        _ dialect: ServiceDialect, request: IncomingRequest, requestID: String
    ) -> [(name: String, value: String)] {
        [
            (dialect == .s3 ? "x-amz-request-id" : "x-amzn-requestid", requestID),
            ("date", WireTime.http(request.received)), ("server", dialect == .s3 ? "AmazonS3" : "PouchSandbox"),
        ]
    }

    /// By the scope of the signature; for what is not signed, by the form of the request.
    private func dialect(of request: IncomingRequest) -> ServiceDialect {
        let text = request.headers["authorization"] ?? request.query["X-Amz-Credential"] ?? ""
        if text.contains("/s3/aws4_request") { return .s3 }
        if text.contains("/sts/aws4_request") { return .sts }
        if text.contains("/kms/aws4_request") { return .kms }
        if text.contains("/rolesanywhere/aws4_request") { return .rolesanywhere }
        if !text.contains("/aws4_request"), metadata.isAsked(request) { return .metadata }
        if text.contains("/sqs/aws4_request") { return .sqs }
        let target = request.headers["x-amz-target"] ?? ""
        if target.hasPrefix("TrentService.") { return .kms }
        if target.hasPrefix("AmazonSQS.") { return .sqs }
        let isForm = request.headers["content-type"]?.hasPrefix("application/x-www-form-urlencoded") == true
        return request.rawPath == "/" && (isForm || request.query.contains("Action")) ? .sts : .s3
    }

    // MARK: S3

    private func answerS3(_ request: IncomingRequest, body: IncomingBody, notes: RequestNotes) async throws -> Reply {
        let target = S3Target(host: request.host, rawPath: request.rawPath)
        notes.note {
            $0.bucket = target.bucket
            $0.key = target.key?.text
            $0.expectedOwner = request.headers["x-amz-expected-bucket-owner"]
        }
        let known = target.bucket.flatMap { s3.buckets[$0] }
        let operation = try S3Operation.of(request, target: target)
        notes.note { $0.action = operation.rawValue }
        let claim = try claim(of: request, dialect: .s3)
        let (caller, secret) = try authenticate(
            claim, request: request, dialect: .s3, payloadHash: Self.payloadHash(of: request, claim: claim), pathStyle: .asSent,
            checkScope: { () throws(SignatureProblem) in try checkRegion(of: claim, target: target, bucket: known) })
        notes.note {
            $0.caller = caller.arn
            $0.callerName = caller.name
        }
        let mode = try PayloadMode(Self.payloadHash(of: request, claim: claim))
        if mode == .unsigned, !request.isSecure, claim.form == .header {
            throw Refusal.invalidRequest("UNSIGNED-PAYLOAD is only accepted over a secure connection.")
        }
        if operation == .listBuckets { return try s3.listBuckets(request, caller: caller) }
        guard let bucket = known else { throw Refusal.noSuchBucket(target.bucket ?? "") }
        if let region = target.region ?? (target.isVirtualHost ? nil : claim.scope.region), region != bucket.region {
            throw redirect(to: bucket, request: request)
        }
        let effect = faults?.effect(on: notes) ?? .none
        if effect.isBeforeEffect { try await effect.strike() }
        let call = S3Call(
            operation: operation, request: request, claim: claim, caller: caller, secret: secret, bucket: bucket,
            key: target.key ?? ObjectKey(""), mode: mode, notes: notes, effect: effect)
        var reply: Reply
        do {
            reply = try await s3.answer(call, body: body)
        } catch var refusal as Refusal {
            // Also where the caller may not look into the bucket: clients find its region by this.
            if operation == .headBucket { refusal.headers.append(("x-amz-bucket-region", bucket.region)) }
            throw refusal
        }
        if !effect.isBeforeEffect { try await effect.strike() }
        effect.distort(&reply)
        return reply
    }

    private func claim(of request: IncomingRequest, dialect: ServiceDialect) throws(Refusal) -> SignatureClaim {
        do throws(SignatureProblem) {
            guard let claim = try SignatureClaim.read(from: request) else { throw .missing }
            return claim
        } catch {
            throw dialect.refusal(for: error)
        }
    }

    private func authenticate(
        _ claim: SignatureClaim,
        request: IncomingRequest,
        dialect: ServiceDialect,
        payloadHash: String,
        pathStyle: CanonicalRequest.PathStyle,
        checkScope: () throws(SignatureProblem) -> Void = {}
    ) throws(Refusal) -> (caller: Caller, secret: Secret) {
        do throws(SignatureProblem) {
            guard claim.scope.service == dialect.rawValue else {
                throw .wrongService(found: claim.scope.service, expected: dialect.rawValue)
            }
            try checkScope()
            let found = try identities.identify(
                accessKey: claim.accessKey, sessionToken: claim.sessionToken, now: request.received)
            try verifier.verify(claim, of: request, secret: found.secret, payloadHash: payloadHash, pathStyle: pathStyle)
            return found
        } catch {
            throw dialect.refusal(for: error)
        }
    }

    /// - Throws: `Refusal` `InvalidRequest` when the header is missing, which S3 demands.
    private static func payloadHash(of request: IncomingRequest, claim: SignatureClaim) throws(Refusal) -> String {
        if let header = request.headers["x-amz-content-sha256"] { return header }
        if case .presigned = claim.form { return request.query["X-Amz-Content-Sha256"] ?? "UNSIGNED-PAYLOAD" }
        throw .invalidRequest("Missing required header for this request: x-amz-content-sha256")
    }

    /// A signature for a region that does not exist here, or for another one than the host's own.
    ///
    /// The plain addresses of loopback stand for the endpoint of whatever region the client signed for: a bucket of
    /// another region is then redirected, as at a regional endpoint.
    private func checkRegion(of claim: SignatureClaim, target: S3Target, bucket: SandboxBucket?) throws(SignatureProblem) {
        let found = claim.scope.region
        if let region = target.region {
            guard found == region else { throw .wrongRegion(found: found, expected: region) }
        } else if let bucket, found != bucket.region, target.isVirtualHost || !s3.regions.contains(found) {
            throw .wrongRegion(found: found, expected: bucket.region)
        }
    }

    private func redirect(to bucket: SandboxBucket, request: IncomingRequest) -> Refusal {
        Refusal(
            "PermanentRedirect", 301,
            "The bucket you are attempting to access must be addressed using the specified endpoint. Please send all future "
                + "requests to this endpoint.",
            details: [("Endpoint", "s3.\(bucket.region).amazonaws.com"), ("Bucket", bucket.name)],
            headers: [("x-amz-bucket-region", bucket.region)])
    }

    // MARK: STS, KMS and SQS

    private func answerOther(
        _ dialect: ServiceDialect, _ request: IncomingRequest, body: IncomingBody, notes: RequestNotes, requestID: String
    ) async throws -> Reply {
        // A message of a queue may have 1 MiB before it is written as JSON.
        let bytes = try await Self.smallBody(body, limit: dialect == .sqs ? 8 << 20 : 1 << 20)
        let form = QueryParameters(
            request.method == "GET" ? request.rawQuery : String(decoding: bytes, as: UTF8.self), plusIsSpace: true)
        let action =
            dialect == .sts ? form["Action"] ?? "" : String(request.headers["x-amz-target"]?.split(separator: ".").last ?? "")
        notes.note { $0.action = action }
        if dialect == .sts, action == "AssumeRoleWithWebIdentity" {
            let effect = faults?.effect(on: notes) ?? .none
            if effect.isBeforeEffect { try await effect.strike() }
            return try tokens.assumeRoleWithWebIdentity(form, request: request, notes: notes, requestID: requestID)
        }
        let claim = try claim(of: request, dialect: dialect)
        let (caller, _) = try authenticate(
            claim, request: request, dialect: dialect, payloadHash: SHA256Hasher.digest(of: bytes).description,
            pathStyle: .normalizedAndEncodedAgain)
        notes.note {
            $0.caller = caller.arn
            $0.callerName = caller.name
        }
        let effect = faults?.effect(on: notes) ?? .none
        if effect.isBeforeEffect { try await effect.strike() }
        let region = claim.scope.region
        var reply =
            switch dialect {
            case .kms:
                try keyService.answer(action, body: bytes, region: region, request: request, caller: caller, notes: notes)
            case .sqs:
                try await queues.answer(action, body: bytes, region: region, request: request, caller: caller, notes: notes)
            case .sts, .s3, .rolesanywhere, .metadata:
                try tokens.answer(form, request: request, caller: caller, notes: notes, requestID: requestID)
            }
        if !effect.isBeforeEffect { try await effect.strike() }
        effect.distort(&reply)
        return reply
    }

    private func answerCertificate(
        _ request: IncomingRequest, body: IncomingBody, notes: RequestNotes
    ) async throws -> Reply {
        notes.note { $0.action = "CreateSession" }
        let effect = faults?.effect(on: notes) ?? .none
        if effect.isBeforeEffect { try await effect.strike() }
        return try certificates.answer(request, body: try await Self.smallBody(body), notes: notes)
    }

    static func smallBody(_ body: IncomingBody, limit: Int = 1 << 20) async throws -> [UInt8] {
        var bytes: [UInt8] = []
        try await body.forEachBlock { block in
            guard bytes.count + block.count <= limit else {
                throw Refusal("RequestEntityTooLarge", 413, "The request is too large.")
            }
            bytes += block
        }
        return bytes
    }
}

import PouchCrypto
import PouchHTTP
import PouchKit

/// Signs calls to one service as one identity, sends them, and sends them again where that is safe and may help.
package final class AWSClient: Sendable {
    /// A clock that is off by less is not what a refusal is about: services accept 15 minutes, and answers take a while.
    private static let leastSkew: Duration = .seconds(240)
    /// A session may be ended again between its renewal and the request that uses it, when all of a role are revoked.
    private static let mostRenewals = 3

    package let link: AWSLink
    private let authority: RequestAuthority

    package convenience init(signer: Signer, credentials: any CredentialSource, link: AWSLink) {
        self.init(authority: .credentials(signer, credentials), link: link)
    }

    init(authority: RequestAuthority, link: AWSLink) {
        self.authority = authority
        self.link = link
    }

    /// What was done about one call so far.
    ///
    /// A call that waits between its attempts may take long enough for a session to end twice: what it was corrected by belongs to the
    /// attempt, and the next one asks for credentials anew.
    private struct Course {
        var requests = 0
        var attempt = 1
        var lastRetry: RetryPolicy.Cause?
        var mayHaveTakenEffect = false
        /// In this attempt.
        var renewals = 0
        var hasCorrectedClock = false
        var hasChangedRegion = false
        var hasSentDamagedAgain = false
        var renewed: RequestProof?

        mutating func beginNextAttempt(after cause: RetryPolicy.Cause) {
            attempt += 1
            lastRetry = cause
            renewals = 0
            renewed = nil
        }
    }

    /// Sends the call until it succeeds or must not be sent again.
    ///
    /// Corrected once each, without counting as a retry: expired credentials (a few times an attempt), a wrong clock, a wrong region.
    ///
    /// - Throws: `AWSFailure` of the last request; its outcome is unknown when that of any request was.
    package func send(
        _ call: AWSCall,
        progress: (@Sendable (Int64) -> Void)? = nil
    ) async throws(AWSFailure) -> AWSAnswer {
        var course = Course()
        while true {
            let proof = try await proof(for: call, course)
            let region = call.bucket.flatMap { link.region(of: $0) } ?? call.region
            let address = call.address(region)
            let failure: AWSFailure
            switch await exchange(try signed(call, address, proof, region), progress) {
            case .failure(let problem):
                course.requests += 1
                failure = Self.failure(of: call, problem)
            case .success(let response):
                course.requests += response.transmissions
                switch Self.judge(response, of: call) {
                case .success(let document):
                    link.refund(lastRetry: course.lastRetry)
                    return Self.answer(response, document, requests: course.requests, region: region)
                case .failure(var refusal):
                    refusal.skew = skew(of: response, authority: address.endpoint.authority)
                    let setting = Setting(address: address, region: region, proof: proof)
                    if try await correct(refusal, call, setting, &course) { continue }
                    failure = refusal
                }
            }
            try await waitOrGiveUp(failure, call, &course)
        }
    }

    /// What a request was sent with.
    private struct Setting {
        let address: ServiceAddress
        let region: Region
        let proof: RequestProof
    }

    private func proof(for call: AWSCall, _ course: Course) async throws(AWSFailure) -> RequestProof {
        if let renewed = course.renewed { return renewed }
        do throws(CredentialFailure) {
            return try await authority.proof()
        } catch {
            throw Self.failure(of: call, error, requests: course.requests)
        }
    }

    private func signed(
        _ call: AWSCall,
        _ address: ServiceAddress,
        _ proof: RequestProof,
        _ region: Region
    ) throws(AWSFailure) -> HTTPRequest {
        let signable = SignableRequest(
            method: call.method, host: address.endpoint.authority, path: address.path, query: call.query, headers: call.headers)
        let time = link.clock.now.advanced(by: link.skew(of: address.endpoint.authority))
        let payload = Self.payload(of: call, isSecure: address.endpoint.isSecure)
        let proving: [(name: String, value: String)]
        do throws(CredentialFailure) {
            proving = try proof.headers(for: signable, payload: payload, in: region, at: time)
        } catch {
            throw Self.failure(of: call, error, requests: 0)
        }
        let scheme = address.endpoint.isSecure ? "https://" : "http://"
        return HTTPRequest(
            method: call.method,
            url: scheme + address.endpoint.authority + signable.target,
            headers: call.headers + proving,
            body: call.body,
            timeouts: call.timeouts,
            maximumResponseBody: 4 << 20,
            budget: call.budget
        )
    }

    /// What is in memory is signed with its hash. A file is covered by its checksum header, which is signed; over plain http only
    /// its hash is proof enough.
    private static func payload(of call: AWSCall, isSecure: Bool) -> PayloadHash {
        switch call.body {
        case .none: return .empty
        case .bytes(let bytes): return .digest(SHA256Hasher.digest(of: bytes).description)
        case .file:
            guard !isSecure, let digest = call.bodyDigest else { return .unsigned }
            return .digest(digest.description)
        }
    }

    private func exchange(
        _ request: HTTPRequest,
        _ progress: (@Sendable (Int64) -> Void)?
    ) async -> Result<HTTPResponse, HTTPFailure> {
        do throws(HTTPFailure) {
            return .success(try await link.transport.send(request, progress: progress))
        } catch {
            return .failure(error)
        }
    }

    /// A wrong region, a wrong clock, expired credentials: put right once each; true when it is worth sending again at once.
    private func correct(
        _ refusal: AWSFailure,
        _ call: AWSCall,
        _ setting: Setting,
        _ course: inout Course
    ) async throws(AWSFailure) -> Bool {
        if let bucket = call.bucket, !course.hasChangedRegion, let text = refusal.region, let found = try? Region(text),
            found != setting.region, Self.speaksOfRegion(refusal)
        {
            course.hasChangedRegion = true
            link.learn(region: found, of: bucket)
            return true
        }
        if let skew = refusal.skew, !course.hasCorrectedClock, RetryClass.skewCodes.contains(refusal.code) {
            course.hasCorrectedClock = true
            link.learn(skew: skew, of: setting.address.endpoint.authority)
            return true
        }
        if RetryClass.expiredCodes.contains(refusal.code), course.renewals < Self.mostRenewals {
            course.renewals += 1
            do throws(CredentialFailure) {
                course.renewed = try await authority.renewedProof(after: setting.proof)
            } catch {
                throw Self.failure(of: call, error, requests: course.requests)
            }
            return course.renewed != nil
        }
        if RetryClass.unknownKeyCodes.contains(refusal.code), course.renewals == 0 {
            course.renewals += 1
            // A source that has only these says so; the service's refusal is then the better reason.
            course.renewed = (try? await authority.renewedProof(after: setting.proof)) ?? nil
            return course.renewed != nil
        }
        return false
    }

    private static func speaksOfRegion(_ refusal: AWSFailure) -> Bool {
        switch refusal.status {
        case 301, 307: true
        // HEAD has no body: the header alone must do. Every other 403 and 404 carries it too, and the right region in it.
        case 400: true
        default: refusal.code == "IllegalLocationConstraintException" || refusal.code == "AuthorizationHeaderMalformed"
        }
    }

    /// How far the far end's clock is ahead of what we signed with plus what is known; `nil` when it is close enough.
    private func skew(of response: HTTPResponse, authority: String) -> Duration? {
        guard let date = response.headers["date"].flatMap(WireDate.http) else { return nil }
        let skew = link.clock.now.duration(to: date)
        let change = skew - link.skew(of: authority)
        return change > Self.leastSkew || change < .zero - Self.leastSkew ? skew : nil
    }

    /// Returns when the call may be sent again.
    private func waitOrGiveUp(_ failure: AWSFailure, _ call: AWSCall, _ course: inout Course) async throws(AWSFailure) {
        var failure = failure
        course.mayHaveTakenEffect = course.mayHaveTakenEffect || failure.isOutcomeUnknown
        failure.isOutcomeUnknown = course.mayHaveTakenEffect
        failure.requests = course.requests
        if failure.isOutcomeUnknown, call.repeatability == .onlyIfNotSent { throw failure }
        if call.finalRefusals.contains(failure.code) { throw failure }
        var cause = RetryClass.cause(of: failure)
        if cause == nil, RetryClass.damagedCodes.contains(failure.code), !course.hasSentDamagedAgain {
            course.hasSentDamagedAgain = true
            cause = .transient
        }
        guard let cause,
            let delay = link.policy.delay(
                after: course.attempt, cause: cause, jitter: link.jitter(), hint: failure.retryAfter),
            link.withdraw(cause)
        else { throw failure }
        course.beginNextAttempt(after: cause)
        do {
            try await link.clock.sleep(for: delay)
        } catch {
            failure.origin = .cancelled
            failure.code = "Cancelled"
            throw failure
        }
    }
}

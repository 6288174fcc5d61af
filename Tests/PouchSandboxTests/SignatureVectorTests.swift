import FoundationEssentials
import PouchKit
import PouchSandbox
import PouchTestSupport
import Testing

/// The signatures that others made are accepted, and not one byte of what they cover can be changed.
@Suite("Signatures")
struct SignatureVectorTests {
    private let verifier = SignatureVerifier()

    @Test("every signature of AWS's own suite is accepted, and refused when a byte of the request is changed")
    func awsSuite() throws {
        for name in try Vectors.names(in: "sigv4/v4") {
            for form in ["header", "query"] {
                guard let vector = try SuiteVector(name: name, form: form) else { continue }
                guard !vector.leavesTokenUnsigned else {
                    #expect(problem(with: vector.request, vector) != nil, "\(name), \(form)")
                    continue
                }
                try expectAccepted(vector.request, vector, "\(name), \(form)")
                expectChangesRefused(vector, "\(name), \(form)")
            }
        }
    }

    @Test("every signature that botocore made for S3 and others is accepted, and refused when a byte of the request is changed")
    func botocoreSuite() throws {
        guard let bytes = try Vectors.bytes("sigv4/s3-and-others.json") else { return }
        for vector in try JSONDecoder().decode([BotocoreVector].self, from: Data(bytes)) {
            try expectAccepted(vector.signed, vector, vector.name)
            expectChangesRefused(vector, vector.name)
        }
    }

    @Test("a signature is refused more than fifteen minutes before and after its time")
    func clock() throws {
        guard let vector = try SuiteVector(name: "get-vanilla", form: "header") else { return }
        for (seconds, isAccepted) in [(900, true), (-900, true), (901, false), (-901, false)] {
            let moved = vector.request.received(at: vector.request.received.advanced(by: .seconds(seconds)))
            #expect((problem(with: moved, vector) == nil) == isAccepted, "\(seconds) s")
        }
    }

    @Test("a presigned request is refused after its own time, and long before it")
    func presignedTime() throws {
        guard let vector = try SuiteVector(name: "get-vanilla", form: "query") else { return }
        for (seconds, isAccepted) in [(3_600, true), (3_601, false), (-900, true), (-901, false)] {
            let moved = vector.request.received(at: vector.request.received.advanced(by: .seconds(seconds)))
            #expect((problem(with: moved, vector) == nil) == isAccepted, "\(seconds) s")
        }
    }

    @Test("a header of Amazon's that was not signed is refused")
    func unsignedHeader() throws {
        guard let vector = try SuiteVector(name: "get-vanilla", form: "header") else { return }
        let request = vector.request.changed(headers: vector.request.headers.fields + [("x-amz-acl", "public-read")])
        #expect(problem(with: request, vector) == .unsignedHeaders(["x-amz-acl"]))
    }

    private func expectAccepted(_ request: IncomingRequest, _ vector: some SignatureVector, _ name: String) throws {
        let found = problem(with: request, vector)
        #expect(found == nil, "\(name)")
    }

    private func expectChangesRefused(_ vector: some SignatureVector, _ name: String) {
        let request = vector.signed
        for changed in request.variants() {
            #expect(problem(with: changed.request, vector) != nil, "\(name): \(changed.what)")
        }
        let hash = String(vector.payloadHash.dropLast()) + (vector.payloadHash.last == "0" ? "1" : "0")
        #expect(problem(with: request, vector, payloadHash: hash) != nil, "\(name): payload hash")
        #expect(problem(with: request, vector, secret: vector.secret + "x") != nil, "\(name): secret")
    }

    private func problem(
        with request: IncomingRequest, _ vector: some SignatureVector, payloadHash: String? = nil, secret: String? = nil
    ) -> SignatureProblem? {
        do {
            guard let claim = try SignatureClaim.read(from: request) else { return .missing }
            try verifier.verify(
                claim, of: request, secret: Secret(secret ?? vector.secret), payloadHash: payloadHash ?? vector.payloadHash,
                pathStyle: vector.pathStyle)
            return nil
        } catch {
            return error
        }
    }
}

import FoundationEssentials
import PouchAWS
import PouchCrypto
import PouchKit
import PouchTestSupport
import Testing

@Suite("The signer")
struct SignerTests {
    @Test("agrees with every case of the AWS signing suite, in headers and in the query")
    func agreesWithTheSuite() throws {
        let names = try Vectors.names(in: "sigv4/v4")
        for name in names {
            let suiteCase = try #require(try SuiteCase(name))
            let header = suiteCase.signer.sign(
                suiteCase.headerRequest, payload: suiteCase.payload, with: suiteCase.credentials, in: suiteCase.region,
                at: suiteCase.time)
            #expect(try header.canonicalRequest == suiteCase.text("header-canonical-request"), "\(name)")
            #expect(try header.stringToSign == suiteCase.text("header-string-to-sign"), "\(name)")
            #expect(try header.value == suiteCase.text("header-signature"), "\(name)")

            let query = suiteCase.signer.presign(
                suiteCase.request, payload: suiteCase.payload, with: suiteCase.credentials, in: suiteCase.region,
                at: suiteCase.time,
                expiry: .seconds(3_600))
            #expect(try query.canonicalRequest == suiteCase.text("query-canonical-request"), "\(name)")
            #expect(try query.stringToSign == suiteCase.text("query-string-to-sign"), "\(name)")
            #expect(try query.value == suiteCase.text("query-signature"), "\(name)")
        }
        #expect(names.isEmpty || names.count == 38)
    }

    @Test("agrees with botocore on S3 keys that hurt, copies, tokens, unsigned payloads, STS, SQS and a presigned request")
    func agreesWithBotocore() throws {
        guard let cases = try Vectors.decoded("sigv4/s3-and-others.json", as: [RecordedCase].self) else { return }
        #expect(cases.count == 12)
        for recorded in cases { try recorded.check() }
    }

    @Test("sorts headers by name alone, so that a name that continues another comes after it")
    func sortsByNameAlone() {
        let request = SignableRequest(
            method: "PUT", host: "h", path: "/",
            headers: [("x-amz-meta-a-b", "2"), ("x-amz-meta-a", "1")])
        let signature = Signer.s3().sign(
            request, payload: .empty, with: Self.credentials, in: Self.region, at: Timestamp(seconds: 0))
        #expect(signature.canonicalRequest.contains("x-amz-meta-a:1\nx-amz-meta-a-b:2\n"))
    }

    @Test("derives another key when the day, the region or the secret changes")
    func keyFollowsItsScope() throws {
        let signer = Signer.s3()
        let request = SignableRequest(method: "GET", host: "h", path: "/")
        let other = Credentials(accessKeyID: "AKIDEXAMPLE", secretAccessKey: Secret("another"))
        let elsewhere = try Region("us-east-1")
        let values = [
            signer.sign(request, payload: .empty, with: Self.credentials, in: Self.region, at: Timestamp(seconds: 0)).value,
            signer.sign(request, payload: .empty, with: Self.credentials, in: Self.region, at: Timestamp(seconds: 86_400)).value,
            signer.sign(request, payload: .empty, with: Self.credentials, in: elsewhere, at: Timestamp(seconds: 0)).value,
            signer.sign(request, payload: .empty, with: other, in: Self.region, at: Timestamp(seconds: 0)).value,
        ]
        #expect(Set(values).count == 4)
        let again = signer.sign(request, payload: .empty, with: Self.credentials, in: Self.region, at: Timestamp(seconds: 0)).value
        #expect(again == values[0])
    }

    private static let credentials = Credentials(accessKeyID: "AKIDEXAMPLE", secretAccessKey: Secret("secret"))
    private static let region: Region = {
        guard let region = try? Region("eu-west-1") else { preconditionFailure("eu-west-1 is a region") }
        return region
    }()
}

/// One folder of the suite: the request as text, the context, and the texts that must come out.
private struct SuiteCase {
    struct Context: Decodable {
        struct Keys: Decodable {
            let accessKeyId: String
            let secretAccessKey: String
            let token: String?
        }

        let credentials: Keys
        let normalize: Bool
        let region: String
        let service: String
        let signBody: Bool
        let omitSessionToken: Bool?
    }

    let name: String
    let signer: Signer
    let region: Region
    let credentials: Credentials
    let request: SignableRequest
    let payload: PayloadHash
    let time = Timestamp(seconds: CivilDate.secondsSince1970(year: 2015, month: 8, day: 30, hour: 12, minute: 36, second: 0))

    init?(_ name: String) throws {
        let folder = "sigv4/v4/\(name)"
        guard let context = try Vectors.decoded("\(folder)/context.json", as: Context.self),
            let text = try Vectors.text("\(folder)/request.txt")
        else { return nil }
        self.name = name
        region = try Region(context.region)
        credentials = Credentials(
            accessKeyID: context.credentials.accessKeyId,
            secretAccessKey: Secret(context.credentials.secretAccessKey),
            sessionToken: context.credentials.token.map(Secret.init)
        )
        signer = Signer(
            service: context.service,
            pathRule: context.normalize ? .normalised(encodedAgain: false) : .asSent,
            tokenRule: context.omitSessionToken == true ? .addedAfterwards : .signed,
            sendsPayloadHash: context.signBody
        )
        let parsed = Self.parse(text)
        request = parsed.request
        payload = .digest(SHA256Hasher.digest(of: parsed.body).description)
    }

    var headerRequest: SignableRequest { request }

    func text(_ part: String) throws -> String? { try Vectors.text("sigv4/v4/\(name)/\(part).txt") }

    private static func parse(_ text: String) -> (request: SignableRequest, body: String) {
        let blank = text.firstRange(of: "\n\n")
        let head = blank.map { String(text[..<$0.lowerBound]) } ?? text
        let body = blank.map { String(text[$0.upperBound...]) } ?? ""
        var lines = head.split(separator: "\n")
        // The target may hold spaces.
        let words = lines.removeFirst().split(separator: " ")
        let target = words[1..<words.count - 1].joined(separator: " ")
        let question = target.split(separator: "?", maxSplits: 1, omittingEmptySubsequences: false)
        var headers: [(name: String, value: String)] = []
        for (index, line) in lines.enumerated() {
            guard line.first?.isWhitespace == false, let colon = line.firstIndex(of: ":") else { continue }
            let folded = lines[(index + 1)...].prefix { $0.first?.isWhitespace == true }
            headers.append((String(line[..<colon]), ([line[line.index(after: colon)...]] + folded).joined(separator: "\n")))
        }
        let host = headers.first { $0.name == "Host" }?.value ?? ""
        let request = SignableRequest(
            method: String(words[0]),
            host: host,
            path: PercentEncoding.encodedPath(String(question[0])),
            query: question.count > 1 ? Self.query(String(question[1])) : [],
            headers: headers.filter { $0.name != "Host" }
        )
        return (request, body)
    }

    static func query(_ text: String) -> [QueryItem] {
        text.split(separator: "&").map { item in
            let parts = item.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            let decoded = parts.map { String(decoding: PercentEncoding.decoded($0) ?? [], as: UTF8.self) }
            return QueryItem(decoded[0], decoded.count > 1 ? decoded[1] : nil)
        }
    }
}

/// One request that botocore signed at 2026-11-23T12:00:00Z.
private struct RecordedCase: Decodable {
    let name: String
    let service: String
    let region: String
    let accessKey: String
    let secretKey: String
    let token: String?
    let method: String
    let url: String
    let headersIn: [String: String]
    let bodyUtf8: String
    let canonicalRequest: String
    let stringToSign: String
    let authorization: String?
    let urlOut: String
    let xAmzContentSha256: String?

    func check() throws {
        let (host, path, query) = Self.parts(of: url)
        let request = SignableRequest(
            method: method, host: host, path: path, query: query, headers: headersIn.map { ($0.key, $0.value) })
        let credentials = Credentials(
            accessKeyID: accessKey, secretAccessKey: Secret(secretKey), sessionToken: token.map(Secret.init))
        let time = Timestamp(seconds: CivilDate.secondsSince1970(year: 2026, month: 11, day: 23, hour: 12, minute: 0, second: 0))
        let signer = service == "s3" ? Signer.s3() : Signer.other(service)
        guard let authorization else {
            let signature = signer.presign(
                request, payload: .unsigned, with: credentials, in: try Region(region), at: time, expiry: .seconds(900))
            #expect(signature.canonicalRequest == canonicalRequest, "\(name)")
            let expected = Self.parts(of: urlOut)
            #expect(Set(signature.query) == Set(expected.query), "\(name)")
            return
        }
        let hash = SHA256Hasher.digest(of: bodyUtf8).description
        let signature = signer.sign(
            request, payload: xAmzContentSha256 == "UNSIGNED-PAYLOAD" ? .unsigned : .digest(hash), with: credentials,
            in: try Region(region), at: time)
        // botocore removes dot segments of other services' paths, and does not encode again what it did not decode: the recorded
        // case has nothing to encode.
        #expect(signature.canonicalRequest == canonicalRequest, "\(name)")
        #expect(signature.stringToSign == stringToSign, "\(name)")
        #expect(signature.headers.last?.value == authorization, "\(name)")
        if service == "s3" {
            #expect(request.target == url.dropFirst(url.hasPrefix("https") ? 8 + host.utf8.count : 7 + host.utf8.count))
        }
    }

    private static func parts(of url: String) -> (host: String, path: String, query: [QueryItem]) {
        let rest = url.split(separator: "/", maxSplits: 3, omittingEmptySubsequences: false)
        let target = rest[3].split(separator: "?", maxSplits: 1, omittingEmptySubsequences: false)
        return (String(rest[2]), "/" + target[0], target.count > 1 ? SuiteCase.query(String(target[1])) : [])
    }
}

import FoundationEssentials
import PouchAWS
import PouchHTTP
import PouchKit
import Testing

@Suite("A queue")
struct SQSTests {
    private static let url = "https://sqs.eu-west-1.amazonaws.com/111111111111/pouch-events"

    private static func queue(
        _ transport: ScriptedTransport, endpoint: String? = nil, variant: EndpointVariant = .plain, url: String = url
    ) throws -> SQS {
        SQS(
            queue: try QueueURL(url), region: try Region("eu-west-1"), endpoint: try endpoint.map { try EndpointURL($0) },
            credentials: CountedCredentials(), link: Sample.link(transport, variant: variant))
    }

    private static func body(_ request: HTTPRequest) throws -> [String: String] {
        guard case .bytes(let bytes) = request.body else { return [:] }
        struct Loose: Decodable {
            let text: String
            init(from decoder: any Decoder) throws {
                let value = try decoder.singleValueContainer()
                if let number = try? value.decode(Int.self) {
                    text = "\(number)"
                } else if let list = try? value.decode([String].self) {
                    text = list.joined(separator: ",")
                } else if let list = try? value.decode([[String: String]].self) {
                    text = list.map { ($0["Id"] ?? "") + "=" + ($0["ReceiptHandle"] ?? "") }.joined(separator: ",")
                } else {
                    text = try value.decode(String.self)
                }
            }
        }
        return try JSONDecoder().decode([String: Loose].self, from: Data(bytes)).mapValues(\.text)
    }

    @Test("is asked in its own JSON, and waits longer for the answer than the queue does")
    func receive() async throws {
        let transport = ScriptedTransport([
            HTTPResponse(
                200, [],
                #"{"Messages":[{"MessageId":"M1","ReceiptHandle":"R1","Body":"b","MD5OfBody":"x","#
                    + #""Attributes":{"ApproximateReceiveCount":"3"}},"#
                    + #"{"MessageId":"M2","ReceiptHandle":"R2","Body":""}]}"#), HTTPResponse(200, [], "{}"),
        ])
        let queue = try Self.queue(transport)
        let messages = try await queue.receive(10, waiting: .seconds(20), visibility: .seconds(60))
        #expect(
            messages == [
                SQS.Message(id: "M1", receipt: "R1", body: "b", receiveCount: 3),
                SQS.Message(id: "M2", receipt: "R2", body: "", receiveCount: nil),
            ])
        let request = transport.requests[0]
        #expect(request.url == "https://sqs.eu-west-1.amazonaws.com/")
        #expect(request.header("content-type") == "application/x-amz-json-1.0")
        #expect(request.header("x-amz-target") == "AmazonSQS.ReceiveMessage")
        #expect(request.header("authorization")?.contains("/eu-west-1/sqs/aws4_request") == true)
        #expect(request.timeouts.answer > .seconds(30))
        #expect(
            try Self.body(request)
                == [
                    "QueueUrl": Self.url, "MaxNumberOfMessages": "10", "WaitTimeSeconds": "20", "VisibilityTimeout": "60",
                    "MessageSystemAttributeNames": "ApproximateReceiveCount",
                ])
        #expect(try await queue.receive(1, waiting: .zero, visibility: .seconds(1)).isEmpty)
    }

    @Test("what could not be deleted of a batch is told")
    func delete() async throws {
        let transport = ScriptedTransport([
            HTTPResponse(
                200, [], #"{"Successful":[{"Id":"0"}],"Failed":[{"Id":"1","Code":"ReceiptHandleIsInvalid","SenderFault":true}]}"#)
        ])
        let failed = try await Self.queue(transport).delete(["a", "b"])
        #expect(failed.map(\.receipt) == ["b"])
        #expect(failed.map(\.code) == ["ReceiptHandleIsInvalid"])
        #expect(try Self.body(transport.requests[0])["Entries"] == "0=a,1=b")
    }

    @Test("a visibility is within what the queue takes")
    func visibility() async throws {
        let transport = ScriptedTransport([HTTPResponse(200, [], "{}"), HTTPResponse(200)])
        let queue = try Self.queue(transport, endpoint: "https://127.0.0.1:4566")
        try await queue.changeVisibility(of: "R", to: .seconds(90_000))
        try await queue.changeVisibility(of: "R", to: .seconds(-1))
        #expect(try transport.requests.map { try Self.body($0)["VisibilityTimeout"] } == ["43200", "0"])
        #expect(transport.requests[0].url == "https://127.0.0.1:4566/")
    }

    @Test("knows its dead-letter queue, however the count is written", arguments: ["5", #"\"5\""#])
    func attributes(_ count: String) async throws {
        let policy = #"{\"deadLetterTargetArn\":\"arn:aws:sqs:eu-west-1:111111111111:dead\",\"maxReceiveCount\":\#(count)}"#
        let transport = ScriptedTransport([
            HTTPResponse(200, [], #"{"Attributes":{"RedrivePolicy":"\#(policy)"}}"#),
            HTTPResponse(200, [], "{}"),
        ])
        let queue = try Self.queue(transport)
        let attributes = try await queue.attributes()
        #expect(attributes.mostReceptions == 5)
        #expect(try await queue.attributes().mostReceptions == nil)
    }

    @Test("is asked at the host that was chosen among AWS's own, and under its own name all the same")
    func variants() async throws {
        let own = "https://sqs.vpce.example/111111111111/pouch-events"
        for (url, variant, host) in [
            (Self.url, EndpointVariant(isFIPS: true), "https://sqs-fips.eu-west-1.amazonaws.com/"),
            (Self.url, EndpointVariant(isDualStack: true), "https://sqs.eu-west-1.api.aws/"),
            (own, EndpointVariant.plain, "https://sqs.vpce.example/"),
        ] {
            let transport = ScriptedTransport([HTTPResponse(200, [], "{}")])
            _ = try await Self.queue(transport, variant: variant, url: url).attributes()
            #expect(transport.requests[0].url == host)
            #expect(try Self.body(transport.requests[0])["QueueUrl"] == url)
        }
    }

    @Test("a refusal is known by the code of the query protocol, else by its type")
    func refusal() async throws {
        let body = #"{"__type":"com.amazonaws.sqs#QueueDoesNotExist","message":"no such queue"}"#
        for (headers, code) in [
            ([("x-amzn-query-error", "AWS.SimpleQueueService.NonExistentQueue;Sender")], "AWS.SimpleQueueService.NonExistentQueue"),
            ([], "QueueDoesNotExist"),
        ] {
            let queue = try Self.queue(ScriptedTransport([HTTPResponse(400, headers, body)]))
            let failure = await #expect(throws: AWSFailure.self) { try await queue.attributes() }
            #expect(failure?.code == code)
            #expect(failure?.message == "no such queue")
        }
    }

    @Test("an answer that is not the operation's own is no success")
    func unreadable() async throws {
        for body in [#"{"Messages":[{"MessageId":"M1"}]}"#, "[]", "hello"] {
            let queue = try Self.queue(ScriptedTransport([HTTPResponse(200, [], body)]))
            let failure = await #expect(throws: AWSFailure.self) {
                try await queue.receive(1, waiting: .zero, visibility: .seconds(30))
            }
            #expect(failure?.origin == .unreadable(status: 200))
        }
    }

    @Test("an address says region, account and name")
    func addresses() throws {
        let queue = try QueueURL(Self.url)
        #expect(queue.region?.description == "eu-west-1")
        #expect(queue.account.description == "111111111111")
        #expect(queue.name == "pouch-events")
        for (host, region) in [
            ("sqs.cn-north-1.amazonaws.com.cn", "cn-north-1"), ("eu-west-1.queue.amazonaws.com", "eu-west-1"),
            ("sqs-fips.us-gov-west-1.amazonaws.com", "us-gov-west-1"), ("sqs.eu-west-1.api.aws", "eu-west-1"),
            ("sqs.example.com", nil), ("127.0.0.1:4566", nil), ("sqs.eu-west-1.amazonaws.com.evil.example", nil),
        ] {
            #expect(try QueueURL("https://\(host)/111111111111/q.fifo").region?.description == region, "\(host)")
        }
        for wrong in [
            "", "pouch-events", "arn:aws:sqs:eu-west-1:111111111111:pouch-events",
            "https://sqs.eu-west-1.amazonaws.com/pouch-events",
            "https://sqs.eu-west-1.amazonaws.com/111/q", "https://sqs.eu-west-1.amazonaws.com/111111111111/a b",
            "https://sqs.eu-west-1.amazonaws.com/111111111111/.fifo", "https://sqs.eu-west-1.amazonaws.com/111111111111/q/",
        ] {
            #expect(throws: NameError.self, "\(wrong)") { try QueueURL(wrong) }
        }
    }
}

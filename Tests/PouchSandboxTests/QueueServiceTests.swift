import FoundationEssentials
import PouchKit
import PouchSandbox
import Testing

@Suite("Queues of the sandbox")
struct QueueServiceTests {
    private static let url = "https://127.0.0.1/111111111111/pouch-events"

    /// What an answer says.
    private struct Received: Decodable {
        enum CodingKeys: String, CodingKey { case messages = "Messages" }

        struct Message: Decodable {
            enum CodingKeys: String, CodingKey {
                case body = "Body"
                case receipt = "ReceiptHandle"
                case attributes = "Attributes"
            }

            let body: String
            let receipt: String
            let attributes: [String: String]?
        }

        let messages: [Message]?
    }

    private static func receive(_ house: House, _ more: String = "") async throws -> [Received.Message] {
        let answer = try await house.sqs(
            "ReceiveMessage", #"{"QueueUrl":"\#(url)","MaxNumberOfMessages":10\#(more)}"#, as: house.role("publisher"))
        #expect(answer.status == 200, "\(answer.text)")
        return try JSONDecoder().decode(Received.self, from: Data(answer.body)).messages ?? []
    }

    @Test("an object that is stored is told of, with its key as in a form; the test event comes first")
    func notification() async throws {
        let house = try House()
        _ = try await house.s3(
            "PUT", "/orga-repository/acme/a%20b%2B%C3%BC", as: house.role("generator"),
            ["x-amz-server-side-encryption": "aws:kms", "x-amz-server-side-encryption-aws-kms-key-id": House.key],
            body: Array("x".utf8))
        let bodies = try await Self.receive(house).map(\.body)
        #expect(bodies.count == 2)
        #expect(bodies[0].contains("s3:TestEvent"))
        #expect(bodies[1].contains(#""key":"acme/a+b%2B%C3%BC""#))
        #expect(bodies[1].contains("ObjectCreated:Put"))
        #expect(bodies[1].contains(#""versionId":""#))
    }

    @Test("a message that was received is not deleted by itself, and the receipt deletes it")
    func deleting() async throws {
        let house = try House()
        let message = try #require(try await Self.receive(house, #","MessageSystemAttributeNames":["All"]"#).first)
        #expect(message.attributes?["ApproximateReceiveCount"] == "1")
        let publisher = try await house.role("publisher")
        let again = try await house.sqs(
            "ChangeMessageVisibility",
            #"{"QueueUrl":"\#(Self.url)","ReceiptHandle":"\#(message.receipt)","VisibilityTimeout":0}"#, as: publisher)
        #expect(again.status == 200)
        let second = try #require(try await Self.receive(house).first)
        let deleted = try await house.sqs(
            "DeleteMessageBatch",
            #"{"QueueUrl":"\#(Self.url)","Entries":[{"Id":"1","ReceiptHandle":"\#(second.receipt)"},{"Id":"2","ReceiptHandle":"x"}]}"#,
            as: publisher)
        #expect(deleted.text.contains(#""Successful":[{"Id":"1"}]"#))
        #expect(deleted.text.contains("ReceiptHandleIsInvalid"))
        #expect(try await house.control("GET", "queues?queue=pouch-events").text.contains(#""messages":[]"#))
    }

    @Test("nobody takes messages without being allowed to, and what is wrong is said by SQS's own codes")
    func refusals() async throws {
        let house = try House()
        let body = #"{"QueueUrl":"\#(Self.url)"}"#
        let generator = try await house.sqs("ReceiveMessage", body, as: house.role("generator"))
        #expect(generator.status == 403)
        #expect(generator.code == "com.amazonaws.sqs#AccessDenied")
        let publisher = try await house.role("publisher")
        for (action, body, code, query) in [
            (
                "ReceiveMessage", #"{"QueueUrl":"https://x/111111111111/nope"}"#, "QueueDoesNotExist",
                "AWS.SimpleQueueService.NonExistentQueue;Sender"
            ),
            (
                "ReceiveMessage", #"{"QueueUrl":"\#(Self.url)","MaxNumberOfMessages":11}"#, "InvalidParameterValue",
                "InvalidParameterValue;Sender"
            ),
            (
                "DeleteMessageBatch", #"{"QueueUrl":"\#(Self.url)","Entries":[]}"#, "EmptyBatchRequest",
                "AWS.SimpleQueueService.EmptyBatchRequest;Sender"
            ),
            (
                "ChangeMessageVisibility", #"{"QueueUrl":"\#(Self.url)","ReceiptHandle":"1","VisibilityTimeout":99999}"#,
                "InvalidParameterValue", "InvalidParameterValue;Sender"
            ),
        ] {
            let answer = try await house.sqs(action, body, as: publisher)
            #expect(answer.status == 400)
            #expect(answer.code == "com.amazonaws.sqs#" + code)
            #expect(answer.headers["x-amzn-query-error"] == query)
        }
    }

    @Test("a bucket may only notify a queue whose policy lets it, and only what exists")
    func notificationRules() throws {
        let queue = "arn:aws:sqs:eu-west-1:111111111111:q"
        func scenario(policy: String, to: String = queue, form: String = "s3", topics: String = "[]") throws -> SandboxScenario {
            try SandboxScenario(
                json: Array(
                    """
                    {"accounts":[{"id":"111111111111","queues":[{"name":"q","region":"eu-west-1"\(policy)}],"topics":\(topics),
                     "buckets":[{"name":"bucket","region":"eu-west-1","notifications":[{"to":"\(to)","form":"\(form)"}]}]}]}
                    """.utf8))
        }
        func policy(_ service: String, _ source: String) -> String {
            """
            ,"policy":{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"Service":"\(service)"},
             "Action":"sqs:SendMessage","Resource":"\(queue)","Condition":{"ArnLike":{"aws:SourceArn":"\(source)"}}}]}
            """
        }
        func opens(_ scenario: SandboxScenario) -> String? {
            do {
                _ = try House(scenario: scenario)
                return nil
            } catch {
                return "\(error)"
            }
        }
        #expect(opens(try scenario(policy: policy("s3.amazonaws.com", "arn:aws:s3:::bucket"))) == nil)
        #expect(
            opens(try scenario(policy: policy("s3.amazonaws.com", "arn:aws:s3:::other")))?.contains("unable to validate") == true)
        #expect(opens(try scenario(policy: ""))?.contains("unable to validate") == true)
        #expect(opens(try scenario(policy: "", to: "arn:aws:sqs:eu-west-1:111111111111:x"))?.contains("does not exist") == true)
        let bridge = "arn:aws:events:eu-west-1:111111111111:rule/*"
        #expect(opens(try scenario(policy: policy("events.amazonaws.com", bridge), form: "event-bridge")) == nil)
        #expect(opens(try scenario(policy: policy("s3.amazonaws.com", "*"), form: "event-bridge")) != nil)
        let topic = "arn:aws:sns:eu-west-1:111111111111:t"
        func topics(_ policy: String) -> String {
            """
            [{"name":"t","region":"eu-west-1","subscriptions":[{"queue":"\(queue)"}]
             ,"policy":{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"Service":"\(policy)"},
             "Action":"sns:Publish","Resource":"\(topic)"}]}}]
            """
        }
        let fed = policy("sns.amazonaws.com", topic)
        #expect(opens(try scenario(policy: fed, to: topic, topics: topics("s3.amazonaws.com"))) == nil)
        #expect(opens(try scenario(policy: fed, to: topic, topics: topics("ec2.amazonaws.com"))) != nil)
        #expect(opens(try scenario(policy: "", to: topic, topics: topics("s3.amazonaws.com"))) != nil)
    }
}

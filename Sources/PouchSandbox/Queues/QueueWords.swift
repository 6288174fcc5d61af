import PouchKit

/// What SQS is asked, all operations in one: each reads what it needs.
struct QueueRequest: Decodable, Sendable {
    enum CodingKeys: String, CodingKey {
        case queue = "QueueUrl"
        case name = "QueueName"
        case owner = "QueueOwnerAWSAccountId"
        case body = "MessageBody"
        case receipt = "ReceiptHandle"
        case most = "MaxNumberOfMessages"
        case waiting = "WaitTimeSeconds"
        case visibility = "VisibilityTimeout"
        case attributeNames = "AttributeNames"
        case systemAttributes = "MessageSystemAttributeNames"
        case entries = "Entries"
    }

    struct Entry: Decodable, Sendable {
        enum CodingKeys: String, CodingKey {
            case id = "Id"
            case body = "MessageBody"
            case receipt = "ReceiptHandle"
            case visibility = "VisibilityTimeout"
        }

        let id: String?
        let body: String?
        let receipt: String?
        let visibility: Int64?
    }

    let queue: String?
    let name: String?
    let owner: String?
    let body: String?
    let receipt: String?
    let most: Int?
    let waiting: Int64?
    let visibility: Int64?
    let attributeNames: [String]?
    let systemAttributes: [String]?
    let entries: [Entry]?

    /// Of a message; clients before 2023 ask by the other name.
    var wantedAttributes: [String] { systemAttributes ?? attributeNames ?? [] }
}

struct ReceiveAnswer: Encodable {
    enum CodingKeys: String, CodingKey { case messages = "Messages" }

    struct Message: Encodable {
        enum CodingKeys: String, CodingKey {
            case id = "MessageId"
            case receipt = "ReceiptHandle"
            case body = "Body"
            case md5 = "MD5OfBody"
            case attributes = "Attributes"
        }

        let id: String
        let receipt: String
        let body: String
        let md5: String
        let attributes: [String: String]?
    }

    /// Left out when there are none.
    let messages: [Message]?

    init(_ given: [(message: MessageQueue.Message, receipt: String)], attributes wanted: [String]) {
        let messages = given.map { message, receipt in
            let all = [
                "ApproximateReceiveCount": "\(message.receiveCount)", "SentTimestamp": "\(message.sent.nanoseconds / 1_000_000)",
                "ApproximateFirstReceiveTimestamp": "\((message.firstReceived ?? message.sent).nanoseconds / 1_000_000)",
            ]
            let attributes = wanted.contains("All") ? all : all.filter { wanted.contains($0.key) }
            return Message(
                id: message.id, receipt: receipt, body: message.body, md5: QueueService.md5(message.body),
                attributes: attributes.isEmpty ? nil : attributes)
        }
        self.messages = messages.isEmpty ? nil : messages
    }
}

struct BatchAnswer: Encodable {
    enum CodingKeys: String, CodingKey {
        case successful = "Successful"
        case failed = "Failed"
    }

    struct Success: Encodable {
        enum CodingKeys: String, CodingKey {
            case id = "Id"
            case messageID = "MessageId"
            case md5 = "MD5OfMessageBody"
        }

        let id: String
        var messageID: String?
        var md5: String?
    }

    struct Failure: Encodable {
        enum CodingKeys: String, CodingKey {
            case id = "Id"
            case code = "Code"
            case message = "Message"
            case isSendersFault = "SenderFault"
        }

        let id: String
        let code: String
        let message: String
        var isSendersFault = true
    }

    var successful: [Success] = []
    var failed: [Failure] = []
}

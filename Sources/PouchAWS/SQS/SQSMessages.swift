/// What SQS is asked and answers, in its own words.
extension SQS {
    struct ReceiveRequest: Encodable {
        enum CodingKeys: String, CodingKey {
            case queue = "QueueUrl"
            case most = "MaxNumberOfMessages"
            case waiting = "WaitTimeSeconds"
            case visibility = "VisibilityTimeout"
            case attributes = "MessageSystemAttributeNames"
        }

        let queue: String
        let most: Int
        let waiting: Int64
        let visibility: Int64
        let attributes = ["ApproximateReceiveCount"]
    }

    struct ReceiveAnswer: Decodable {
        enum CodingKeys: String, CodingKey { case messages = "Messages" }

        struct Message: Decodable {
            enum CodingKeys: String, CodingKey {
                case id = "MessageId"
                case receipt = "ReceiptHandle"
                case body = "Body"
                case attributes = "Attributes"
            }

            let id: String
            let receipt: String
            let body: String
            let attributes: [String: String]?
        }

        /// Left out when there are none.
        let messages: [Message]?
    }

    struct DeleteRequest: Encodable {
        enum CodingKeys: String, CodingKey {
            case queue = "QueueUrl"
            case entries = "Entries"
        }

        struct Entry: Encodable {
            enum CodingKeys: String, CodingKey {
                case id = "Id"
                case receipt = "ReceiptHandle"
            }

            let id: String
            let receipt: String
        }

        let queue: String
        let entries: [Entry]
    }

    struct DeleteAnswer: Decodable {
        enum CodingKeys: String, CodingKey { case failed = "Failed" }

        struct Failure: Decodable {
            enum CodingKeys: String, CodingKey {
                case id = "Id"
                case code = "Code"
            }

            let id: String
            let code: String
        }

        let failed: [Failure]?
    }

    struct VisibilityRequest: Encodable {
        enum CodingKeys: String, CodingKey {
            case queue = "QueueUrl"
            case receipt = "ReceiptHandle"
            case visibility = "VisibilityTimeout"
        }

        let queue: String
        let receipt: String
        let visibility: Int64
    }

    struct AttributesRequest: Encodable {
        enum CodingKeys: String, CodingKey {
            case queue = "QueueUrl"
            case names = "AttributeNames"
        }

        let queue: String
        let names = ["RedrivePolicy"]
    }

    struct AttributesAnswer: Decodable {
        enum CodingKeys: String, CodingKey { case attributes = "Attributes" }

        let attributes: [String: String]?
    }

    /// A document within the document.
    struct RedrivePolicy: Decodable {
        enum CodingKeys: String, CodingKey {
            case mostReceptions = "maxReceiveCount"
        }

        let mostReceptions: Int

        /// The count was written as text for a time.
        init(from decoder: any Decoder) throws {
            let container = try decoder.container(keyedBy: CodingKeys.self)
            if let number = try? container.decode(Int.self, forKey: .mostReceptions) {
                mostReceptions = number
                return
            }
            guard let number = Int(try container.decode(String.self, forKey: .mostReceptions)) else {
                throw DecodingError.dataCorruptedError(
                    forKey: .mostReceptions, in: container, debugDescription: "expected a number")
            }
            mostReceptions = number
        }
    }
}

/// `s3:TestEvent`
struct TestEvent: Encodable {
    enum CodingKeys: String, CodingKey {
        case service = "Service"
        case event = "Event"
        case time = "Time"
        case bucket = "Bucket"
        case request = "RequestId"
        case host = "HostId"
    }

    let service = "Amazon S3"
    let event = "s3:TestEvent"
    let time: String
    let bucket: String
    let request: String
    let host: String
}

/// S3's own event, version 2.1.
struct S3Event: Encodable {
    enum CodingKeys: String, CodingKey { case records = "Records" }

    struct Record: Encodable {
        enum CodingKeys: String, CodingKey {
            case version = "eventVersion"
            case source = "eventSource"
            case region = "awsRegion"
            case time = "eventTime"
            case name = "eventName"
            case s3
        }

        let version = "2.1"
        let source = "aws:s3"
        let region: String
        let time: String
        let name: String
        let s3: Entity
    }

    struct Entity: Encodable {
        struct Bucket: Encodable {
            let name: String
            let ownerIdentity: [String: String]
            let arn: String
        }

        struct Object: Encodable {
            enum CodingKeys: String, CodingKey {
                case key, size, sequencer
                case etag = "eTag"
                case versionID = "versionId"
            }

            let key: String
            let size: Int64
            let etag: String
            let versionID: String?
            let sequencer: String
        }

        let s3SchemaVersion = "1.0"
        let configurationId = "pouch"
        let bucket: Bucket
        let object: Object
    }

    let records: [Record]
}

/// The same as EventBridge tells it.
struct BridgedEvent: Encodable {
    enum CodingKeys: String, CodingKey {
        case version, id, source, account, time, region, resources, detail
        case type = "detail-type"
    }

    struct Detail: Encodable {
        struct Object: Encodable {
            enum CodingKeys: String, CodingKey {
                case key, size, etag, sequencer
                case versionID = "version-id"
            }

            let key: String
            let size: Int64
            let etag: String
            let versionID: String?
            let sequencer: String
        }

        let version = "0"
        let bucket: [String: String]
        let object: Object
        let reason: String
    }

    let version = "0"
    let id: String
    let type = "Object Created"
    let source = "aws.s3"
    let account: String
    let time: String
    let region: String
    let resources: [String]
    let detail: Detail
}

/// What SNS puts a message into, unless delivery is raw.
struct Envelope: Encodable {
    enum CodingKeys: String, CodingKey {
        case type = "Type"
        case id = "MessageId"
        case topic = "TopicArn"
        case subject = "Subject"
        case message = "Message"
        case time = "Timestamp"
    }

    let type = "Notification"
    let topic: String
    let subject = "Amazon S3 Notification"
    let message: String
    let time: String
    let id: String
}

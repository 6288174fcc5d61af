import PouchAWS

/// The queue from which publishers on other machines learn of new objects.
package struct EventQueue: Hashable, Sendable {
    /// `arn:aws:sqs:eu-west-1:111111111111:pouch-published`
    package let arn: String
    package let name: String
    package let account: String
    package let region: String

    /// Pauses of a consignment that waits grow to a quarter of an hour: with these, a partner has half a day to mend something before
    /// a person must move messages.
    static let mostReceptions = 50
    var deadLetters: String { name + "-dead" }
    var deadLettersARN: String { arn + "-dead" }

    /// `nil` when the text is no ARN of a queue, or of a FIFO queue, to which S3 sends nothing.
    package init?(arn: String) {
        let fields = arn.split(separator: ":", omittingEmptySubsequences: false).map(String.init)
        guard fields.count == 6, fields[0] == "arn", fields[1].hasPrefix("aws"), fields[2] == "sqs", !fields[3].isEmpty,
            fields[4].utf8.count == 12, !fields[5].isEmpty, !fields[5].hasSuffix(".fifo"),
            fields[5].allSatisfy({ $0.isASCII && ($0.isLetter || $0.isNumber || $0 == "-" || $0 == "_") })
        else { return nil }
        self.arn = arn
        name = fields[5]
        account = fields[4]
        region = fields[3]
    }
}

extension PatternFacts {
    package func queuePolicy(of queue: EventQueue) -> Policy {
        Policy([
            .init(
                .repositoryMayNotify, because: "only this bucket, of this account, may send events",
                to: .service("s3.amazonaws.com"),
                ["sqs:SendMessage"], on: [queue.arn],
                when: [
                    .init("ArnLike", "aws:SourceArn", repository.bucketARN),
                    .init("StringEquals", "aws:SourceAccount", repository.owner.description),
                ])
        ])
    }

    /// What a publisher needs that is told by events, and does not rely on them.
    package func receiving(from queue: EventQueue) -> [Policy.Statement] {
        [
            .init(
                .receiveEvents, because: "takes events from the queue, and removes one only after its copy was verified",
                ["sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:ChangeMessageVisibility", "sqs:GetQueueAttributes"],
                on: [queue.arn]
            ),
            .init(
                .findWhatNoEventTold, because: "lists the repository for objects whose events were lost", ["s3:ListBucket"],
                on: [repository.bucketARN], when: [.init("StringLike", "s3:prefix", "\(Policy.literally(repository.prefix))*")]),
            .init(
                .leaveReceipts, because: "leaves word of each delivery for the agent, at a place of its own", ["s3:PutObject"],
                on: [repository.receipts]),
        ]
    }

    /// As `create-queue` takes them: each a text, documents included.
    package func attributes(of queue: EventQueue) -> JSONText {
        .members([
            "MessageRetentionPeriod": .text("1209600"),
            "VisibilityTimeout": .text("300"),
            "SqsManagedSseEnabled": .text("true"),
            "Policy": .text(queuePolicy(of: queue).json.line),
            "RedrivePolicy": .text(
                JSONText.members([
                    "deadLetterTargetArn": .text(queue.deadLettersARN), "maxReceiveCount": .number(EventQueue.mostReceptions),
                ]).line),
        ])
    }

    /// As `put-bucket-notification-configuration` takes it.
    package func notification(to queue: EventQueue, called name: String) -> JSONText {
        .members([
            "QueueConfigurations": .list([
                .members([
                    "Id": .text(name),
                    "QueueArn": .text(queue.arn),
                    "Events": .list([.text("s3:ObjectCreated:*")]),
                    "Filter": .members([
                        "Key": .members([
                            "FilterRules": .list([.members(["Name": .text("prefix"), "Value": .text(repository.prefix)])])
                        ])
                    ]),
                ])
            ])
        ])
    }
}

import PouchAWS

/// Terraform for each side. Policies are read from the JSON files beside it: there is one text of each, and it is the one that was
/// tried out.
extension PartnerKit {
    var terraformOfA: String {
        let repository = facts.repository
        var items = Self.preamble(region: repository.region, account: repository.owner)
        if !newUsers.isEmpty {
            items.append(.comment("Access keys are made by hand: here they would lie in the state of Terraform."))
        }
        for user in newUsers {
            items.append(.block("resource", ["aws_iam_user", user], [.attribute("name", HCL.text(user))]))
        }
        for (name, role) in [("generator", generator), ("publisher", publisher)] {
            items += Self.role(role, called: name, policyName: ruleName, after: newUsers.map { "aws_iam_user.\($0)" })
        }
        items.append(.block("resource", ["aws_s3_bucket", "repository"], [.attribute("bucket", HCL.text("\(repository.bucket)"))]))
        let bucket = "aws_s3_bucket.repository.id"
        items += [
            .block(
                "resource", ["aws_s3_bucket_versioning", "repository"],
                [
                    .attribute("bucket", bucket),
                    .block("versioning_configuration", [], [.attribute("status", HCL.text("Enabled"))]),
                ]),
            Self.ownership("repository", bucket), Self.publicAccess("repository", bucket),
            Self.bucketPolicy("repository", bucket, file: "repository-bucket-policy.json"),
            lifecycle(
                "repository", bucket, of: repository.prefix, objectsBelow: repository.prefix,
                [
                    .block("expiration", [], [.attribute("days", "\(keepDays)")]),
                    .block("noncurrent_version_expiration", [], [.attribute("noncurrent_days", "1")]),
                ]),
        ]
        return HCL.document(items + (queue.map { events(to: $0, from: bucket) } ?? []))
    }

    var terraformOfB: String {
        let inbox = facts.inbox
        var items = Self.preamble(region: inbox.region, account: inbox.owner)
        for key in facts.keys {
            let isOfRepository = key != inbox.key
            if isOfRepository {
                items.append(
                    .block(
                        "provider", ["aws"],
                        [.attribute("alias", HCL.text("repository")), .attribute("region", HCL.text("\(key.region)"))]))
            }
            items.append(
                .block(
                    "resource", ["aws_kms_key_policy", isOfRepository ? "repository" : "inbox"],
                    (isOfRepository ? [.attribute("provider", "aws.repository")] : []) + [
                        .attribute("key_id", HCL.text("\(key)")),
                        .attribute("policy", HCL.file(String(keyPath(key).dropFirst("org-b/".count)))),
                    ]))
        }
        let bucket = HCL.text("\(inbox.bucket)")
        items += [
            Self.ownership("inbox", bucket), Self.publicAccess("inbox", bucket),
            .block(
                "resource", ["aws_s3_bucket_server_side_encryption_configuration", "inbox"],
                [
                    .attribute("bucket", bucket),
                    .block(
                        "rule", [],
                        [
                            .attribute("bucket_key_enabled", facts.choices.usesBucketKey ? "true" : "false"),
                            .block(
                                "apply_server_side_encryption_by_default", [],
                                [
                                    .attribute("sse_algorithm", HCL.text("aws:kms")),
                                    .attribute("kms_master_key_id", HCL.text("\(inbox.key)")),
                                ]),
                        ]),
                ]),
            Self.bucketPolicy("inbox", bucket, file: "inbox-bucket-policy.json"),
            .comment(
                "Only probes of `pouch doctor` expire. A bucket has one such resource: put the rules into yours where there is one."
            ),
            lifecycle(
                "inbox", bucket, of: inbox.prefix, objectsBelow: inbox.prefix + Self.probeFolder,
                [.block("expiration", [], [.attribute("days", "1")])]),
        ]
        return HCL.document(items)
    }

    // MARK: Pieces

    private static func preamble(region: Region, account: AccountID) -> [HCL] {
        [
            .block(
                "terraform", [],
                [
                    .attribute("required_version", HCL.text(">= 1.5")),
                    .block(
                        "required_providers", [],
                        [
                            .block(
                                "aws =", [],
                                [.attribute("source", HCL.text("hashicorp/aws")), .attribute("version", HCL.text(">= 5.0"))])
                        ]),
                ]),
            .block(
                "provider", ["aws"],
                [
                    .attribute("region", HCL.text("\(region)")),
                    .attribute("allowed_account_ids", "[\(HCL.text("\(account)"))]"),
                ]),
        ]
    }

    private static func role(_ role: RoleARN, called name: String, policyName: String, after users: [String]) -> [HCL] {
        let parts = role.description.split(separator: ":role/")[1].split(separator: "/")
        var attributes: [HCL] = [.attribute("name", HCL.text(String(parts[parts.count - 1])))]
        if parts.count > 1 { attributes.append(.attribute("path", HCL.text("/\(parts.dropLast().joined(separator: "/"))/"))) }
        attributes.append(.attribute("assume_role_policy", HCL.file("\(name)-trust.json")))
        // The trust policy names them in a text that Terraform does not look into.
        if !users.isEmpty { attributes.append(.attribute("depends_on", "[\(users.joined(separator: ", "))]")) }
        return [
            .block("resource", ["aws_iam_role", name], attributes),
            .block(
                "resource", ["aws_iam_role_policy", name],
                [
                    .attribute("name", HCL.text(policyName)), .attribute("role", "aws_iam_role.\(name).id"),
                    .attribute("policy", HCL.file("\(name)-policy.json")),
                ]),
        ]
    }

    private static func ownership(_ name: String, _ bucket: String) -> HCL {
        .block(
            "resource", ["aws_s3_bucket_ownership_controls", name],
            [
                .attribute("bucket", bucket),
                .block("rule", [], [.attribute("object_ownership", HCL.text("BucketOwnerEnforced"))]),
            ])
    }

    private static func publicAccess(_ name: String, _ bucket: String) -> HCL {
        .block(
            "resource", ["aws_s3_bucket_public_access_block", name],
            [.attribute("bucket", bucket)]
                + ["block_public_acls", "block_public_policy", "ignore_public_acls", "restrict_public_buckets"].map {
                    .attribute($0, "true")
                })
    }

    private static func bucketPolicy(_ name: String, _ bucket: String, file: String) -> HCL {
        .block("resource", ["aws_s3_bucket_policy", name], [.attribute("bucket", bucket), .attribute("policy", HCL.file(file))])
    }

    private func lifecycle(
        _ name: String, _ bucket: String, of prefix: String, objectsBelow objects: String, _ expiry: [HCL]
    ) -> HCL {
        let abort = HCL.block(
            "abort_incomplete_multipart_upload", [], [.attribute("days_after_initiation", "\(Self.uploadDays)")])
        return .block(
            "resource", ["aws_s3_bucket_lifecycle_configuration", name],
            [
                .attribute("bucket", bucket), Self.rule(ruleName, objects, expiry), Self.rule(uploadsRuleName, prefix, [abort]),
            ])
    }

    private static func rule(_ name: String, _ prefix: String, _ actions: [HCL]) -> HCL {
        .block(
            "rule", [],
            [
                .attribute("id", HCL.text(name)), .attribute("status", HCL.text("Enabled")),
                .block("filter", [], [.attribute("prefix", HCL.text(prefix))]),
            ] + actions)
    }

    private func events(to queue: EventQueue, from bucket: String) -> [HCL] {
        [
            .block(
                "resource", ["aws_sqs_queue", "dead"],
                [
                    .attribute("name", HCL.text(queue.deadLetters)), .attribute("message_retention_seconds", "1209600"),
                    .attribute("sqs_managed_sse_enabled", "true"),
                ]),
            .block(
                "resource", ["aws_sqs_queue", "published"],
                [
                    .attribute("name", HCL.text(queue.name)), .attribute("message_retention_seconds", "1209600"),
                    .attribute("visibility_timeout_seconds", "300"), .attribute("sqs_managed_sse_enabled", "true"),
                    .attribute("policy", HCL.file("queue-policy.json")),
                    .attribute(
                        "redrive_policy",
                        "jsonencode({ deadLetterTargetArn = aws_sqs_queue.dead.arn, maxReceiveCount = \(EventQueue.mostReceptions) })"
                    ),
                ]),
            .block(
                "resource", ["aws_s3_bucket_notification", "repository"],
                [
                    .attribute("bucket", bucket),
                    .block(
                        "queue", [],
                        [
                            .attribute("id", HCL.text(ruleName)), .attribute("queue_arn", "aws_sqs_queue.published.arn"),
                            .attribute("events", "[\"s3:ObjectCreated:*\"]"),
                            .attribute("filter_prefix", HCL.text(facts.repository.prefix)),
                        ]),
                ]),
        ]
    }
}

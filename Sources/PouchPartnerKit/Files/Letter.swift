import PouchAWS

/// What people read: the page for the partner, and the page for ourselves.
extension PartnerKit {
    var letter: String {
        let inbox = facts.inbox
        let keys = facts.keys.map { "`\($0)`" }.joined(separator: " and ")
        return """
            # Receiving files from us, account \(facts.repository.owner)

            We deliver files into your bucket `\(inbox.bucket)`, below `\(visible(inbox.prefix))`, encrypted under your key \(keys). You own the
            bucket, the objects and the key, and can end it at any time: by the key's policy.

            What we can do: \(publisherWords). What we cannot do: \(forbiddenWords). Each file also lies with us for
            \(keepDays) days, under your key: our generator can seal it and cannot open it.

            ## What to set up in your account \(inbox.owner)

            Apply this folder with Terraform (`main.tf`), or with these commands. A bucket or key that has a policy already keeps what is in it:
            add our statements. **Commands that begin with `put-` replace.**

            ```
            \(keyCommands)
            aws s3api put-bucket-ownership-controls --bucket \(inbox.bucket) --ownership-controls file://inbox-ownership.json
            aws s3api put-bucket-encryption --bucket \(inbox.bucket) --server-side-encryption-configuration file://inbox-encryption.json
            aws s3api put-bucket-policy --bucket \(inbox.bucket) --policy file://inbox-bucket-policy.json
            aws s3api put-bucket-lifecycle-configuration --bucket \(inbox.bucket) --lifecycle-configuration file://inbox-lifecycle.json
            ```

            The last one is optional: it removes the empty objects below `\(visible(inbox.prefix))\(Self.probeFolder)` with which we test,
            and uploads that nobody ended. Guards are about what lies below `\(visible(inbox.prefix))`; \(StatementName.denyInsecureTransport.rawValue) alone is about the
            whole bucket.
            Whoever reads the files on your side needs `s3:GetObject` on the bucket and `kms:Decrypt` on the key, in your own IAM.

            ## What each statement is for

            \(table(of: documents.filter { $0.path.hasPrefix("org-b/") }))

            ## What to send back

            - the name and the region of the bucket: we have `\(inbox.bucket)` in `\(inbox.region)`
            - your account id: we have `\(inbox.owner)`
            - the **full ARN** of the key, not an alias, and in the bucket's region: we have \(keys)
            - that Object Ownership is `BucketOwnerEnforced`, or that it cannot be
            - whom we tell when you cannot be delivered to

            Then we run `pouch doctor \(partner)`. It proves what is granted and what is refused, leaves an empty object below
            `\(visible(inbox.prefix))\(Self.probeFolder)`, and names the statement that is missing if one is.

            """
    }

    private var publisherWords: String {
        var words = ["add objects below `\(visible(facts.inbox.prefix))`"]
        if facts.choices.replaces { words.append("write over objects there") }
        if facts.choices.asksInbox {
            words.append(facts.choices.readsInbox ? "read them" : "ask for an object's metadata")
        }
        return words.joined(separator: ", ")
    }

    private var forbiddenWords: String {
        var words: [String] = []
        if !facts.choices.readsInbox { words.append("read what lies in the inbox") }
        if !facts.choices.replaces { words.append("write over an object") }
        return (words + ["delete", "list", "store anything under another key"]).joined(separator: ", ")
    }

    private var keyCommands: String {
        facts.keys.map { key in
            let file = keyPath(key).dropFirst("org-b/".count)
            return "aws kms put-key-policy --region \(key.region) --key-id \(key) --policy-name default --policy file://\(file)"
        }.joined(separator: "\n")
    }

    var instructionsForA: String {
        let repository = facts.repository
        return """
            # \(partner): our side, account \(repository.owner)

            Send `../org-b` to the partner. Here: Terraform (`main.tf`), or these commands. Roles and repository may be shared by partners: each has
            a role policy of its own (`\(ruleName)`), while lifecycle and notification of the bucket are one document each: merge the rules.

            ```
            \(roleCommands)
            \(bucketCommand)
            aws s3api put-bucket-versioning --bucket \(repository.bucket) --versioning-configuration Status=Enabled
            aws s3api put-bucket-policy --bucket \(repository.bucket) --policy file://repository-bucket-policy.json
            aws s3api put-bucket-lifecycle-configuration --bucket \(repository.bucket) --lifecycle-configuration file://repository-lifecycle.json
            \(eventCommands)```

            \(priceWords)Objects below `\(visible(repository.prefix))` expire after \(keepDays) days: Pouch itself never deletes one. Then `pouch doctor \(partner)`.

            ## What each statement is for

            \(table(of: documents.filter { $0.path.hasPrefix("org-a/") }))

            """
    }

    /// S3 refuses to be told its first region.
    private var bucketCommand: String {
        let repository = facts.repository
        let command = "aws s3api create-bucket --bucket \(repository.bucket) --region \(repository.region)"
        guard repository.region.description != "us-east-1" else { return command }
        return command + " --create-bucket-configuration LocationConstraint=\(repository.region)"
    }

    /// What the choices cost that the pattern is otherwise free of.
    private var priceWords: String {
        facts.choices.readsInbox
            ? "**The publisher can read the inbox**: asking and joining segments together are a right to read.\n\n" : ""
    }

    private var roleCommands: String {
        let users = newUsers.map { "aws iam create-user --user-name \($0)\n" }.joined()
        return users
            + [(generator, "generator"), (publisher, "publisher")].map { role, name in
                let parts = role.description.split(separator: ":role/")[1].split(separator: "/")
                let roleName = parts[parts.count - 1]
                let path = parts.count > 1 ? " --path /\(parts.dropLast().joined(separator: "/"))/" : ""
                return """
                    aws iam create-role --role-name \(roleName)\(path) --assume-role-policy-document file://\(name)-trust.json
                    aws iam put-role-policy --role-name \(roleName) --policy-name \(ruleName) --policy-document file://\(name)-policy.json
                    """
            }.joined(separator: "\n")
    }

    private var eventCommands: String {
        guard let queue else { return "" }
        return """
            aws sqs create-queue --queue-name \(queue.deadLetters) --region \(queue.region) --attributes MessageRetentionPeriod=1209600
            aws sqs create-queue --queue-name \(queue.name) --region \(queue.region) --attributes file://queue-attributes.json
            aws s3api put-bucket-notification-configuration --bucket \(facts.repository.bucket) --notification-configuration file://repository-notification.json

            """
    }

    private func table(of documents: [Document]) -> String {
        let rows = documents.flatMap { document in
            document.policy.statements.map { statement in
                let file = document.path.split(separator: "/").last ?? ""
                return
                    "| \(file) | \(statement.name.rawValue) | \(statement.effect == .deny ? "refuses: " : "")\(statement.reason) |"
            }
        }
        return (["| file | Sid | why |", "|---|---|---|"] + rows).joined(separator: "\n")
    }

    private func visible(_ prefix: String) -> String { prefix.replacing("`", with: "'") }
}

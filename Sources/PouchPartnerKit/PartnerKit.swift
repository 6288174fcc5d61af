package import PouchAWS
package import PouchKit

/// Everything that both organisations need for one partner: policies, settings of buckets, Terraform, a letter.
package struct PartnerKit: Sendable {
    package let partner: PartnerName
    package let facts: PatternFacts
    package let generator: RoleARN
    package let publisher: RoleARN
    package var generatorTrust: Trust
    package var publisherTrust: Trust
    /// `nil`: the agent publishes by itself.
    package var queue: EventQueue?
    /// How long what was published stays in the repository.
    package var keepDays = 14
    /// Users that the kit makes, whose keys the edge and the publisher get; none: whoever is trusted is there already.
    package var newUsers: [String] = []
    /// The sections of the credentials file under which a rehearsal in the sandbox finds the keys.
    package var profiles = (generator: "edge", publisher: "publisher")

    package init(
        partner: PartnerName,
        generator: RoleARN,
        publisher: RoleARN,
        generatorTrust: Trust,
        publisherTrust: Trust,
        repository: PatternFacts.Place,
        inbox: PatternFacts.Place,
        choices: PatternFacts.Choices = .init()
    ) {
        self.partner = partner
        self.generator = generator
        self.publisher = publisher
        self.generatorTrust = generatorTrust
        self.publisherTrust = publisherTrust
        facts = PatternFacts(
            generator: generator.description, publisher: publisher.description, repository: repository, inbox: inbox,
            choices: choices)
    }

    /// A policy, where it goes, and the file that holds it.
    package struct Document: Sendable {
        package let path: String
        /// "the policy of the role arn:aws:iam::111111111111:role/generator"
        package let place: String
        package var policy: Policy
    }

    package var publisherPolicy: Policy {
        var policy = facts.publisherPolicy
        if let queue { policy.statements += facts.receiving(from: queue) }
        return policy
    }

    /// Every policy of the kit.
    package var documents: [Document] {
        var documents = [
            Document(path: "org-a/generator-policy.json", place: "the policy of \(generator)", policy: facts.generatorPolicy),
            Document(
                path: "org-a/generator-trust.json", place: "the trust policy of \(generator)",
                policy: generatorTrust.policy(of: generator)),
            Document(path: "org-a/publisher-policy.json", place: "the policy of \(publisher)", policy: publisherPolicy),
            Document(
                path: "org-a/publisher-trust.json", place: "the trust policy of \(publisher)",
                policy: publisherTrust.policy(of: publisher)),
            Document(
                path: "org-a/repository-bucket-policy.json", place: "the bucket policy of \(facts.repository.bucket)",
                policy: facts.repositoryBucketPolicy),
        ]
        if let queue {
            documents.append(
                Document(
                    path: "org-a/queue-policy.json", place: "the policy of the queue \(queue.name)",
                    policy: facts.queuePolicy(of: queue)))
        }
        documents.append(
            Document(
                path: "org-b/inbox-bucket-policy.json", place: "the bucket policy of \(facts.inbox.bucket)",
                policy: facts.inboxBucketPolicy))
        for key in facts.keys {
            documents.append(Document(path: keyPath(key), place: "the key policy of \(key)", policy: facts.keyPolicy(of: key)))
        }
        return documents
    }

    func keyPath(_ key: KeyARN) -> String {
        guard facts.keys.count > 1 else { return "org-b/key-policy.json" }
        return key == facts.inbox.key ? "org-b/inbox-key-policy.json" : "org-b/repository-key-policy.json"
    }

    /// The files of the kit, by their paths below its folder.
    package var files: [(path: String, text: String)] {
        var files = documents.map { (path: $0.path, text: $0.policy.json.pretty() + "\n") }
        for (path, settings) in bucketSettings { files.append((path, settings.pretty() + "\n")) }
        files += [("org-a/main.tf", terraformOfA), ("org-a/README.md", instructionsForA)]
        files += [("org-b/main.tf", terraformOfB), ("org-b/LETTER.md", letter)]
        if let rehearsal { files.append(("rehearsal.json", rehearsal.pretty() + "\n")) }
        return files.sorted { $0.path < $1.path }
    }
}

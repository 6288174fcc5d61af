import PouchAWS

/// A scenario for `pouch sandbox`, which takes the kit's own files as its policies: what they grant is tried out before anybody applies
/// them.
extension PartnerKit {
    /// Who reads at the partner's, in a rehearsal.
    private static let reader = Policy([
        .init(
            .readRepository, because: "a reader of the partner's, for the rehearsal",
            ["s3:GetObject", "s3:GetObjectVersion", "s3:ListBucket"], on: ["*"]),
        .init(.openRepositoryObjects, because: "under the partner's key", ["kms:Decrypt"], on: ["*"]),
    ])

    /// `nil` where a role is become by somebody else than a user of organisation A: nobody else is in the sandbox.
    package var rehearsal: JSONText? {
        guard let edge = user(generatorTrust), let other = user(publisherTrust) else { return nil }
        var users = [(name: edge, profile: profiles.generator)]
        if other != edge { users.append((name: other, profile: profiles.publisher)) }
        return .members(["accounts": .list([organisationA(users), organisationB])])
    }

    private func user(_ trust: Trust) -> String? {
        guard case .identity(let arn, _, _) = trust else { return nil }
        let account = facts.repository.owner
        let marker = "::\(account):user/"
        return arn.firstRange(of: marker).map { String(arn[$0.upperBound...]) }
    }

    private func organisationA(_ users: [(name: String, profile: String)]) -> JSONText {
        let repository = facts.repository
        let roles = [(generator, "generator"), (publisher, "publisher")].map { role, file in
            JSONText.members([
                "name": .text(String(role.description.split(separator: ":role/")[1])),
                "trust": .text("org-a/\(file)-trust.json"),
                "policies": .list([.text("org-a/\(file)-policy.json")]),
            ])
        }
        return .members([
            "id": .text(repository.owner.description),
            "name": .text("org A"),
            "users": .list(users.map { .members(["name": .text($0.name), "profile": .text($0.profile)]) }),
            "roles": .list(roles),
            "buckets": .list([
                .members([
                    "name": .text(repository.bucket.description),
                    "region": .text(repository.region.description),
                    "versioning": .text("Enabled"),
                    "policy": .text("org-a/repository-bucket-policy.json"),
                    "notifications": .list(
                        rehearsedQueue.map { [.members(["to": .text($0.arn), "prefix": .text(repository.prefix)])] } ?? []),
                ])
            ]),
            "queues": .list(rehearsedQueue.map(queues) ?? []),
        ])
    }

    /// One of another account has nobody here to give it a policy.
    private var rehearsedQueue: EventQueue? { queue.flatMap { $0.account == facts.repository.owner.description ? $0 : nil } }

    private func queues(_ queue: EventQueue) -> [JSONText] {
        [
            .members([
                "name": .text(queue.name),
                "region": .text(queue.region),
                "policy": .text("org-a/queue-policy.json"),
                "deadLetters": .members(["queue": .text(queue.deadLetters), "after": .number(EventQueue.mostReceptions)]),
            ]),
            .members(["name": .text(queue.deadLetters), "region": .text(queue.region)]),
        ]
    }

    private var organisationB: JSONText {
        let inbox = facts.inbox
        let keys = facts.keys.map { key in
            JSONText.members([
                "id": .text(String(key.description.split(separator: "/")[1])),
                "region": .text(key.region.description),
                "policy": .text(keyPath(key)),
            ])
        }
        return .members([
            "id": .text(inbox.owner.description),
            "name": .text("org B"),
            "users": .list([
                .members(["name": .text("reader"), "profile": .text("reader-b"), "policies": .list([Self.reader.json])])
            ]),
            "keys": .list(keys),
            "buckets": .list([
                .members([
                    "name": .text(inbox.bucket.description),
                    "region": .text(inbox.region.description),
                    "versioning": .text("Enabled"),
                    "ownership": .text("org-b/inbox-ownership.json"),
                    "encryption": .text("org-b/inbox-encryption.json"),
                    "policy": .text("org-b/inbox-bucket-policy.json"),
                ])
            ]),
        ])
    }
}

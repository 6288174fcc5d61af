package import PouchAWS
package import PouchKit

/// Delivers through two buckets: the generator stores a file in our repository, encrypted under the partner's key, and the publisher
/// copies it within S3 into the partner's inbox.
package struct S3SecureInbox: Destination {
    package static let adapterName = AdapterName(unchecked: "s3-secure-inbox")

    /// Who does a stage.
    package struct Party: Sendable {
        package let name: IdentityName
        package let credentials: any CredentialSource
        /// What policies name; `nil` for plain keys.
        package let role: RoleARN?

        package init(name: IdentityName, credentials: any CredentialSource, role: RoleARN?) {
            self.name = name
            self.credentials = credentials
            self.role = role
        }

        /// For messages: what a policy would name.
        var label: String { role?.description ?? "identity \(name)" }
    }

    /// Where STS and KMS are, when not at AWS's own addresses. Only `check` asks them.
    package struct Services: Hashable, Sendable {
        package let sts: EndpointURL?
        package let kms: EndpointURL?

        package init(sts: EndpointURL? = nil, kms: EndpointURL? = nil) {
            self.sts = sts
            self.kms = kms
        }
    }

    package let plan: InboxPlan
    let generator: Party
    let publisher: Party?
    let link: AWSLink
    let services: Services
    let receiptReader: Party?
    /// Who else is at home on this host: only `check` asks what they could open.
    let neighbours: [Party]
    /// What other publishers say of what was handed over to them; `nil` where nobody is to ask.
    package let receipts: RepositoryReceipts?
    /// As the generator, and as the publisher. Made once: a client keeps the day's signing keys.
    let generatorS3: S3
    let publisherS3: S3?

    /// - Parameters:
    ///   - publisher: `nil` where somebody else publishes.
    ///   - receiptReader: Who reads that publisher's receipts.
    ///   - neighbours: The other identities of this host.
    ///   - link: Of the partner's lane: its transport carries nothing of other partners.
    package init(
        plan: InboxPlan,
        generator: Party,
        publisher: Party?,
        receiptReader: Party? = nil,
        neighbours: [Party] = [],
        link: AWSLink,
        services: Services = Services()
    ) {
        self.plan = plan
        self.generator = generator
        self.publisher = publisher
        self.link = link
        self.services = services
        self.receiptReader = receiptReader
        self.neighbours = neighbours
        receipts = receiptReader.map { RepositoryReceipts(plan: plan, reader: $0, link: link) }
        generatorS3 = S3(credentials: generator.credentials, link: link)
        publisherS3 = publisher.map { S3(credentials: $0.credentials, link: link) }
    }

    package var traits: DestinationTraits {
        let repository = plan.repository
        var stages = [
            DestinationTraits.Stage(
                name: .store, identity: repository.identity, place: "s3://\(repository.place.name)/\(repository.prefix)")
        ]
        if let inbox = plan.inbox {
            stages.append(
                DestinationTraits.Stage(
                    name: .publish, identity: inbox.identity, place: "s3://\(inbox.place.name)/\(inbox.prefix)"))
        }
        return DestinationTraits(
            adapter: Self.adapterName,
            stages: stages,
            target: plan.target,
            largestFile: repository.upload.largestFile,
            handsOver: plan.inbox == nil
        )
    }

    package func deliver(
        _ file: OutgoingFile,
        from checkpoint: Checkpoint?,
        in context: DeliveryContext
    ) async throws(DeliveryFailure) -> DeliveryOutcome {
        let run = DeliveryRun(inbox: self, file: file, context: context)
        let limit = context.budget.limits.deadline
        let result = await withTaskGroup(of: Result<DeliveryOutcome, DeliveryFailure>?.self) {
            group -> Result<DeliveryOutcome, DeliveryFailure>? in
            group.addTask { await run.result(from: checkpoint) }
            group.addTask { [clock = link.clock] in
                try? await clock.sleep(for: limit)
                return nil
            }
            let first = await group.next()
            group.cancelAll()
            if case .some(.some(let result)) = first { return result }
            // The time is over, or we were cancelled. What is under way may still have succeeded.
            for await late in group { if case .success? = late { return late } }
            return nil
        }
        switch result {
        case .success(let outcome): return outcome
        case .failure(let failure): throw failure
        case nil:
            throw DeliveryFailure(
                .retry, code: Task.isCancelled ? "cancelled" : "deadline", attempt: run.attempt,
                cause: Task.isCancelled ? "it was cancelled" : "it took longer than \(limit.components.seconds) s")
        }
    }

    /// Aborts the upload that is open, in the repository or in the inbox. Objects in the repository that are not needed any more expire
    /// by its lifecycle rule: we never delete.
    package func abandon(_ checkpoint: Checkpoint) async {
        if let place = PartialStore(checkpoint)?.place, case .upload(let id, let bucket, let key) = place {
            let repository = plan.repository.place
            guard bucket == repository.name.description else { return }
            _ = try? await generatorS3.abortMultipartUpload(MultipartUpload(bucket: repository, key: key, id: id))
        }
        if let upload = Progress(checkpoint)?.publishing?.upload, let inbox = plan.inbox?.place, let publisherS3 {
            guard upload.bucket == inbox.name.description else { return }
            _ = try? await publisherS3.abortMultipartUpload(MultipartUpload(bucket: inbox, key: upload.key, id: upload.id))
        }
    }
}

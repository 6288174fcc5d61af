package import PouchAWS
package import PouchKit

extension S3SecureInboxSettings {
    /// An identity that the configuration names, and the role it ends in; `nil` for plain keys.
    package typealias Identities = [IdentityName: RoleARN?]

    /// The plan, or all that is wrong.
    ///
    /// - Parameters:
    ///   - identities: All that the configuration names.
    ///   - endpoint: Of S3 for buckets that have none of their own; `nil` for AWS.
    package func checked(
        knowing identities: Identities,
        endpoint: EndpointURL? = nil
    ) -> (plan: InboxPlan?, problems: [SettingsProblem]) {
        var check = SettingsCheck(identities: identities, endpoint: endpoint)
        let plan = check.plan(self)
        return (check.problems.isEmpty ? plan : nil, check.problems)
    }

    /// The plan of a publisher's service, which copies for this partner under the inbox's identity, or all that is wrong. Who stores is
    /// known elsewhere: it need not be an identity of this configuration.
    package func checkedForPublishing(
        knowing identities: Identities,
        endpoint: EndpointURL? = nil
    ) -> (plan: InboxPlan?, problems: [SettingsProblem]) {
        var check = SettingsCheck(identities: identities, endpoint: endpoint)
        let plan = check.publisherPlan(self)
        return (check.problems.isEmpty ? plan : nil, check.problems)
    }

    /// All that is wrong.
    package func problems(knowing identities: Identities) -> [SettingsProblem] { checked(knowing: identities).problems }
}

/// Takes one value after the other, and notes what is wrong instead of stopping.
private struct SettingsCheck {
    let identities: S3SecureInboxSettings.Identities
    let endpoint: EndpointURL?
    private(set) var problems: [SettingsProblem] = []

    init(identities: S3SecureInboxSettings.Identities, endpoint: EndpointURL?) {
        self.identities = identities
        self.endpoint = endpoint
    }

    mutating func plan(_ settings: S3SecureInboxSettings) -> InboxPlan? {
        let repository = repository(settings.repository)
        let inbox = settings.inbox.flatMap { self.inbox($0) }
        let isPublishedHere = (settings.publish ?? .here) == .here
        if isPublishedHere, settings.inbox == nil {
            note(["inbox"], "'inbox' is missing", hint: "say where to publish, or set publish: elsewhere")
        }
        let reader = settings.receipts.flatMap { identity($0.identity, at: ["receipts", "as"]) }
        if isPublishedHere, settings.receipts != nil {
            note(["receipts"], "there are no receipts where this agent publishes", hint: "leave it out, or set publish: elsewhere")
        }
        guard let repository, inbox != nil || !isPublishedHere else { return nil }
        return InboxPlan(
            repository: repository, inbox: isPublishedHere ? inbox : nil, whenTaken: settings.whenTaken ?? .suffix,
            receiptReader: reader)
    }

    mutating func publisherPlan(_ settings: S3SecureInboxSettings) -> InboxPlan? {
        guard let inboxSettings = settings.inbox else {
            note(["inbox"], "'inbox' is missing", hint: "a publisher needs to know where to publish, and under which key")
            return nil
        }
        if settings.whenTaken == .replace {
            note(
                ["when-taken"], "a publisher's service cannot replace: events come in any order, and an older file could win",
                hint: "when-taken: suffix or fail; an agent that publishes here can replace")
        }
        let inbox = inbox(inboxSettings)
        var repositorySettings = settings.repository
        // It works there, too: it reads what it copies.
        repositorySettings.identity = inboxSettings.identity
        // Without an identity the same would be said twice.
        guard let inbox, let repository = repository(repositorySettings) else { return nil }
        return InboxPlan(repository: repository, inbox: inbox, whenTaken: settings.whenTaken ?? .suffix)
    }

    private mutating func repository(_ settings: S3SecureInboxSettings.Repository) -> InboxPlan.Repository? {
        let base = ["repository"]
        let identity = identity(settings.identity, at: base + ["as"])
        let owner = repositoryOwner(settings, identity)
        let place = place(settings.bucket, settings.region, owner, settings.endpoint, at: base)
        let key = key(settings.key, inRegion: settings.region, at: base + ["key"])
        let prefix = prefix(settings.prefix, at: base + ["prefix"])
        let upload = upload(settings, at: base)
        guard let identity, let place, let key, let prefix, let upload else { return nil }
        return InboxPlan.Repository(place: place, prefix: prefix, key: key, identity: identity, upload: upload)
    }

    private mutating func upload(_ settings: S3SecureInboxSettings.Repository, at base: [String]) -> UploadPlan? {
        let method: UploadPlan.Method =
            switch settings.upload ?? .sealed {
            case .sealed: .sealed
            case .single: .single
            case .multipart: .multipart
            }
        guard let above = settings.segmentsAbove?.bytes else { return UploadPlan(method) }
        let path = base + ["segments-above"]
        guard method != .single else {
            note(path, "upload: single makes no segments", hint: "leave one of the two out")
            return nil
        }
        guard (PartPlan.smallestPart...PartPlan.largestPart).contains(above) else {
            note(
                path, "expected 5 MiB to 5 GiB, found \(ByteCount(bytes: above))",
                hint: "S3 copies no smaller parts than 5 MiB into one object, and takes 5 GiB in one request")
            return nil
        }
        return UploadPlan(method, threshold: above)
    }

    /// The repository is ours: without an `owner` it belongs to the account of the role that stores.
    private mutating func repositoryOwner(
        _ settings: S3SecureInboxSettings.Repository,
        _ identity: IdentityName?
    ) -> AccountID? {
        if let owner = settings.owner { return account(owner, at: ["repository", "owner"]) }
        if let identity, let role = identities[identity] ?? nil { return role.account }
        if identity != nil {
            note(
                ["repository"], "'owner' is missing, and identity '\(settings.identity)' has no role to tell the account",
                hint: "add owner: with the 12 digits of the account that the repository belongs to")
        }
        return nil
    }

    private mutating func inbox(_ settings: S3SecureInboxSettings.Inbox) -> InboxPlan.Inbox? {
        let base = ["inbox"]
        let identity = identity(settings.identity, at: base + ["as"])
        let owner = account(settings.owner, at: base + ["owner"])
        let place = place(settings.bucket, settings.region, owner, settings.endpoint, at: base)
        let key = key(settings.key, inRegion: settings.region, at: base + ["key"])
        let prefix = prefix(settings.prefix, at: base + ["prefix"])
        let allowedACL = "bucket-owner-full-control"
        if let acl = settings.acl, acl != allowedACL {
            note(
                base + ["acl"], "expected \(allowedACL), found '\(VisibleText.escaped(acl))'",
                hint: "leave it out unless the partner's bucket still uses ACLs")
        }
        if let name = settings.storageClass, !Self.storageClasses.contains(name) {
            note(
                base + ["storage-class"], "'\(VisibleText.escaped(name))' is not a storage class",
                hint: Self.storageClasses.joined(separator: ", "))
        }
        guard let identity, let place, let key, let prefix else { return nil }
        return InboxPlan.Inbox(
            place: place, prefix: prefix, key: key, identity: identity, acl: settings.acl, storageClass: settings.storageClass)
    }

    private static let storageClasses = [
        "STANDARD", "STANDARD_IA", "ONEZONE_IA", "INTELLIGENT_TIERING", "GLACIER", "GLACIER_IR", "DEEP_ARCHIVE",
        "REDUCED_REDUNDANCY",
    ]

    private mutating func place(
        _ bucket: String,
        _ region: String,
        _ owner: AccountID?,
        _ own: String?,
        at base: [String]
    ) -> BucketPlace? {
        let name = take(base + ["bucket"]) { () throws(NameError) in try BucketName(bucket) }
        let place = take(base + ["region"]) { () throws(NameError) in try Region(region) }
        let custom = own.flatMap { text in take(base + ["endpoint"]) { () throws(NameError) in try EndpointURL(text) } }
        guard let name, let place, let owner else { return nil }
        if let point = name.accessPoint, point.region != place {
            note(base + ["bucket"], "the access point is in \(point.region), and region: says \(place)")
            return nil
        }
        return BucketPlace(name: name, region: place, owner: owner, endpoint: custom ?? endpoint)
    }

    private mutating func key(_ text: String, inRegion region: String, at path: [String]) -> KeyARN? {
        guard let key = take(path, { () throws(NameError) in try KeyARN(text) }) else { return nil }
        guard key.region.description == region else {
            note(
                path, "the key is in \(key.region), the bucket in \(VisibleText.escaped(region))",
                hint: "S3 uses keys of the bucket's own region only: the key's owner can make one there")
            return nil
        }
        return key
    }

    private mutating func prefix(_ text: String?, at path: [String]) -> String? {
        guard let text, !text.isEmpty else { return "" }
        guard !text.hasPrefix("/") else {
            note(path, "a prefix does not begin with '/'", hint: "S3 would make an empty folder of it")
            return nil
        }
        guard text.hasSuffix("/") else {
            note(path, "a prefix ends with '/'", hint: "write \(VisibleText.escaped(text))/")
            return nil
        }
        guard text.utf8.count <= 512 else {
            note(path, "a prefix of more than 512 bytes leaves no room for keys")
            return nil
        }
        // The rules of keys: no empty part, no '.', no '..', no control characters.
        let isPrefix = take(path) { () throws(NameError) in try DeliveryKey(String(text.dropLast())) } != nil
        return isPrefix ? text : nil
    }

    private mutating func account(_ text: String, at path: [String]) -> AccountID? {
        take(path) { () throws(NameError) in try AccountID(text) }
    }

    private mutating func identity(_ text: String, at path: [String]) -> IdentityName? {
        guard let name = take(path, { () throws(NameError) in try IdentityName(text) }) else { return nil }
        guard identities.keys.contains(name) else {
            let known = identities.keys.sorted().map(\.description).joined(separator: ", ")
            note(
                path, "there is no identity '\(name)'",
                hint: known.isEmpty ? "define it under identities:" : "identities: defines \(known)")
            return nil
        }
        return name
    }

    private mutating func take<Value>(_ path: [String], _ make: () throws(NameError) -> Value) -> Value? {
        do throws(NameError) {
            return try make()
        } catch {
            note(path, "expected \(error.expectation), found '\(error.text)'")
            return nil
        }
    }

    private mutating func note(_ path: [String], _ text: String, hint: String? = nil) {
        problems.append(SettingsProblem(at: path, text, hint: hint))
    }
}

/// Every statement that a kit can hold, by its `Sid`. `doctor` names them, and the tests take away each of them in turn.
package enum StatementName: String, Hashable, Sendable, CaseIterable {
    // Both sides.
    case denyInsecureTransport = "DenyInsecureTransport"
    case preflightMayDescribe = "PreflightMayDescribe"

    // Organisation A: who may become the roles.
    case edgeBecomesThisRole = "EdgeBecomesThisRole"

    // Organisation A: the generator.
    case storeSealed = "StoreSealed"
    case storeInParts = "StoreInParts"
    case refuseOtherKeysInRepository = "RefuseOtherKeysInRepository"
    case sealForPartner = "SealForPartner"
    case reopenOwnParts = "ReopenOwnParts"
    case readReceipts = "ReadReceipts"
    case neverRead = "NeverRead"

    // Organisation A: the publisher.
    case readRepository = "ReadRepository"
    case openRepositoryObjects = "OpenRepositoryObjects"
    case deliverIntoInbox = "DeliverIntoInbox"
    case sealInboxObjects = "SealInboxObjects"
    case askWhoseAnObjectIs = "AskWhoseAnObjectIs"
    case handOverOwnership = "HandOverOwnership"
    case joinSegments = "JoinSegments"
    case reopenJoinedParts = "ReopenJoinedParts"
    case receiveEvents = "ReceiveEvents"
    case findWhatNoEventTold = "FindWhatNoEventTold"
    case leaveReceipts = "LeaveReceipts"
    case repositoryMayNotify = "RepositoryMayNotify"

    // Organisation B: the inbox.
    case publisherDelivers = "PublisherDelivers"
    case publisherAsksWhoseAnObjectIs = "PublisherAsksWhoseAnObjectIs"
    case publisherHandsOverOwnership = "PublisherHandsOverOwnership"
    case publisherJoinsSegments = "PublisherJoinsSegments"
    case refuseOtherKeys = "RefuseOtherKeys"
    case refuseOtherEncryption = "RefuseOtherEncryption"
    case newKeysOnly = "NewKeysOnly"

    // Organisation B: the key.
    case ownerAdministersThroughIAM = "OwnerAdministersThroughIAM"
    case generatorSealsIntoRepository = "GeneratorSealsIntoRepository"
    case generatorReopensParts = "GeneratorReopensParts"
    case publisherOpensRepository = "PublisherOpensRepository"
    case publisherSealsIntoInbox = "PublisherSealsIntoInbox"
    case publisherReopensJoinedParts = "PublisherReopensJoinedParts"
}

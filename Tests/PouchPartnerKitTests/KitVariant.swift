import PouchKit
import PouchPartnerKit
import S3SecureInbox
import Testing

/// A way to set the pattern up: what is chosen for the kit, and what agent.yaml says to go with it.
enum KitVariant: String, Sendable, CaseIterable, CustomTestStringConvertible {
    case usual
    case handingOver = "handing ownership over"
    case storingInParts = "storing in parts"
    case joiningSegments = "joining segments"
    case replacing
    case withBucketKey = "with a Bucket Key"
    case byEvents = "publishing by events"
    case takingReceiptsIn = "taking receipts in"

    /// The smallest that is sent in pieces.
    private static let piece: Int64 = 5 << 20

    var testDescription: String { rawValue }

    func kit() throws -> PartnerKit {
        var kit = try KitHouse.kit { choices in
            choices.handsOverOwnership = self == .handingOver
            choices.storesInParts = self == .storingInParts
            choices.joinsSegments = self == .joiningSegments
            choices.asksInbox = self != .joiningSegments
            choices.replaces = self == .replacing
            choices.usesBucketKey = self == .withBucketKey
            choices.readsReceipts = self == .takingReceiptsIn
        }
        if self == .byEvents { kit.queue = EventQueue(arn: "arn:aws:sqs:eu-west-1:111111111111:pouch-published") }
        return kit
    }

    func adapt(_ settings: inout S3SecureInboxSettings) {
        switch self {
        case .handingOver: settings.inbox?.acl = "bucket-owner-full-control"
        case .replacing: settings.whenTaken = .replace
        case .storingInParts:
            settings.repository.upload = .multipart
            settings.repository.segmentsAbove = ByteCount(bytes: Self.piece)
        case .joiningSegments: settings.repository.segmentsAbove = ByteCount(bytes: Self.piece)
        case .usual, .withBucketKey, .byEvents, .takingReceiptsIn: break
        }
    }

    /// Of a file that shows what the variant is about.
    var fileSize: Int {
        switch self {
        case .storingInParts, .joiningSegments: Int(Self.piece) + 1
        case .usual, .handingOver, .replacing, .withBucketKey, .byEvents, .takingReceiptsIn: 8
        }
    }

    /// What doctor must find refused: what the generator cannot do (read, decrypt itself and through S3, store elsewhere, reach the inbox), what the publisher cannot
    /// (write the repository, read the inbox), and what the inbox takes from nobody (written-over objects, other encryption, other keys).
    var refusals: Int {
        switch self {
        case .usual, .handingOver, .joiningSegments, .withBucketKey, .takingReceiptsIn: 10
        // Other keys in the repository, and not to decrypt through S3.
        case .storingInParts: 10
        // Writing over is permitted.
        case .replacing: 9
        // And receipts lie in the repository, at a place of their own.
        case .byEvents: 10
        }
    }
}

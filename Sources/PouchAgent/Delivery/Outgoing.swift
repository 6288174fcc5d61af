import PouchKit

/// What an adapter gets of a delivery, and what the records say of it.
struct Outgoing: Sendable {
    /// The file itself, or the sealed one: the adapter does not know.
    let file: OutgoingFile
    /// What the file was sealed into; `nil` when it leaves as it is.
    let seal: SealRecord?
    /// Of the file itself.
    let digests: @Sendable () async throws(DeliveryFailure) -> FileDigests
}

import PouchKit

/// Keeps the account of a large file's parts, and has it saved: before a part counts as stored, or a little later where the account
/// has become long.
actor PartLedger {
    /// What was stored since the last save is at least so many times the account's own length: 10,000 parts are not written 10,000
    /// times over. Of 64 MiB each, some 7,000 parts are saved one by one.
    private static let worth = 100

    private(set) var partial: PartialStore
    private(set) var requests = 0
    private let save: @Sendable (PartialStore) async throws(DeliveryFailure) -> Void
    private var unsavedBytes: Int64 = 0
    private var added = 0
    private var saved = 0
    private var isSaving = false
    private var waiting: [CheckedContinuation<Void, Never>] = []

    init(_ partial: PartialStore, save: @escaping @Sendable (PartialStore) async throws(DeliveryFailure) -> Void) {
        self.partial = partial
        self.save = save
    }

    /// Returns when the part need not be sent again after a restart, as far as it is worth it.
    func add(_ part: PartialStore.Part, number: Int, requests: Int) async throws(DeliveryFailure) {
        partial.add(part, number: number)
        self.requests += requests
        added += 1
        unsavedBytes += partial.plan.size(of: number)
        guard unsavedBytes >= Int64(partial.payload.count * Self.worth) else { return }
        try await saveAll()
    }

    /// Returns when everything that was added is saved. Those who come while one saves are served by the next save together.
    func saveAll() async throws(DeliveryFailure) {
        let wanted = added
        while saved < wanted {
            if isSaving {
                await withCheckedContinuation { waiting.append($0) }
                continue
            }
            isSaving = true
            defer {
                isSaving = false
                for waiter in waiting { waiter.resume() }
                waiting = []
            }
            let (covered, bytes) = (added, unsavedBytes)
            try await save(partial)
            saved = covered
            unsavedBytes -= bytes
        }
    }
}

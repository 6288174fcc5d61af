import PouchAWS
import PouchKit
import Synchronization

/// The service's for what takes many requests: the upload that is open in the inbox is noted in the repository, beside the receipts. While the
/// note is renewed others leave the upload alone; when its publisher died, the next one finds what was copied with ListParts, and goes on.
final class NotedPublication: PublicationMemory {
    enum Claim {
        /// To go on with, where there is something.
        case ours(Progress.Publishing?)
        /// Another publisher is at it; its note is good for so long.
        case anothers(Duration)
    }

    private let leg: InboxLeg
    private let consignment: Consignment
    private let run: String
    private let lease: Duration
    private let name: String
    /// What the note says.
    private let noted: Mutex<(key: DeliveryKey, upload: Progress.Upload?)>

    private var noteKey: String { UploadNote.key(of: consignment.delivery, below: leg.repository.prefix) }

    /// - Parameters:
    ///   - run: Names this process in its notes.
    ///   - lease: How long a note is good for, unless it is renewed.
    init(of consignment: Consignment, on leg: InboxLeg, run: String, lease: Duration) {
        self.leg = leg
        self.consignment = consignment
        self.run = run
        self.lease = lease
        name = VisibleText.escaped(consignment.key.name)
        noted = Mutex((consignment.key, nil))
    }

    /// Two publishers may have messages about one delivery, and a note says nothing of the other one's.
    var remembersAttempts: Bool { false }

    func verifySource() throws(DeliveryFailure) {}

    /// Makes the note ours, of several that come at the same moment for one of them. Losing it costs work and no more: the inbox is
    /// asked in any case.
    ///
    /// - Parameter takingOver: Whoever had it is dead, as far as its message tells.
    func claim(takingOver: Bool) async throws(DeliveryFailure) -> Claim {
        let note: UploadNote?
        switch try await standing() {
        case .none: return try await write(isCreateOnly: true) ? .ours(nil) : .anothers(lease)
        case .some(let found): note = found
        }
        if let note, note.run != run, !takingOver, let remaining = note.remaining(of: lease, at: leg.clock.now) {
            return .anothers(remaining)
        }
        let announced = note?.resumable(for: consignment, in: leg.inbox)
        noted.withLock { $0 = (announced?.key ?? consignment.key, announced?.upload) }
        _ = try await write(isCreateOnly: false)
        return .ours(announced)
    }

    /// Does it with the note renewed all the while.
    func kept<Value: Sendable>(
        _ work: @escaping @Sendable () async throws(DeliveryFailure) -> Value
    ) async throws(DeliveryFailure) -> Value {
        let result = await withTaskGroup(of: Result<Value, DeliveryFailure>?.self) { group in
            group.addTask {
                do throws(DeliveryFailure) { return .success(try await work()) } catch { return .failure(error) }
            }
            group.addTask { [self] in
                while !Task.isCancelled {
                    do { try await leg.clock.sleep(for: lease / 3) } catch { return nil }
                    // Another one may take it over then, which costs work.
                    _ = try? await write(isCreateOnly: false)
                }
                return nil
            }
            defer { group.cancelAll() }
            while let next = await group.next() { if let next { return next } }
            preconditionFailure("the work has a result")
        }
        return try result.get()
    }

    func announce(_ publishing: Progress.Publishing) async throws(DeliveryFailure) {
        let isKnown = noted.withLock { noted in
            defer { noted = (publishing.key, publishing.upload) }
            return noted.upload == publishing.upload
        }
        if !isKnown { _ = try await write(isCreateOnly: false) }
    }

    /// Nothing to take back: only an upload is ever noted, and one that is given up is noted as such.
    func settle() async {}

    /// - Returns: `nil` where there is none, and an empty one where it cannot be read.
    private func standing() async throws(DeliveryFailure) -> UploadNote?? {
        do throws(AWSFailure) {
            return .some(UploadNote(bytes: try await leg.s3.getSmallObject(in: leg.repository.place, key: noteKey).bytes))
        } catch {
            // Who may not list the bucket gets 403 for what is not there.
            if error.status == 404 || error.status == 403 { return .none }
            throw Diagnosis.failure(
                error, of: DeliveryReceipts.call("look how far the publication of \(name) got", noteKey, leg))
        }
    }

    /// - Returns: False when there is a note already, and it was not to be replaced.
    private func write(isCreateOnly: Bool) async throws(DeliveryFailure) -> Bool {
        let (key, upload) = noted.withLock { $0 }
        let note = UploadNote(
            delivery: consignment.delivery, key: key, upload: upload, run: run, at: leg.clock.now)
        do throws(AWSFailure) {
            return try await DeliveryReceipts.put(note.bytes, at: noteKey, leg, isCreateOnly: isCreateOnly)
        } catch {
            throw Diagnosis.failure(
                error, of: DeliveryReceipts.call("note how far the publication of \(name) got", noteKey, leg))
        }
    }
}

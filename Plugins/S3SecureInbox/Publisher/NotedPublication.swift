import FoundationEssentials
import PouchAWS
import PouchCrypto
import PouchKit
import Synchronization

/// The service's for what takes many requests: the upload that is open in the inbox is noted in the repository, beside the receipts. Whoever
/// gets the message when this publisher died finds what was copied with ListParts, and goes on.
final class NotedPublication: PublicationMemory {
    private let leg: InboxLeg
    private let delivery: DeliveryID
    private let name: String
    /// What the note says; `nil`: there is none, or nothing is open.
    private let noted = Mutex<Progress.Upload?>(nil)

    init(of consignment: Consignment, on leg: InboxLeg) {
        self.leg = leg
        delivery = consignment.delivery
        name = VisibleText.escaped(consignment.key.name)
    }

    /// Two publishers may have messages about one delivery, and a note says nothing of the other one's.
    var remembersAttempts: Bool { false }

    func verifySource() throws(DeliveryFailure) {}

    /// What an earlier publisher noted last.
    func recall() async throws(DeliveryFailure) -> Progress.Publishing? {
        let key = UploadNote.key(of: delivery, below: leg.repository.prefix)
        do throws(AWSFailure) {
            let object = try await leg.s3.getSmallObject(in: leg.repository.place, key: key)
            guard let note = UploadNote(bytes: object.bytes), note.delivery == delivery, let upload = note.upload else {
                return nil
            }
            noted.withLock { $0 = upload }
            return Progress.Publishing(key: note.key, requests: 0, upload: upload)
        } catch {
            // Who may not list the bucket gets 403 for what is not there.
            if error.status == 404 || error.status == 403 { return nil }
            throw Diagnosis.failure(error, of: call("look how far the publication of \(name) got", key))
        }
    }

    func announce(_ publishing: Progress.Publishing) async throws(DeliveryFailure) {
        guard noted.withLock({ $0 }) != publishing.upload else { return }
        let note = UploadNote(delivery: delivery, key: publishing.key, upload: publishing.upload)
        let put = PutObject(
            bucket: leg.repository.place, key: UploadNote.key(of: delivery, below: leg.repository.prefix), receipt: note.bytes)
        do throws(AWSFailure) {
            _ = try await leg.s3.putObject(put)
        } catch {
            throw Diagnosis.failure(error, of: call("note how far the publication of \(name) got", put.key))
        }
        noted.withLock { $0 = publishing.upload }
    }

    /// Nothing to take back: only an upload is ever noted, and one that is given up is noted as such.
    func settle() async {}

    private func call(_ attempt: String, _ key: String) -> AttemptedCall {
        AttemptedCall(
            attempt: attempt, side: .repository, identity: leg.publisher.label, bucket: leg.repository.place, key: key)
    }
}

/// The note, as `docs/consignment.md` has it.
struct UploadNote: Codable, Hashable, Sendable {
    private static let version = 1

    let note: Int
    let delivery: DeliveryID
    /// Without the inbox's prefix.
    let key: DeliveryKey
    /// `nil`: it was given up.
    let upload: Progress.Upload?

    init(delivery: DeliveryID, key: DeliveryKey, upload: Progress.Upload?) {
        note = Self.version
        self.delivery = delivery
        self.key = key
        self.upload = upload
    }

    static func key(of delivery: DeliveryID, below prefix: String) -> String {
        "\(DeliveryReceiptObject.folder(below: prefix))\(delivery).upload"
    }

    var bytes: [UInt8] {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        guard let data = try? encoder.encode(self) else { preconditionFailure("texts and numbers can be written as JSON") }
        return Array(data)
    }

    /// `nil` for what is no note of this version: it is published from the start then.
    init?(bytes: [UInt8]) {
        guard let read = try? JSONDecoder().decode(Self.self, from: Data(bytes)), read.note == Self.version else { return nil }
        self = read
    }
}

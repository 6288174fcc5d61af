import PouchAWS
import PouchCrypto
import PouchHTTP
import PouchKit
import Synchronization

/// The receipts that a publisher leaves, of all its partners: whether there is one, and leaving it.
///
/// What was copied and has no receipt yet is remembered, for as long as the process lives: then the receipt is tried again and
/// not the copy, whose object the partner may have taken out of the inbox meanwhile.
final class DeliveryReceipts: Sendable {
    /// Beside the receipts, and none: who may write it may leave receipts.
    static let probeName = "probe"

    private let unwritten = Mutex(UnwrittenReceipts())

    func unwritten(of delivery: DeliveryID) -> DeliveryReceiptObject? { unwritten.withLock { $0[delivery] } }

    /// - Throws: `DeliveryFailure` when it cannot be told now. Who may not ask is told no: the inbox is asked instead.
    func isThere(of delivery: DeliveryID, for partner: PublisherPartner) async throws(DeliveryFailure) -> Bool {
        let (leg, repository) = (partner.leg, partner.leg.repository)
        let key = DeliveryReceiptObject.key(of: delivery, below: repository.prefix)
        do throws(AWSFailure) {
            _ = try await leg.s3.headObject(in: repository.place, key: key)
            return true
        } catch {
            if error.status == 404 || error.status == 403 { return false }
            throw Diagnosis.failure(error, of: Self.call("look for the receipt of delivery \(delivery)", key, leg))
        }
    }

    /// The first one stands: whoever published again by mistake, or found it published, leaves it alone.
    func leave(_ receipt: DeliveryReceiptObject, for partner: PublisherPartner) async throws(DeliveryFailure) {
        let (leg, repository) = (partner.leg, partner.leg.repository)
        let key = DeliveryReceiptObject.key(of: receipt.delivery, below: repository.prefix)
        unwritten.withLock { $0.add(receipt) }
        do throws(AWSFailure) {
            _ = try await Self.put(receipt.bytes, at: key, leg)
        } catch {
            throw Diagnosis.failure(error, of: Self.call("leave the receipt of delivery \(receipt.delivery)", key, leg))
        }
        unwritten.withLock { $0.remove(receipt.delivery) }
    }

    /// Writes a small object where receipts go, once and for all: later probes find it, which only who may write is told.
    ///
    /// - Throws: `DeliveryFailure`, with `.hold` for who may not leave receipts.
    func probe(_ partner: PublisherPartner) async throws(DeliveryFailure) {
        let leg = partner.leg
        let key = DeliveryReceiptObject.folder(below: leg.repository.prefix) + Self.probeName
        do throws(AWSFailure) {
            _ = try await Self.put(Array("{}".utf8), at: key, leg)
        } catch {
            throw Diagnosis.failure(error, of: Self.call("leave receipts for \(partner.name)", key, leg))
        }
    }

    /// Under whatever encryption the bucket gives by itself: a receipt is ours, and no secret of the partner's.
    ///
    /// - Returns: False when there is one already, and it was not to be replaced.
    static func put(
        _ bytes: [UInt8], at key: String, _ leg: InboxLeg, isCreateOnly: Bool = true
    ) async throws(AWSFailure) -> Bool {
        var put = PutObject(
            bucket: leg.repository.place, key: key, body: .bytes(bytes),
            digests: PartDigests(crc64nvme: CRC64NVMEHasher.checksum(of: bytes)),
            attributes: ObjectAttributes(key: nil, contentType: "application/json"))
        put.attributes.isCreateOnly = isCreateOnly
        do throws(AWSFailure) {
            _ = try await leg.s3.putObject(put)
            return true
        } catch {
            guard isCreateOnly, error.code == "PreconditionFailed" else { throw error }
            return false
        }
    }

    static func call(_ attempt: String, _ key: String, _ leg: InboxLeg) -> AttemptedCall {
        AttemptedCall(
            attempt: attempt, side: .repository, identity: leg.publisher.label, bucket: leg.repository.place, key: key)
    }
}

/// Receipts that could not be written yet. A value, and never large: the oldest are forgotten, and their inboxes are asked again.
struct UnwrittenReceipts {
    static let most = 10_000

    private var receipts: [DeliveryID: DeliveryReceiptObject] = [:]
    private var order: [DeliveryID] = []

    subscript(delivery: DeliveryID) -> DeliveryReceiptObject? { receipts[delivery] }

    mutating func add(_ receipt: DeliveryReceiptObject) {
        if receipts.updateValue(receipt, forKey: receipt.delivery) == nil { order.append(receipt.delivery) }
        if order.count > Self.most { receipts[order.removeFirst()] = nil }
    }

    mutating func remove(_ delivery: DeliveryID) {
        guard receipts.removeValue(forKey: delivery) != nil else { return }
        // Almost always one of the last.
        if let index = order.lastIndex(of: delivery) { order.remove(at: index) }
    }
}

import PouchCrypto
import PouchKit
import Synchronization

/// The parts of one file: each is hashed once, however many partners ask for it, and those that follow each other from the start make
/// the file's own digests on the way.
final class SourceParts: Sendable {
    private struct Key: Hashable {
        let part: Range<Int64>
        let kind: PartDigests.Kind
    }

    /// What the parts up to `end` give together.
    private struct Front {
        var end: Int64 = 0
        var crc64nvme = CRC64NVME(0)
        var sha256 = RunningDigest()
    }

    /// The front goes with the flight that adds to it, and is taken by whoever computes first.
    private final class Flight: Sendable {
        let result = SingleFlight<PartDigests, DeliveryFailure>()
        private let front: Mutex<Front?>

        init(_ front: Front? = nil) { self.front = Mutex(front) }

        func takeFront() -> Front? {
            front.withLock { front in
                defer { front = nil }
                return front
            }
        }
    }

    private struct State {
        var flights: [Key: Flight] = [:]
        /// `nil` while a part is being added to it, and where nobody needs it.
        var front: Front?
        var whole: (size: Int64, digests: FileDigests)?
    }

    private let state: Mutex<State>

    /// - Parameter needsWhole: The file's digests are not known yet.
    init(needsWhole: Bool) { state = Mutex(State(front: needsWhole ? Front() : nil)) }

    /// - Parameter hash: Reads the part, and adds it to the digest that it is given.
    func digests(
        of part: Range<Int64>,
        _ kind: PartDigests.Kind,
        hash: @Sendable (RunningDigest?) async throws(DeliveryFailure) -> PartDigests
    ) async throws(DeliveryFailure) -> PartDigests {
        let flight = flight(for: Key(part: part, kind: kind))
        return try await flight.result.value { () async throws(DeliveryFailure) in
            let front = flight.takeFront()
            do throws(DeliveryFailure) {
                let digests = try await hash(front?.sha256)
                if let front { advance(front, over: part, digests.crc64nvme) }
                return digests
            } catch {
                // Some of it may have been added: whoever reads from the start begins anew.
                if front != nil { state.withLock { $0.front = Front() } }
                throw error
            }
        }
    }

    private func flight(for key: Key) -> Flight {
        state.withLock { state in
            // What the front waits for is read again even when its checksum is known: after an attempt that ended half-way.
            if let front = state.front, front.end == key.part.lowerBound {
                state.front = nil
                let flight = Flight(front)
                state.flights[key] = flight
                return flight
            }
            if let flight = state.flights[key] { return flight }
            let flight = Flight()
            state.flights[key] = flight
            return flight
        }
    }

    private func advance(_ front: Front, over part: Range<Int64>, _ checksum: CRC64NVME) {
        var front = front
        front.end = part.upperBound
        front.crc64nvme = CRC64NVMEHasher.combine(front.crc64nvme, checksum, lengthOfSecond: part.upperBound - part.lowerBound)
        state.withLock { $0.front = front }
    }

    /// The file's digests, once its parts were hashed one after the other up to its end.
    func whole(ofSize size: Int64) -> FileDigests? {
        state.withLock { state in
            if let whole = state.whole, whole.size == size { return whole.digests }
            guard let front = state.front, front.end == size, size > 0 else { return nil }
            let digests = FileDigests(sha256: front.sha256.finish(), crc64nvme: front.crc64nvme)
            (state.whole, state.front) = ((size, digests), nil)
            return digests
        }
    }
}

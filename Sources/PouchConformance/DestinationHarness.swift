package import PouchKit

/// What an adapter's tests give, so that the promises of every destination can be looked at from the partner's side.
///
/// One harness is one target, empty at first; each promise gets a harness of its own.
package protocol DestinationHarness: Sendable {
    /// A healthy destination that delivers to the end. Called again, it leads to the same target.
    func destination(whenTaken: WhenTaken) async throws -> any Destination

    /// What the partner sees, by the keys of deliveries (without the destination's own prefix). It must look at the target
    /// itself, never ask the adapter.
    func visible() async throws -> [DeliveryKey: SeenObject]

    /// The delivery's key in a receipt, which names the whole one.
    func key(of receipt: Receipt) throws -> DeliveryKey

    /// Puts an object there that no delivery of ours made.
    func occupy(_ key: DeliveryKey, with bytes: [UInt8]) async throws

    /// What is half-done at the target: open uploads, part files. Not what another stage keeps on purpose.
    func leftovers() async throws -> [String]

    /// What it can make go wrong.
    var faults: Set<DestinationFault> { get }

    /// From now on, until `heal`, the target behaves so.
    func inject(_ fault: DestinationFault) async throws

    func heal() async throws

    /// Makes the target one that nothing can be delivered to, so that `check` has something to find.
    func breakTarget() async throws

    /// What it can be told to do where a key is taken; none where the far end has no names that could be.
    var policies: Set<WhenTaken> { get }

    /// Names that hurt programs, to be delivered under.
    func hostileNames() throws -> [String]
}

extension DestinationHarness {
    package var policies: Set<WhenTaken> { Set(WhenTaken.allCases) }

    package func hostileNames() throws -> [String] { HostileNames.own }
}

package enum DestinationFault: String, Hashable, Sendable, CaseIterable {
    /// The next request that makes something visible is carried out, and its answer never comes. Once.
    case lostReplyAfterEffect
    /// What makes the file visible is not permitted.
    case refusePermission
    /// There is no room for it.
    case fullDisk
    /// Every answer takes some seconds.
    case slow
    /// The connection breaks while the file is sent. Once.
    case cut
}

/// A promise that was not kept.
package struct BrokenPromise: Error, CustomStringConvertible {
    package let description: String

    package init(_ text: String, file: StaticString, line: UInt) { description = "\(text) (\(file):\(line))" }
}

func expect(
    _ condition: Bool,
    _ text: @autoclosure () -> String,
    file: StaticString = #fileID,
    line: UInt = #line
) throws {
    guard condition else { throw BrokenPromise(text(), file: file, line: line) }
}

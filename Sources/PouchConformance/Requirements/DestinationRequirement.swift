package import PouchKit

/// One promise that every destination keeps, whatever it delivers to.
///
/// Each adapter's tests run all of them:
///
/// ```swift
/// @Test(arguments: DestinationRequirement.all)
/// func keepsPromise(_ requirement: DestinationRequirement) async throws {
///     try await requirement.verify(FolderHarness())
/// }
/// ```
package struct DestinationRequirement: Sendable, CustomStringConvertible {
    package let id: String
    /// What is promised.
    package let sentence: String
    /// What a harness must be able to make go wrong for this; `nil`: nothing.
    package let needs: DestinationFault?
    /// Which `when-taken` it is about; `nil`: none.
    package let policy: WhenTaken?
    private let look: @Sendable (Bench) async throws -> Void

    package init(
        _ id: String,
        _ sentence: String,
        needs fault: DestinationFault? = nil,
        where policy: WhenTaken? = nil,
        _ look: @escaping @Sendable (Bench) async throws -> Void
    ) {
        self.id = id
        self.sentence = sentence
        needs = fault
        self.policy = policy
        self.look = look
    }

    package var description: String { "\(id): \(sentence)" }

    /// Whether this harness can show it.
    package func applies(to harness: any DestinationHarness) -> Bool {
        (needs.map(harness.faults.contains) ?? true) && (policy.map(harness.policies.contains) ?? true)
    }

    /// - Throws: `BrokenPromise`, or what the harness threw. A promise that needs what the harness cannot make counts as kept.
    package func verify(_ harness: any DestinationHarness) async throws {
        guard applies(to: harness) else { return }
        try await look(Bench(harness))
    }

    /// Every promise.
    package static let all: [DestinationRequirement] =
        contents + keys + repetition + durability + takenKeys + sources + stopping + abandoning + reports + faults
}

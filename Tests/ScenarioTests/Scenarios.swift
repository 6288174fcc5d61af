import Testing

/// The built `pouch`, run from outside as a user runs it, against destinations whose contents are judged without its help.
///
/// One after the other: each of them starts several processes.
@Suite("pouch from outside", .serialized)
enum Scenarios {}

/// What did not become true in time.
struct NeverCame: Error, CustomStringConvertible {
    let description: String
}

/// Looks again and again until it is true: another process has no event to await.
///
/// - Parameter pause: between two looks; longer where a look is expensive for what it looks at.
func eventually(
    _ what: String, within limit: Duration = .seconds(30), every pause: Duration = .milliseconds(20),
    _ isTrue: () async throws -> Bool
) async throws {
    let began = ContinuousClock.now
    while try await !isTrue() {
        guard ContinuousClock.now - began < limit else {
            throw NeverCame(description: "within \(limit) it did not happen that \(what)")
        }
        try await Task.sleep(for: pause)
    }
}

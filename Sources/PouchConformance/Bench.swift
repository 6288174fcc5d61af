package import PouchKit

/// A harness with what the promises need again and again.
package struct Bench: Sendable {
    package let harness: any DestinationHarness
    package let folder: TemporaryFolder

    package init(_ harness: any DestinationHarness) throws {
        self.harness = harness
        folder = try TemporaryFolder("requirement")
    }

    package func destination(_ whenTaken: WhenTaken = .suffix) async throws -> any Destination {
        try await harness.destination(whenTaken: whenTaken)
    }

    /// A file that is like no other.
    package func file(_ size: Int = 10_000) throws -> TestFile {
        var generator = SeededGenerator(seed: .random(in: .min ... .max))
        return try TestFile(generator.bytes(size), in: folder)
    }

    package func key(_ text: String) throws -> DeliveryKey { try DeliveryKey(text) }

    /// One attempt, and what it ended with.
    package func attempt(
        _ file: OutgoingFile,
        _ recorder: RecordingContext,
        to destination: any Destination,
        from checkpoint: Checkpoint? = nil
    ) async -> Result<DeliveryOutcome, DeliveryFailure> {
        do { return .success(try await destination.deliver(file, from: checkpoint, in: recorder.context)) } catch {
            return .failure(error)
        }
    }

    /// An attempt that must succeed.
    @discardableResult
    package func deliver(
        _ file: OutgoingFile,
        _ recorder: RecordingContext,
        to destination: any Destination,
        from checkpoint: Checkpoint? = nil,
        file place: StaticString = #fileID,
        line: UInt = #line
    ) async throws -> Receipt {
        switch await attempt(file, recorder, to: destination, from: checkpoint) {
        case .success(.delivered(let receipt)): return receipt
        case .success(.handedOver):
            throw BrokenPromise("expected a delivery to the end, it was handed over", file: place, line: line)
        case .failure(let failure): throw BrokenPromise("expected a delivery, found: \(failure)", file: place, line: line)
        }
    }

    /// An attempt that must fail.
    @discardableResult
    package func failure(
        _ file: OutgoingFile,
        _ recorder: RecordingContext,
        to destination: any Destination,
        from checkpoint: Checkpoint? = nil,
        file place: StaticString = #fileID,
        line: UInt = #line
    ) async throws -> DeliveryFailure {
        switch await attempt(file, recorder, to: destination, from: checkpoint) {
        case .success(let outcome): throw BrokenPromise("expected a failure, it was delivered: \(outcome)", file: place, line: line)
        case .failure(let failure):
            try expect(
                !failure.code.isEmpty && !failure.attempt.isEmpty && !failure.cause.isEmpty, "a failure says nothing: \(failure)",
                file: place, line: line)
            return failure
        }
    }

    /// The partner sees exactly this.
    package func expectVisible(_ expected: [DeliveryKey: SeenObject], file: StaticString = #fileID, line: UInt = #line) async throws
    {
        let seen = try await harness.visible()
        guard seen != expected else { return }
        let missing = expected.keys.filter { seen[$0] == nil }.map { VisibleText.escaped($0.description) }
        let extra = seen.keys.filter { expected[$0] == nil }.map { VisibleText.escaped($0.description) }
        let wrong = expected.filter { seen[$0.key] != nil && seen[$0.key] != $0.value }.keys.map {
            VisibleText.escaped($0.description)
        }
        throw BrokenPromise(
            "the partner sees something else: missing \(missing), not expected \(extra), other contents \(wrong)", file: file,
            line: line)
    }

    package func expectNothingVisible(file: StaticString = #fileID, line: UInt = #line) async throws {
        try await expectVisible([:], file: file, line: line)
    }

    /// Nothing half-done is left.
    package func expectTidy(file: StaticString = #fileID, line: UInt = #line) async throws {
        let leftovers = try await harness.leftovers()
        try expect(leftovers.isEmpty, "half-done things are left: \(leftovers)", file: file, line: line)
    }

    /// What one undisturbed delivery saves, at a key of its own that is told.
    package func checkpoints(of destination: any Destination, at key: DeliveryKey) async throws -> (
        saved: [Checkpoint], object: SeenObject
    ) {
        let file = try file()
        let recorder = RecordingContext(key: key)
        try await deliver(file.outgoing(), recorder, to: destination)
        return (recorder.saved, file.contents)
    }

    /// Delivers until the given save, whose checkpoint is on disk, and there the journal fails: the attempt ends as if the agent had been
    /// stopped.
    ///
    /// - Returns: what was saved; `nil` when the delivery saves less often.
    package func interrupt(
        _ file: TestFile,
        at key: DeliveryKey,
        delivery: DeliveryID,
        afterSave number: Int,
        to destination: any Destination
    ) async throws -> Checkpoint? {
        let recorder = RecordingContext(
            key: key, delivery: delivery,
            whenDurable: { moment async throws(DeliveryFailure) in
                if case .save(number, _) = moment { throw RecordingContext.journalFailure }
            })
        guard case .failure = await attempt(file.outgoing(), recorder, to: destination) else { return nil }
        return recorder.saved.count >= number ? recorder.saved[number - 1] : nil
    }

    /// As many at once as there are jobs.
    package func together(_ count: Int, _ job: @escaping @Sendable (Int) async throws -> Void) async throws {
        try await withThrowingTaskGroup(of: Void.self) { group in
            for index in 0..<count { group.addTask { try await job(index) } }
            try await group.waitForAll()
        }
    }
}

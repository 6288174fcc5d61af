import PouchKit

extension DestinationRequirement {
    static let stopping: [DestinationRequirement] = [
        DestinationRequirement(
            "cancelled-before", "a delivery that was cancelled before it began sends nothing and can be repeated"
        ) { bench in
            let destination = try await bench.destination()
            let (file, key) = (try bench.file(1 << 20), try bench.key("cancelled.bin"))
            let recorder = RecordingContext(key: key)
            let outcome = await withTaskGroup(of: Result<DeliveryOutcome, DeliveryFailure>.self) { group in
                group.cancelAll()
                group.addTask { await bench.attempt(file.outgoing(), recorder, to: destination) }
                return await group.next()
            }
            guard case .failure(let failure) = outcome else {
                throw BrokenPromise("it was delivered all the same", file: #fileID, line: #line)
            }
            try expectRetry(failure)
            try await bench.expectNothingVisible()
            try await repeated(file, recorder, destination, bench)
        },
        DestinationRequirement(
            "cancelled-while-sending",
            "a delivery that is cancelled while it sends stops soon, whole or not at all, and can be repeated"
        ) { bench in
            let (file, key) = (try bench.file(8 << 20), try bench.key("cancelled.bin"))
            let (signals, signal) = AsyncStream.makeStream(of: Void.self)
            // Two minutes for the whole file, where the destination keeps to a pace: it is met half-way.
            let recorder = RecordingContext(
                key: key, limits: TransferBudget.Limits(bytesPerSecond: 1 << 16, atOnce: 1), whenSent: { _ in signal.yield() })
            try await cancel(file, recorder, bench, when: (signals, signal))
        },
        DestinationRequirement(
            "cancelled-at-a-save", "a delivery that is cancelled while it saves ends whole or not at all, and can be repeated"
        ) { bench in
            let (file, key) = (try bench.file(), try bench.key("cancelled.bin"))
            let (signals, signal) = AsyncStream.makeStream(of: Void.self)
            let recorder = RecordingContext(
                key: key,
                whenDurable: { moment async throws(DeliveryFailure) in
                    guard moment.isFirst else { return }
                    signal.yield()
                    // Until the cancellation is here.
                    try? await Task.sleep(for: .seconds(60))
                })
            try await cancel(file, recorder, bench, when: (signals, signal))
        },
        DestinationRequirement("deadline", "an attempt that is out of time gives up, to be repeated, and nothing is seen") {
            bench in
            let destination = try await bench.destination()
            let (file, key) = (try bench.file(4 << 20), try bench.key("late.bin"))
            let recorder = RecordingContext(key: key, limits: TransferBudget.Limits(deadline: .zero))
            try expectRetry(try await bench.failure(file.outgoing(), recorder, to: destination))
            try await bench.expectNothingVisible()
            try await repeated(file, recorder, destination, bench)
        },
    ]

    private static func cancel(
        _ file: TestFile, _ recorder: RecordingContext, _ bench: Bench,
        when signals: (stream: AsyncStream<Void>, signal: AsyncStream<Void>.Continuation)
    ) async throws {
        let destination = try await bench.destination()
        let (outcome, wait) = await withTaskGroup(
            of: Result<DeliveryOutcome, DeliveryFailure>.self, returning: (Result<DeliveryOutcome, DeliveryFailure>?, Duration).self
        ) { group in
            group.addTask {
                // An attempt that ends without a sign is waited for no longer.
                defer { signals.signal.finish() }
                return await bench.attempt(file.outgoing(), recorder, to: destination)
            }
            for await _ in signals.stream { break }
            group.cancelAll()
            let cancelled = ContinuousClock.now
            return (await group.next(), ContinuousClock.now - cancelled)
        }
        // Generous, for machines that do much at once; the whole file takes twice as long at its pace.
        try expect(wait < .seconds(60), "it took \(wait) to stop")
        if case .failure(let failure) = outcome {
            try expectRetry(failure)
            try await bench.expectNothingVisible()
        } else {
            try await bench.expectVisible([recorder.context.key: file.contents])
        }
        try await repeated(file, recorder, destination, bench)
    }

    private static func repeated(
        _ file: TestFile, _ recorder: RecordingContext, _ destination: any Destination, _ bench: Bench
    ) async throws {
        let later = RecordingContext(key: recorder.context.key, delivery: recorder.delivery, attempt: 2)
        try await bench.deliver(file.outgoing(), later, to: destination, from: recorder.saved.last)
        try await bench.expectVisible([recorder.context.key: file.contents])
        try await bench.expectTidy()
    }

    static func expectRetry(_ failure: DeliveryFailure, file: StaticString = #fileID, line: UInt = #line) throws {
        guard case .retry = failure.remedy else {
            throw BrokenPromise("expected a failure that is tried again, found: \(failure)", file: file, line: line)
        }
    }
}

import PouchKit

extension DestinationRequirement {
    static let durability: [DestinationRequirement] = [
        DestinationRequirement("nothing-before-durable", "the partner sees nothing before the delivery is on disk") { bench in
            let destination = try await bench.destination()
            let (file, key) = (try bench.file(), try bench.key("early.bin"))
            let recorder = RecordingContext(
                key: key,
                whenDurable: { moment async throws(DeliveryFailure) in
                    guard moment.isFirst else { return }
                    do { try await bench.expectNothingVisible() } catch { throw failed(error) }
                })
            try await bench.deliver(file.outgoing(), recorder, to: destination)
            try expect(!recorder.saved.isEmpty || recorder.barriers > 0, "nothing was made durable before the file became visible")
            try await bench.expectVisible([key: file.contents])
        },
        DestinationRequirement(
            "failing-journal", "where nothing can be made durable the delivery fails as the journal did, and nothing is seen"
        ) { bench in
            let destination = try await bench.destination()
            let (file, key) = (try bench.file(), try bench.key("unsaved.bin"))
            let recorder = RecordingContext(
                key: key, whenDurable: { _ async throws(DeliveryFailure) in throw RecordingContext.journalFailure })
            let failure = try await bench.failure(file.outgoing(), recorder, to: destination)
            try expect(failure == RecordingContext.journalFailure, "the journal's failure was changed: \(failure)")
            try await bench.expectNothingVisible()
            let later = RecordingContext(key: key, delivery: recorder.delivery, attempt: 2)
            try await bench.deliver(file.outgoing(), later, to: destination, from: nil)
            try await bench.expectVisible([key: file.contents])
        },
        DestinationRequirement("failing-save", "a save that fails ends the attempt at once, whichever it is") { bench in
            let destination = try await bench.destination()
            let key = try bench.key("undisturbed.bin")
            let (saved, object) = try await bench.checkpoints(of: destination, at: key)
            var expected = [key: object]
            for number in saved.indices.map({ $0 + 1 }) {
                let (file, key) = (try bench.file(), try bench.key("save-\(number).bin"))
                let recorder = RecordingContext(
                    key: key,
                    whenDurable: { moment async throws(DeliveryFailure) in
                        if case .save(number, _) = moment { throw RecordingContext.journalFailure }
                    })
                let failure = try await bench.failure(file.outgoing(), recorder, to: destination)
                try expect(failure == RecordingContext.journalFailure, "the journal's failure was changed: \(failure)")
                try expect(recorder.saved.count == number, "something was saved after save \(number) had failed")
                // The journal did not take it: what comes next knows the one before.
                let known = number > 1 ? recorder.saved[number - 2] : nil
                let later = RecordingContext(key: key, delivery: recorder.delivery, attempt: 2)
                try await bench.deliver(file.outgoing(), later, to: destination, from: known)
                expected[key] = file.contents
                try await bench.expectVisible(expected)
            }
        },
        DestinationRequirement(
            "checkpoints-fit", "every checkpoint names the destination's target and one of its stages, and is small"
        ) { bench in
            let destination = try await bench.destination()
            let (saved, _) = try await bench.checkpoints(of: destination, at: bench.key("saved.bin"))
            for checkpoint in saved {
                try expect(checkpoint.target == destination.traits.target, "a checkpoint names the target \(checkpoint.target)")
                try expect(
                    destination.traits.stages.contains { $0.name == checkpoint.stage },
                    "a checkpoint names the stage \(checkpoint.stage)")
                try expect(checkpoint.payload.count < 65_536, "a checkpoint has \(checkpoint.payload.count) bytes")
            }
        },
    ]

    /// A broken promise that is found inside of a save has to leave it as a failure.
    private static func failed(_ error: any Error) -> DeliveryFailure {
        DeliveryFailure(.quarantine, code: "broken-promise", attempt: "keep the promise", cause: "\(error)")
    }
}

extension RecordingContext.Moment {
    var isFirst: Bool {
        switch self {
        case .save(let number, _), .barrier(let number): number == 1
        }
    }
}

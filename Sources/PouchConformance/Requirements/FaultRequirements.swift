import PouchKit

extension DestinationRequirement {
    static let faults: [DestinationRequirement] = [
        DestinationRequirement(
            "lost-reply",
            "where the answer was lost after the effect one copy is left, and it is not said to be confirmed by the answer",
            needs: .lostReplyAfterEffect
        ) { bench in
            let destination = try await bench.destination()
            let (file, key) = (try bench.file(), try bench.key("lost.bin"))
            try await bench.harness.inject(.lostReplyAfterEffect)
            let recorder = RecordingContext(key: key)
            let receipt: Receipt
            switch await bench.attempt(file.outgoing(), recorder, to: destination) {
            case .success(.delivered(let first)): receipt = first
            case .success(.handedOver): throw BrokenPromise("it was handed over", file: #fileID, line: #line)
            case .failure(let failure):
                try expectRetry(failure)
                let later = RecordingContext(key: key, delivery: recorder.delivery, attempt: 2)
                receipt = try await bench.deliver(file.outgoing(), later, to: destination, from: recorder.saved.last)
            }
            try expect(receipt.confirmation != .byAnswer, "it is said to be confirmed by the answer")
            try await bench.expectVisible([key: file.contents])
            try await bench.expectTidy()
        },
        DestinationRequirement(
            "permission", "a missing permission holds the partner and says which, and with it the file arrives",
            needs: .refusePermission
        ) { bench in
            let destination = try await bench.destination()
            let (file, key) = (try bench.file(), try bench.key("refused.bin"))
            try await bench.harness.inject(.refusePermission)
            let recorder = RecordingContext(key: key)
            let failure = try await bench.failure(file.outgoing(), recorder, to: destination)
            try expect(failure.remedy == .hold, "expected a hold, found: \(failure)")
            try expect(failure.hint != nil, "no hint: \(failure)")
            try await bench.harness.heal()
            try await bench.expectNothingVisible()
            try await arrive(file, recorder, destination, bench)
        },
        DestinationRequirement(
            "full-disk", "where there is no room nothing is seen, and the file arrives when there is", needs: .fullDisk
        ) { bench in
            let destination = try await bench.destination()
            let (file, key) = (try bench.file(4 << 20), try bench.key("full.bin"))
            try await bench.harness.inject(.fullDisk)
            let recorder = RecordingContext(key: key)
            let failure = try await bench.failure(file.outgoing(), recorder, to: destination)
            try expect(failure.remedy != .quarantine && failure.remedy != .sourceChanged, "the file is not to blame: \(failure)")
            try await bench.expectNothingVisible()
            try await bench.harness.heal()
            try await arrive(file, recorder, destination, bench)
        },
        DestinationRequirement(
            "cut", "where the connection breaks while the file is sent, it is there whole or not at all", needs: .cut
        ) { bench in
            let destination = try await bench.destination()
            let (file, key) = (try bench.file(4 << 20), try bench.key("cut.bin"))
            try await bench.harness.inject(.cut)
            let recorder = RecordingContext(key: key)
            if case .failure(let failure) = await bench.attempt(file.outgoing(), recorder, to: destination) {
                try expectRetry(failure)
                try await bench.expectNothingVisible()
            }
            try await bench.harness.heal()
            try await arrive(file, recorder, destination, bench)
        },
        DestinationRequirement(
            "cut-large", "where the connection breaks in the middle of a large file, it arrives byte by byte from what was saved",
            needs: .cut
        ) { bench in
            let destination = try await bench.destination()
            let (file, key) = (try bench.file(12 << 20 | 1), try bench.key("large/cut.bin"))
            let recorder = RecordingContext(key: key)
            try await bench.harness.inject(.cut)
            if case .failure(let failure) = await bench.attempt(file.outgoing(), recorder, to: destination, from: nil) {
                try expectRetry(failure)
                try await bench.expectNothingVisible()
            }
            try await bench.harness.heal()
            let later = RecordingContext(key: key, delivery: recorder.delivery, attempt: 2)
            try await bench.deliver(file.outgoing(), later, to: destination, from: recorder.saved.last)
            try await bench.expectVisible([key: file.contents])
            try await bench.expectTidy()
        },
        DestinationRequirement("slow", "a target that takes its time gets the file whole", needs: .slow) { bench in
            let destination = try await bench.destination()
            let (file, key) = (try bench.file(), try bench.key("slow.bin"))
            try await bench.harness.inject(.slow)
            let recorder = RecordingContext(key: key)
            if case .failure(let failure) = await bench.attempt(file.outgoing(), recorder, to: destination) {
                try expectRetry(failure)
            }
            try await bench.harness.heal()
            try await arrive(file, recorder, destination, bench)
        },
    ]

    private static func arrive(
        _ file: TestFile, _ recorder: RecordingContext, _ destination: any Destination, _ bench: Bench
    ) async throws {
        let later = RecordingContext(key: recorder.context.key, delivery: recorder.delivery, attempt: 2)
        try await bench.deliver(file.outgoing(), later, to: destination, from: recorder.saved.last)
        try await bench.expectVisible([recorder.context.key: file.contents])
        try await bench.expectTidy()
    }
}

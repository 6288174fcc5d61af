import PouchKit

extension DestinationRequirement {
    static let sources: [DestinationRequirement] = [
        DestinationRequirement("source-shorter", "a file that is shorter than it was said to be has changed, and nothing is seen") {
            bench in
            let file = try bench.file(100_000)
            try await expectChanged(file.outgoing(size: 150_000), bench)
        },
        DestinationRequirement("source-longer", "a file that is longer than it was said to be has changed, and nothing is seen") {
            bench in
            let file = try bench.file(100_000)
            try await expectChanged(file.outgoing(size: 60_000), bench)
        },
        DestinationRequirement("source-emptied", "a file that was emptied has changed, and nothing is seen") { bench in
            let file = try bench.file(100_000)
            try file.change(to: [])
            try await expectChanged(file.outgoing(), bench)
        },
        DestinationRequirement("source-rewritten", "a file with the same size and other bytes has changed, and nothing is seen") {
            bench in
            let file = try bench.file(100_000)
            try file.change(to: [UInt8](repeating: 7, count: 100_000))
            try await expectChanged(file.outgoing(), bench)
        },
        DestinationRequirement("source-not-verified", "what looking at the file before it becomes visible ends with is passed on") {
            bench in
            let file = try bench.file()
            let looked = file.outgoing(verifyUnchanged: { () throws(DeliveryFailure) in throw TestFile.changed })
            try await expectChanged(looked, bench)
        },
        DestinationRequirement("source-other-bytes", "bytes that are not those of the digests never become visible") { bench in
            let (file, other) = (try bench.file(50_000), try bench.file(50_000))
            let lying = file.outgoing(digests: { () async throws(DeliveryFailure) in try await other.outgoing().digests() })
            let recorder = RecordingContext(key: try bench.key("lying.bin"))
            let failure = try await bench.failure(lying, recorder, to: bench.destination())
            try expect(failure.remedy != .quarantine, "the file can still be delivered: \(failure)")
            try await bench.expectNothingVisible()
        },
        DestinationRequirement("source-unreadable", "what computing the digests ends with is passed on as it is") { bench in
            let file = try bench.file()
            let why = DeliveryFailure(
                .retry(after: .seconds(7)), code: "EIO", attempt: "read the file", cause: "the disk does not answer")
            let broken = file.outgoing(digests: { () async throws(DeliveryFailure) in throw why })
            let key = try bench.key("unreadable.bin")
            let recorder = RecordingContext(key: key)
            let failure = try await bench.failure(broken, recorder, to: bench.destination())
            try expect(failure == why, "it was changed: \(failure)")
            try await bench.expectNothingVisible()
            let later = RecordingContext(key: key, delivery: recorder.delivery, attempt: 2)
            try await bench.deliver(file.outgoing(), later, to: bench.destination(), from: recorder.saved.last)
            try await bench.expectVisible([key: file.contents])
        },
    ]

    private static func expectChanged(_ file: OutgoingFile, _ bench: Bench) async throws {
        let recorder = RecordingContext(key: try bench.key("changed.bin"))
        let failure = try await bench.failure(file, recorder, to: bench.destination())
        try expect(failure.remedy == .sourceChanged, "expected a changed source, found: \(failure)")
        try await bench.expectNothingVisible()
        if let last = recorder.saved.last { await (try bench.destination()).abandon(last) }
        try await bench.expectTidy()
    }
}

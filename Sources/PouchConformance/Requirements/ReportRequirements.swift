import PouchKit

extension DestinationRequirement {
    static let reports: [DestinationRequirement] = [
        DestinationRequirement("progress", "progress never goes beyond the size and ends at it") { bench in
            let destination = try await bench.destination()
            for size in [0, 1, 3 << 20 | 1] {
                let file = try bench.file(size)
                let recorder = RecordingContext(key: try bench.key("progress-\(size)"))
                try await bench.deliver(file.outgoing(), recorder, to: destination)
                let progress = recorder.progress
                try expect(
                    progress.allSatisfy { (0...file.size).contains($0) }, "progress went to \(progress.max() ?? 0) of \(size)")
                try expect(size == 0 || progress.last == file.size, "progress ended at \(progress.last ?? -1) of \(size)")
            }
        },
        DestinationRequirement("receipt", "a receipt names the place, the key, and what each stage did, in order") { bench in
            let destination = try await bench.destination()
            let (file, key) = (try bench.file(), try bench.key("in/receipt.bin"))
            let receipt = try await bench.deliver(file.outgoing(), RecordingContext(key: key), to: destination)
            try expect(receipt.location.contains("://"), "the location is \(receipt.location)")
            try expect(try bench.harness.key(of: receipt) == key, "the key is \(receipt.key)")
            try expect(receipt.confirmation == .byAnswer, "it was confirmed \(receipt.confirmation.rawValue)")
            try expect(
                receipt.stages.map(\.stage) == destination.traits.stages.map(\.name),
                "the stages are \(receipt.stages.map(\.stage)), promised were \(destination.traits.stages.map(\.name))")
            try expect(
                receipt.stages.map(\.identity) == destination.traits.stages.map(\.identity),
                "the identities are not those that were promised")
            for stage in receipt.stages {
                try expect(!stage.facts.isEmpty, "\(stage.stage) has no facts")
                try expect(
                    stage.requests > 0 && stage.milliseconds >= 0,
                    "\(stage.stage) took \(stage.requests) requests, \(stage.milliseconds) ms")
            }
        },
        DestinationRequirement("traits", "what a destination says of itself does not change, and names its target and its stages") {
            bench in
            let destination = try await bench.destination()
            let before = destination.traits
            try await bench.deliver(bench.file().outgoing(), RecordingContext(key: bench.key("traits.bin")), to: destination)
            try expect(destination.traits == before, "they changed with a delivery")
            try expect(
                try await bench.destination().traits == before, "another instance with the same settings says something else")
            try expect(
                !before.stages.isEmpty && Set(before.stages.map(\.name)).count == before.stages.count,
                "the stages are \(before.stages)")
            try expect(!before.target.description.isEmpty, "the target has no name")
            try expect(!before.handsOver, "a destination that delivers to the end hands over")
        },
        DestinationRequirement("check-healthy", "a healthy target has nothing wrong, and looking at it leaves nothing there") {
            bench in
            let destination = try await bench.destination()
            let wrong = await destination.check().filter { $0.severity == .failure || $0.severity == .warning }
            try expect(wrong.isEmpty, "found \(wrong.map(\.text))")
            try await bench.expectNothingVisible()
            try await bench.expectTidy()
        },
        DestinationRequirement("check-broken", "what is wrong with a target is found, with a hint for whoever must act") { bench in
            let destination = try await bench.destination()
            try await bench.harness.breakTarget()
            let failures = await destination.check().filter { $0.severity == .failure }
            try expect(!failures.isEmpty, "nothing was found")
            try expect(failures.contains { $0.hint != nil }, "no hint in \(failures.map(\.text))")
            let recorder = RecordingContext(key: try bench.key("broken.bin"))
            let failure = try await bench.failure(bench.file().outgoing(), recorder, to: destination)
            try expect(failure.remedy != .quarantine && failure.remedy != .sourceChanged, "the file is not to blame: \(failure)")
        },
        DestinationRequirement("largest-file", "a file above the largest is refused before it is sent, and never called damaged") {
            bench in
            let destination = try await bench.destination()
            guard let largest = destination.traits.largestFile else { return }
            let file = try bench.file(10)
            let recorder = RecordingContext(key: try bench.key("large.bin"))
            let failure = try await bench.failure(file.outgoing(size: largest + 1), recorder, to: destination)
            try expect(failure.remedy == .hold || failure.remedy == .quarantine, "expected a hold, found: \(failure)")
            try await bench.expectNothingVisible()
        },
    ]
}

package import PouchConformance
import PouchKit
import ProcessDestination

/// Promises of plugins alone, beyond those of every destination.
package enum PluginRequirements {
    package static let all: [DestinationRequirement] = [
        DestinationRequirement(
            "killed-anywhere",
            "a plugin that is killed at any moment of a delivery leaves, after the next attempt, one copy and nothing else"
        ) { bench in
            let harness = try harness(of: bench)
            let destination = try harness.plugged()
            let key = try bench.key("undisturbed.bin")
            _ = harness.heard()
            let (_, object) = try await bench.checkpoints(of: destination, at: key)
            var expected = [key: object]
            for (moment, count) in counted(harness.heard()) {
                for number in 1...count {
                    let (file, key) = (try bench.file(200_000), try bench.key("killed-at-\(moment)-\(number).bin"))
                    harness.kill(at: number, of: [moment])
                    let recorder = RecordingContext(key: key)
                    _ = await bench.attempt(file.outgoing(), recorder, to: destination)
                    try await harness.heal()
                    let later = RecordingContext(key: key, delivery: recorder.delivery, attempt: 2)
                    try await bench.deliver(file.outgoing(), later, to: destination, from: recorder.saved.last)
                    expected[key] = file.contents
                    try await bench.expectVisible(expected)
                    try await bench.expectTidy()
                }
            }
        },
        DestinationRequirement("huge", "a file of 100 MiB, or of the largest size, arrives") { bench in
            let destination = try await bench.destination()
            let size = min(100 << 20, destination.traits.largestFile.map { Int(clamping: $0) } ?? .max)
            let file = try TestFile([UInt8](repeating: 0x2E, count: size), in: bench.folder)
            let key = try bench.key("huge.bin")
            try await bench.deliver(file.outgoing(), RecordingContext(key: key), to: destination)
            try await bench.expectVisible([key: file.contents])
            try await bench.expectTidy()
        },
        DestinationRequirement("one-at-a-time", "many deliveries one after the other arrive through one running plugin") { bench in
            let destination = try harness(of: bench).plugged()
            var expected: [DeliveryKey: SeenObject] = [:]
            var numbers: Set<Int32?> = []
            for index in 0..<20 {
                let (file, key) = (try bench.file(100), try bench.key("row/\(index).bin"))
                try await bench.deliver(file.outgoing(), RecordingContext(key: key), to: destination)
                numbers.insert(await destination.processNumber)
                expected[key] = file.contents
            }
            try await bench.expectVisible(expected)
            guard numbers.count == 1 else {
                throw BrokenPromise("the plugin ended \(numbers.count - 1) times in 20 deliveries", file: #fileID, line: #line)
            }
        },
        DestinationRequirement("abandon-unknown", "giving up a delivery that it never saw does no harm") { bench in
            let destination = try harness(of: bench).plugged()
            let (file, key) = (try bench.file(), try bench.key("there.bin"))
            let recorder = RecordingContext(key: key)
            try await bench.deliver(file.outgoing(), recorder, to: destination)
            await destination.abandonUnknown(.random())
            try await bench.deliver(bench.file().outgoing(), RecordingContext(key: bench.key("later.bin")), to: destination)
            try await bench.expectTidy()
            guard try await bench.harness.visible()[key] == file.contents else {
                throw BrokenPromise("what was delivered before is gone", file: #fileID, line: #line)
            }
        },
    ]

    private static func harness(of bench: Bench) throws -> PluginHarness {
        guard let harness = bench.harness as? PluginHarness else {
            throw BrokenPromise("this is a promise of plugins", file: #fileID, line: #line)
        }
        return harness
    }

    /// Of progress the first is enough: a plugin may say as much as it likes.
    private static func counted(_ heard: [PluginInterference.Moment]) -> [(PluginInterference.Moment, Int)] {
        let order: [PluginInterference.Moment] = [.progress, .checkpoint, .ready, .done]
        return order.compactMap { moment in
            let count = heard.count { $0 == moment }
            return count == 0 ? nil : (moment, moment == .progress ? 1 : count)
        }
    }
}

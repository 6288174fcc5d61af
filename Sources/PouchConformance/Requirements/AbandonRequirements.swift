import PouchKit

extension DestinationRequirement {
    static let abandoning: [DestinationRequirement] = [
        DestinationRequirement("abandon-anywhere", "a delivery that is given up after any save leaves nothing half-done") { bench in
            let destination = try await bench.destination()
            let key = try bench.key("undisturbed.bin")
            let (saved, object) = try await bench.checkpoints(of: destination, at: key)
            for number in saved.indices.map({ $0 + 1 }) {
                let (file, key) = (try bench.file(), try bench.key("given-up-\(number).bin"))
                let checkpoint = try await bench.interrupt(file, at: key, delivery: .random(), afterSave: number, to: destination)
                if let checkpoint { await destination.abandon(checkpoint) }
                try await bench.expectTidy()
            }
            let seen = try await bench.harness.visible()
            try expect(seen[key] == object, "what was delivered before is gone")
        },
        DestinationRequirement("abandon-twice", "giving up twice, or what was never begun, does no harm") { bench in
            let destination = try await bench.destination()
            let (file, key, delivery) = (try bench.file(), try bench.key("given-up.bin"), DeliveryID.random())
            if let checkpoint = try await bench.interrupt(file, at: key, delivery: delivery, afterSave: 1, to: destination) {
                await destination.abandon(checkpoint)
                await destination.abandon(checkpoint)
                await destination.abandon(
                    Checkpoint(stage: checkpoint.stage, version: 9_999, target: checkpoint.target, payload: [0, 1, 2]))
            }
            try await bench.expectTidy()
            let later = RecordingContext(key: key, delivery: delivery, attempt: 2)
            try await bench.deliver(file.outgoing(), later, to: destination)
            try await bench.expectVisible([key: file.contents])
        },
        DestinationRequirement(
            "abandon-spares-the-visible", "giving up never removes what the partner sees, whichever checkpoint it is given"
        ) { bench in
            let destination = try await bench.destination()
            let (file, key) = (try bench.file(), try bench.key("delivered.bin"))
            let recorder = RecordingContext(key: key)
            try await bench.deliver(file.outgoing(), recorder, to: destination)
            for checkpoint in recorder.saved { await destination.abandon(checkpoint) }
            try await bench.expectVisible([key: file.contents])
            try await bench.expectTidy()
        },
        DestinationRequirement("abandon-spares-others", "giving up one delivery leaves another of the same key alone") { bench in
            let destination = try await bench.destination()
            let (first, second, key) = (try bench.file(), try bench.file(), try bench.key("shared.bin"))
            let (one, two) = (DeliveryID.random(), DeliveryID.random())
            let given = try await bench.interrupt(first, at: key, delivery: one, afterSave: 1, to: destination)
            let kept = try await bench.interrupt(second, at: key, delivery: two, afterSave: 1, to: destination)
            if let given { await destination.abandon(given) }
            let later = RecordingContext(key: key, delivery: two, attempt: 2)
            try await bench.deliver(second.outgoing(), later, to: destination, from: kept)
            try await bench.expectVisible([key: second.contents])
            try await bench.expectTidy()
        },
    ]
}

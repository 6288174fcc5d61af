import PouchKit

extension DestinationRequirement {
    static let repetition: [DestinationRequirement] = [
        again("again-from-last", "a delivery that is delivered again from its last checkpoint leaves one copy") { $0.last },
        again("again-from-first", "a delivery that is delivered again from its first checkpoint leaves one copy") { $0.first },
        again("again-from-nothing", "a delivery that is delivered again without a checkpoint leaves one copy") { _ in nil },
        DestinationRequirement(
            "resumed-anywhere", "a delivery that was stopped after any save, and goes on from there, leaves one copy"
        ) { bench in
            let destination = try await bench.destination()
            let (first, count) = try await firstDelivery(bench, destination)
            var expected = first
            try expect(count > 0, "nothing is saved before the file is visible")
            for number in 1...count {
                let (file, key, delivery) = (try bench.file(), try bench.key("stopped-\(number).bin"), DeliveryID.random())
                let checkpoint = try await bench.interrupt(file, at: key, delivery: delivery, afterSave: number, to: destination)
                try expect(checkpoint != nil, "save \(number) was not reached, or its failure was not passed on")
                for attempt in 2...3 {
                    let recorder = RecordingContext(key: key, delivery: delivery, attempt: attempt)
                    try await bench.deliver(file.outgoing(), recorder, to: destination, from: checkpoint)
                    expected[key] = file.contents
                    try await bench.expectVisible(expected)
                }
            }
            try await bench.expectTidy()
        },
        DestinationRequirement("resumed-elsewhere", "another process that gets the checkpoint goes on with it") { bench in
            let (file, key, delivery) = (try bench.file(), try bench.key("moved.bin"), DeliveryID.random())
            let checkpoint = try await bench.interrupt(file, at: key, delivery: delivery, afterSave: 1, to: bench.destination())
            let recorder = RecordingContext(key: key, delivery: delivery, attempt: 2)
            try await bench.deliver(file.outgoing(), recorder, to: bench.destination(), from: checkpoint)
            try await bench.expectVisible([key: file.contents])
        },
        unreadable("checkpoint-of-tomorrow", "a checkpoint of an unknown version starts the delivery again, and leaves one copy") {
            Checkpoint(stage: $0.stage, version: 9_999, target: $0.target, payload: $0.payload)
        },
        unreadable("checkpoint-damaged", "a checkpoint that cannot be read starts the delivery again, and leaves one copy") {
            Checkpoint(stage: $0.stage, version: $0.version, target: $0.target, payload: [0xFF, 0x7B, 0x22, 0x00])
        },
        DestinationRequirement("again-where-fail", "with `when-taken: fail` a delivery recognises its own file", where: .fail) {
            bench in
            try await repeated(bench, .fail)
        },
        DestinationRequirement(
            "again-where-replace", "with `when-taken: replace` a delivery that is repeated leaves one copy", where: .replace
        ) {
            bench in
            try await repeated(bench, .replace)
        },
        DestinationRequirement(
            "stopped-where-replace",
            "with `when-taken: replace` a delivery that was stopped after any save does not take what it was to replace for its own",
            where: .replace
        ) { bench in
            let destination = try await bench.destination(.replace)
            let (first, count) = try await firstDelivery(bench, destination)
            var expected = first
            for number in 1...max(count, 1) {
                let (file, key, delivery) = (try bench.file(), try bench.key("yesterday-\(number).bin"), DeliveryID.random())
                // Of the same size: that says nothing of whose it is.
                try await bench.harness.occupy(key, with: [UInt8](repeating: 0x79, count: Int(file.contents.size)))
                let checkpoint = try await bench.interrupt(file, at: key, delivery: delivery, afterSave: number, to: destination)
                let recorder = RecordingContext(key: key, delivery: delivery, attempt: 2)
                try await bench.deliver(file.outgoing(), recorder, to: destination, from: checkpoint)
                expected[key] = file.contents
                try await bench.expectVisible(expected)
            }
            try await bench.expectTidy()
        },
    ]

    private static func firstDelivery(
        _ bench: Bench, _ destination: any Destination
    ) async throws -> (visible: [DeliveryKey: SeenObject], saves: Int) {
        let key = try bench.key("undisturbed.bin")
        let (saved, object) = try await bench.checkpoints(of: destination, at: key)
        return ([key: object], saved.count)
    }

    private static func again(
        _ id: String, _ sentence: String, _ choose: @escaping @Sendable ([Checkpoint]) -> Checkpoint?
    ) -> DestinationRequirement {
        DestinationRequirement(id, sentence) { bench in
            let destination = try await bench.destination()
            let (file, key) = (try bench.file(), try bench.key("again/file.bin"))
            let first = RecordingContext(key: key)
            let receipt = try await bench.deliver(file.outgoing(), first, to: destination)
            for attempt in 2...3 {
                let next = RecordingContext(key: key, delivery: first.delivery, attempt: attempt)
                let repeated = try await bench.deliver(file.outgoing(), next, to: destination, from: choose(first.saved))
                try expect(repeated.key == receipt.key, "the second receipt names \(repeated.key), the first \(receipt.key)")
            }
            try await bench.expectVisible([key: file.contents])
            try await bench.expectTidy()
        }
    }

    private static func unreadable(
        _ id: String, _ sentence: String, _ spoil: @escaping @Sendable (Checkpoint) -> Checkpoint
    ) -> DestinationRequirement {
        DestinationRequirement(id, sentence) { bench in
            let destination = try await bench.destination()
            let (file, key, delivery) = (try bench.file(), try bench.key("spoiled.bin"), DeliveryID.random())
            guard let checkpoint = try await bench.interrupt(file, at: key, delivery: delivery, afterSave: 1, to: destination)
            else {
                throw BrokenPromise("nothing is saved before the file is visible", file: #fileID, line: #line)
            }
            let recorder = RecordingContext(key: key, delivery: delivery, attempt: 2)
            try await bench.deliver(file.outgoing(), recorder, to: destination, from: spoil(checkpoint))
            try await bench.expectVisible([key: file.contents])
        }
    }

    private static func repeated(_ bench: Bench, _ whenTaken: WhenTaken) async throws {
        let destination = try await bench.destination(whenTaken)
        let (file, key) = (try bench.file(), try bench.key("again.bin"))
        let first = RecordingContext(key: key)
        try await bench.deliver(file.outgoing(), first, to: destination)
        let second = RecordingContext(key: key, delivery: first.delivery, attempt: 2)
        try await bench.deliver(file.outgoing(), second, to: destination, from: first.saved.last)
        try await bench.expectVisible([key: file.contents])
    }
}

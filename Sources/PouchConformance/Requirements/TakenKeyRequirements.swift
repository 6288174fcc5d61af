import PouchKit

extension DestinationRequirement {
    private static let stranger = Array("a stranger's".utf8)

    static let takenKeys: [DestinationRequirement] = [
        DestinationRequirement("taken-suffix", "beside a stranger's object the file arrives under the suffixed key", where: .suffix)
        { bench in
            let (file, key) = (try bench.file(), try bench.key("in/taken.tar.gz"))
            try await bench.harness.occupy(key, with: stranger)
            let recorder = RecordingContext(key: key)
            let receipt = try await bench.deliver(file.outgoing(), recorder, to: bench.destination(.suffix))
            let suffixed = key.suffixed(for: recorder.delivery)
            try expect(try bench.harness.key(of: receipt) == suffixed, "the receipt names \(receipt.key)")
            try await bench.expectVisible([key: SeenObject(stranger), suffixed: file.contents])
        },
        DestinationRequirement(
            "taken-suffix-again", "a delivery that went to its suffixed key finds itself there when it is repeated", where: .suffix
        ) { bench in
            let destination = try await bench.destination(.suffix)
            let (file, key) = (try bench.file(), try bench.key("taken.csv"))
            try await bench.harness.occupy(key, with: stranger)
            let first = RecordingContext(key: key)
            try await bench.deliver(file.outgoing(), first, to: destination)
            for checkpoint in [first.saved.last, first.saved.first, nil] {
                let next = RecordingContext(key: key, delivery: first.delivery, attempt: 2)
                try await bench.deliver(file.outgoing(), next, to: destination, from: checkpoint)
            }
            try await bench.expectVisible([key: SeenObject(stranger), key.suffixed(for: first.delivery): file.contents])
        },
        DestinationRequirement("taken-long", "a suffixed key of a long name is cut so that it fits", where: .suffix) { bench in
            let (file, key) = (try bench.file(), try bench.key(String(repeating: "ü", count: 100) + ".csv"))
            try await bench.harness.occupy(key, with: stranger)
            let recorder = RecordingContext(key: key)
            try await bench.deliver(file.outgoing(), recorder, to: bench.destination(.suffix))
            try await bench.expectVisible([key: SeenObject(stranger), key.suffixed(for: recorder.delivery): file.contents])
        },
        DestinationRequirement(
            "taken-fail", "with `fail` a taken key quarantines the file, and the stranger's object stays", where: .fail
        ) {
            bench in
            let (file, key) = (try bench.file(), try bench.key("taken.csv"))
            try await bench.harness.occupy(key, with: stranger)
            let failure = try await bench.failure(file.outgoing(), RecordingContext(key: key), to: bench.destination(.fail))
            try expect(failure.remedy == .quarantine, "expected a quarantine, found: \(failure)")
            try await bench.expectVisible([key: SeenObject(stranger)])
            try await bench.expectTidy()
        },
        DestinationRequirement("taken-replace", "with `replace` the file takes the place of what was there", where: .replace) {
            bench in
            let (file, key) = (try bench.file(), try bench.key("taken.csv"))
            try await bench.harness.occupy(key, with: stranger)
            try await bench.deliver(file.outgoing(), RecordingContext(key: key), to: bench.destination(.replace))
            try await bench.expectVisible([key: file.contents])
        },
        DestinationRequirement(
            "taken-by-a-twin", "a stranger's object is not taken for ours because it has the same bytes", where: .suffix
        ) {
            bench in
            var generator = SeededGenerator(seed: 5)
            let bytes = generator.bytes(5_000)
            let (file, key) = (try TestFile(bytes, in: bench.folder), try bench.key("twin.bin"))
            try await bench.harness.occupy(key, with: bytes)
            let recorder = RecordingContext(key: key)
            try await bench.deliver(file.outgoing(), recorder, to: bench.destination(.suffix))
            try await bench.expectVisible([key: file.contents, key.suffixed(for: recorder.delivery): file.contents])
        },
        DestinationRequirement("taken-by-another", "two deliveries of one key, one after the other, are both there", where: .suffix)
        { bench in
            let destination = try await bench.destination(.suffix)
            let (first, second, key) = (try bench.file(), try bench.file(), try bench.key("daily.csv"))
            try await bench.deliver(first.outgoing(), RecordingContext(key: key), to: destination)
            let recorder = RecordingContext(key: key)
            try await bench.deliver(second.outgoing(), recorder, to: destination)
            try await bench.expectVisible([key: first.contents, key.suffixed(for: recorder.delivery): second.contents])
        },
        DestinationRequirement(
            "taken-at-once", "eight deliveries of one key at once are all there, each under a key of its own", where: .suffix
        ) {
            bench in
            let destination = try await bench.destination(.suffix)
            let (files, key) = (try (0..<8).map { _ in try bench.file() }, try bench.key("busy/same.csv"))
            try await bench.together(8) { index in
                try await bench.deliver(files[index].outgoing(), RecordingContext(key: key), to: destination)
            }
            let seen = try await bench.harness.visible()
            try expect(seen.count == 8, "\(seen.count) of 8 are there")
            try expect(Set(seen.values) == Set(files.map(\.contents)), "not each of the files is there")
            try expect(seen[key] != nil, "nobody has the key itself")
        },
        DestinationRequirement(
            "taken-at-once-fail", "with `fail`, of eight deliveries of one key at once one arrives and seven are quarantined",
            where: .fail
        ) { bench in
            let destination = try await bench.destination(.fail)
            let (files, key) = (try (0..<8).map { _ in try bench.file() }, try bench.key("busy/one.csv"))
            try await bench.together(8) { index in
                guard
                    case .failure(let failure) = await bench.attempt(
                        files[index].outgoing(), RecordingContext(key: key), to: destination)
                else { return }
                try expect(failure.remedy == .quarantine, "expected a quarantine, found: \(failure)")
            }
            let seen = try await bench.harness.visible()
            try expect(
                seen.count == 1 && seen[key].map(Set(files.map(\.contents)).contains) == true, "there are \(seen.count) objects")
            try await bench.expectTidy()
        },
    ]
}

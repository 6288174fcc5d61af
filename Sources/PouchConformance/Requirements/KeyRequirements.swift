import PouchKit

extension DestinationRequirement {
    static let keys: [DestinationRequirement] = [
        DestinationRequirement("key-as-given", "the file arrives under its key, and the folders of the key are made") { bench in
            try await arrive(
                ["top.csv", "a/b/c/d/e/f/deep.csv", "a/b/beside.csv", ".hidden/.file", "-dash/--", "no.ext/x.tar.gz"], bench)
        },
        DestinationRequirement("key-characters", "spaces, umlauts and the characters of URLs and shells stay what they are") {
            bench in
            try await arrive(
                [
                    "a b/c d.csv", " leading/trailing ", "100%.csv", "%2e%2e/%2F", "a+b&c=d.csv", "#hash?query", "semi;colon,comma",
                    "~tilde/*?[x]",
                    "quote'\"", "back\\slash", "dot.", "{name}", "$HOME/`id`", "<a>&amp;", "ü ö/ß.csv", "日本語.txt", "💥/👩‍👩‍👧",
                    "\u{202E}fdp.exe",
                ], bench)
        },
        DestinationRequirement("key-lookalikes", "keys that differ in case or in the form of an umlaut are different keys") {
            bench in
            try await arrive(["A.txt", "a.txt", "\u{E4}.txt", "a\u{308}.txt", "x/\u{E4}/1", "x/a\u{308}/1"], bench)
        },
        DestinationRequirement(
            "key-naughty", "of the names that hurt programs each arrives as it is, or is refused for good and nothing is seen"
        ) { bench in
            let destination = try await bench.destination()
            let file = try bench.file(64)
            let keys = try bench.harness.hostileNames().enumerated().compactMap { try? DeliveryKey("naughty/\($0)/\($1)") }
            let arrived = Arrivals()
            // Eight at a time: there are hundreds.
            try await bench.together(8) { lane in
                for key in keys.enumerated().filter({ $0.offset % 8 == lane }).map(\.element) {
                    let recorder = RecordingContext(key: key)
                    switch await bench.attempt(file.outgoing(), recorder, to: destination) {
                    case .success: await arrived.add(key)
                    case .failure(let failure):
                        try expect(
                            failure.remedy == .quarantine,
                            "'\(VisibleText.escaped(key.description))' was refused, not for good: \(failure)")
                    }
                }
            }
            let expected = await arrived.keys.map { ($0, file.contents) }
            try expect(expected.count * 10 > keys.count * 9, "only \(expected.count) of \(keys.count) names arrived")
            try await bench.expectVisible(Dictionary(uniqueKeysWithValues: expected))
        },
        DestinationRequirement("key-longest", "a part of 255 bytes and a key of 1,000 arrive, or are refused for good") { bench in
            let destination = try await bench.destination()
            let file = try bench.file(10)
            var expected: [DeliveryKey: SeenObject] = [:]
            for text in [
                String(repeating: "n", count: 255), String(repeating: "ü", count: 127), String(repeating: "f/", count: 480) + "x",
                String(repeating: "l", count: 600),
            ] {
                let key = try bench.key(text)
                switch await bench.attempt(file.outgoing(), RecordingContext(key: key), to: destination) {
                case .success: expected[key] = file.contents
                case .failure(let failure):
                    try expect(failure.remedy == .quarantine, "expected a refusal for good, found: \(failure)")
                }
            }
            try await bench.expectVisible(expected)
            try await bench.expectTidy()
        },
    ]

    private static func arrive(_ texts: [String], _ bench: Bench) async throws {
        let destination = try await bench.destination()
        var expected: [DeliveryKey: SeenObject] = [:]
        for text in texts {
            let key = try bench.key(text)
            let file = try bench.file(100)
            let receipt = try await bench.deliver(file.outgoing(), RecordingContext(key: key), to: destination)
            try expect(try bench.harness.key(of: receipt) == key, "the receipt names \(receipt.key) for \(key)")
            expected[key] = file.contents
        }
        try await bench.expectVisible(expected)
    }
}

private actor Arrivals {
    private(set) var keys: [DeliveryKey] = []

    func add(_ key: DeliveryKey) { keys.append(key) }
}

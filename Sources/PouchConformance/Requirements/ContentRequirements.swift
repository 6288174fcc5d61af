import Glibc
import PouchKit

extension DestinationRequirement {
    static let contents: [DestinationRequirement] = [
        sized("no-bytes", "an empty file arrives as an empty file", 0),
        sized("one-byte", "a file of one byte arrives", 1),
        sized("odd-size", "a file of 5 MiB and one byte arrives byte by byte", 5 << 20 | 1),
        DestinationRequirement("many-at-once", "32 deliveries at once all arrive, each with its own bytes") { bench in
            let destination = try await bench.destination()
            let files = try (0..<32).map { try bench.file(2_000 + $0) }
            try await bench.together(32) { index in
                let recorder = RecordingContext(key: try bench.key("many/\(index % 4)/file-\(index).bin"))
                try await bench.deliver(files[index].outgoing(), recorder, to: destination)
            }
            let expected = try files.enumerated().map { (try bench.key("many/\($0 % 4)/file-\($0).bin"), $1.contents) }
            try await bench.expectVisible(Dictionary(uniqueKeysWithValues: expected))
            try await bench.expectTidy()
        },
        DestinationRequirement(
            "descriptor-left-alone", "the lent descriptor is neither moved nor closed, also while others read it"
        ) { bench in
            let destination = try await bench.destination()
            let file = try bench.file(300_000)
            let lent = file.outgoing()
            lseek(lent.descriptor, 3, SEEK_SET)
            try await bench.together(4) { index in
                try await bench.deliver(lent, RecordingContext(key: try bench.key("copy-\(index)")), to: destination)
            }
            try expect(fcntl(lent.descriptor, F_GETFD) >= 0, "the descriptor was closed")
            try expect(lseek(lent.descriptor, 0, SEEK_CUR) == 3, "the descriptor's offset was moved")
            let expected = try (0..<4).map { (try bench.key("copy-\($0)"), file.contents) }
            try await bench.expectVisible(Dictionary(uniqueKeysWithValues: expected))
        },
        DestinationRequirement("tidy", "a delivery leaves nothing half-done behind") { bench in
            let file = try bench.file()
            try await bench.deliver(file.outgoing(), RecordingContext(key: bench.key("tidy.bin")), to: bench.destination())
            try await bench.expectTidy()
        },
    ]

    private static func sized(_ id: String, _ sentence: String, _ size: Int) -> DestinationRequirement {
        DestinationRequirement(id, sentence) { bench in
            let file = try bench.file(size)
            let key = try bench.key("sizes/\(size).bin")
            try await bench.deliver(file.outgoing(), RecordingContext(key: key), to: bench.destination())
            try await bench.expectVisible([key: file.contents])
        }
    }
}

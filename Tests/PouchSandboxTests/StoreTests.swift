import Glibc
import PouchKit
import PouchSandbox
import PouchTestSupport
import Testing

@Suite("The store")
struct StoreTests {
    private func object(_ key: String, version: String, file: String? = nil, bucket: String = "b") -> StoredObject {
        StoredObject(
            bucket: bucket, key: ObjectKey(key), version: version,
            body: StoredBody(extents: file.map { [Extent(file: $0, offset: 0, length: 1, crc64nvme: CRC64NVME(0))] } ?? []),
            etag: "e", modified: House.now, owner: "111111111111", writer: "w", attributes: ObjectAttributes(), checksum: nil)
    }

    private func put(_ object: StoredObject, in store: ObjectStore) throws {
        try store.change { _ throws(Refusal) in (changes: [.put(object)], answer: ()) }
    }

    @Test("history is read back in order, and a line that was cut is left out")
    func history() throws {
        let folder = try TemporaryFolder("store")
        do {
            let store = try ObjectStore(folder: folder.path("s"))
            for version in ["1", "2", "3"] { try put(object("k", version: version), in: store) }
            try put(object("a", version: "1"), in: store)
            try store.change { _ throws(Refusal) in
                (changes: [.remove(bucket: "b", key: ObjectKey("k"), version: "2")], answer: ())
            }
        }
        let log = try folder.read("s/objects.jsonl")
        try folder.write(log + Array("{\"put\":{".utf8), to: "s/objects.jsonl")
        let again = try ObjectStore(folder: folder.path("s"))
        #expect(again.versions("b", ObjectKey("k")).map(\.version) == ["3", "1"])
        #expect(again.everything().map(\.key.text) == ["a", "k", "k"])
        #expect(try folder.text("s/objects.jsonl").split(separator: "\n").count == 3, "what was undone is forgotten")
    }

    @Test("files that belong to nothing are removed at the start, others are kept")
    func orphans() throws {
        let folder = try TemporaryFolder("store")
        let file = String(repeating: "a", count: 32)
        do {
            let store = try ObjectStore(folder: folder.path("s"))
            try folder.write("x", to: "s/bodies/\(file)")
            try folder.write("x", to: "s/bodies/\(String(repeating: "b", count: 32))")
            try put(object("k", version: "1", file: file), in: store)
        }
        _ = try ObjectStore(folder: folder.path("s"))
        #expect(try folder.names(in: "s/bodies") == [file])
    }

    @Test("a file goes when its last user goes, be it a reader")
    func lending() async throws {
        let folder = try TemporaryFolder("store")
        let store = try ObjectStore(folder: folder.path("s"))
        let file = String(repeating: "c", count: 32)
        try folder.write("x", to: "s/bodies/\(file)")
        let stored = object("k", version: "null", file: file)
        try put(stored, in: store)
        try await store.lend(stored.body) {
            try put(object("k", version: "null"), in: store)
            #expect(folder.exists("s/bodies/\(file)"), "somebody still reads it")
        }
        #expect(!folder.exists("s/bodies/\(file)"))
    }

    @Test("keys are bytes: the two spellings of a letter are two keys, and order is the bytes' order")
    func keysAreBytes() throws {
        let folder = try TemporaryFolder("store")
        let store = try ObjectStore(folder: folder.path("s"))
        for key in ["\u{E9}", "e\u{301}", "f", "Z", "😀", "\u{FFFD}"] { try put(object(key, version: "null"), in: store) }
        #expect(store.everything().count == 6)
        #expect(store.everything().map(\.key.text.unicodeScalars.first?.value) == [0x5A, 0x65, 0x66, 0xE9, 0xFFFD, 0x1F600])
    }
}

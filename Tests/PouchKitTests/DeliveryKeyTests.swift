import PouchKit
import PouchTestSupport
import Testing

struct DeliveryKeyTests {
    private static let delivery = DeliveryID(high: 0x3F0C_9A52_C1D8_4BE7, low: 9)

    @Test("a key is parts joined by slashes")
    func isTakenApart() throws {
        let key = try DeliveryKey("a/b c/ü.tar.gz")
        #expect(key.name == "ü.tar.gz")
        #expect(key.folder == "a/b c")
        #expect(try DeliveryKey("top").folder == "")
        #expect(try DeliveryKey("top").name == "top")
    }

    @Test(
        "what could climb out, or could not be a key anywhere, is refused",
        arguments: [
            "", "/a", "a/", "a//b", ".", "..", "a/../b", "a/.", "a\nb", "a\u{7F}", "a\0", String(repeating: "ü", count: 513),
        ])
    func refuses(_ text: String) { #expect(throws: NameError.self) { try DeliveryKey(text) } }

    @Test("1,024 bytes are the longest key")
    func hasALimit() throws { #expect(try DeliveryKey(String(repeating: "ü", count: 512)).description.utf8.count == 1_024) }

    @Test("keys are compared byte by byte")
    func tellsLookalikesApart() throws {
        let (composed, decomposed) = (try DeliveryKey("\u{E4}"), try DeliveryKey("a\u{308}"))
        #expect(composed != decomposed)
        #expect(Set([composed, decomposed]).count == 2)
        #expect(try DeliveryKey("\u{E4}") == composed)
    }

    @Test(
        "the suffix goes between stem and extension",
        arguments: [
            ("a/report.csv", "a/report~3f0c9a52.csv"), ("report.tar.gz", "report.tar~3f0c9a52.gz"), ("README", "README~3f0c9a52"),
            (".bashrc", ".bashrc~3f0c9a52"), ("a.b/c", "a.b/c~3f0c9a52"), ("dot.", "dot~3f0c9a52."), ("..x", ".~3f0c9a52.x"),
        ])
    func isSuffixed(_ key: String, _ expected: String) throws {
        #expect(try DeliveryKey(key).suffixed(for: Self.delivery).description == expected)
    }

    @Test(
        "a suffixed key is a key, whatever it was made of",
        arguments: [
            String(repeating: "n", count: 255), String(repeating: "n", count: 251) + ".csv", String(repeating: "ü", count: 127),
            String(repeating: "n", count: 1_024),
            String(repeating: "f/", count: 500) + "name.csv", String(repeating: "f/", count: 508) + "name.csv",
            String(repeating: "f/", count: 511) + "xy",
            "a." + String(repeating: "e", count: 253), "a." + String(repeating: "e", count: 1_000),
            "👩‍👩‍👧" + String(repeating: "👩‍👩‍👧", count: 12) + ".csv",
            String(repeating: "e\u{301}", count: 85), "x" + String(repeating: "\u{301}", count: 120) + ".csv",
        ])
    func staysAKey(_ text: String) throws {
        let suffixed = try DeliveryKey(text).suffixed(for: Self.delivery)
        #expect(throws: Never.self) { try DeliveryKey(suffixed.description) }
        #expect(suffixed.name.utf8.count <= 255)
        #expect(suffixed.description.utf8.count <= 1_024)
        #expect(suffixed.description.contains("~3f0c9a52"))
    }

    @Test("the suffix keeps two deliveries of one key apart, for any name")
    func staysUnique() throws {
        let other = DeliveryID(high: 1, low: 1)
        for text in try Vectors.naughtyStrings() {
            guard let key = try? DeliveryKey(text) else { continue }
            #expect(key.suffixed(for: Self.delivery) != key.suffixed(for: other))
            #expect(throws: Never.self, "\(VisibleText.escaped(text))") { try DeliveryKey(key.suffixed(for: other).description) }
        }
    }
}

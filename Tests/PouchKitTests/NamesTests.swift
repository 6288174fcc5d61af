import PouchKit
import PouchTestSupport
import Testing

struct NamesTests {
    @Test(
        "a chosen name is a lower-case letter, then letters, digits or dashes",
        arguments: ["a", "acme", "back-office", "s3-", "x9", "a--b", String(repeating: "a", count: 63)])
    func accepts(_ text: String) throws {
        #expect(try PartnerName(text).description == text)
        #expect(try RouteName(text) == RouteName(unchecked: text))
    }

    @Test(
        "anything else is refused, with what was expected",
        arguments: [
            "", "A", "Acme", "9a", "-a", "a_b", "a.b", "a b", "ä", "a\u{301}", "a\n", "a/b", String(repeating: "a", count: 64),
        ])
    func refuses(_ text: String) {
        let error = #expect(throws: NameError.self) { try PartnerName(text) }
        #expect(
            error?.description
                == "'\(text)' is not a name: a lower-case letter, then at most 62 lower-case letters, digits or dashes")
    }

    @Test("names are in the order of their texts")
    func sorts() throws {
        #expect(try [PartnerName("b"), PartnerName("a-1"), PartnerName("a")].sorted().map(\.description) == ["a", "a-1", "b"])
    }

    @Test("a delivery id is 32 lower-case hexadecimal digits and begins with its short form")
    func identifiesDeliveries() throws {
        let id = DeliveryID(high: 0x3F0C_9A52_C1D8_4BE7, low: 9)
        #expect(id.description == "3f0c9a52c1d84be70000000000000009")
        #expect(id.shortForm == "3f0c9a52")
        #expect(try DeliveryID(id.description) == id)
        #expect(DeliveryID.random() != DeliveryID.random())
        for text in [
            "", "3F0C9A52C1D84BE70000000000000009", "3f0c9a52c1d84be7000000000000000", "3f0c9a52c1d84be7000000000000000g",
            "3f0c9a52c1d84be700000000000000099",
        ] {
            #expect(throws: NameError.self) { try DeliveryID(text) }
        }
    }
}

struct DropPathTests {
    @Test("a path knows its name, its parent and its parts")
    func isTakenApart() throws {
        let path = try DropPath("a/b c/ü.csv")
        #expect(path.name == Array("ü.csv".utf8))
        #expect(path.parent?.text == "a/b c")
        #expect(try DropPath("top").parent == nil)
        #expect(path.parts.map { String(decoding: $0, as: UTF8.self) } == ["a", "b c", "ü.csv"])
        #expect(try DropPath("a").appending(name: Array("b".utf8)) == DropPath("a/b"))
    }

    @Test(
        "what could lead out of the folder is no path",
        arguments: ["", "/", "/a", "a/", "a//b", ".", "..", "a/..", "../a", "a/./b", "a\0b"])
    func refuses(_ text: String) { #expect(throws: NameError.self) { try DropPath(text) } }

    @Test("a name with '/' or none cannot be appended", arguments: ["", "a/b", "..", "."])
    func refusesNames(_ name: String) throws {
        let path = try DropPath("a")
        #expect(throws: NameError.self) { try path.appending(name: Array(name.utf8)) }
    }

    @Test("bytes that are not UTF-8 are a path without a text, and can be shown")
    func keepsBytes() throws {
        let path = try DropPath(bytes: [0x61, 0xFF, 0x0A])
        #expect(path.text == nil)
        #expect(path.description == "a\\xff\\u{a}")
        #expect(path.bytes == [0x61, 0xFF, 0x0A])
    }
}

struct VisibleTextTests {
    @Test(
        "what would break a line or deceive a reader is escaped",
        arguments: [
            ("plain ü 日本 💥", "plain ü 日本 💥"), ("a\nb\r\tc", "a\\u{a}b\\u{d}\\u{9}c"), ("\u{1B}[31m", "\\u{1b}[31m"),
            ("\u{202E}fdp", "\\u{202e}fdp"),
            ("a\\b", "a\\\\b"), ("\u{2028}\u{2029}\u{85}\u{7F}\0", "\\u{2028}\\u{2029}\\u{85}\\u{7f}\\u{0}"),
            ("\u{FEFF}\u{200B}", "\\u{feff}\\u{200b}"),
            ("a\u{301}", "a\u{301}"),
        ])
    func escapes(_ text: String, _ shown: String) { #expect(Array(VisibleText.escaped(text).utf8) == Array(shown.utf8)) }

    @Test("bytes that are not UTF-8 are shown one by one")
    func escapesBytes() {
        #expect(VisibleText.escaped([0xC3]) == "\\xc3")
        #expect(VisibleText.escaped([0xC3, 0xBC, 0xE2, 0x82, 0x61, 0xF4, 0x90, 0x80, 0x80]) == "ü\\xe2\\x82a\\xf4\\x90\\x80\\x80")
        #expect(VisibleText.escaped([0xED, 0xA0, 0x80]) == "\\xed\\xa0\\x80")
    }

    @Test("of the names that hurt programs none breaks a line, none moves the cursor, and each can be told from the others")
    func survivesNaughtyNames() throws {
        let texts = try Vectors.naughtyStrings()
        for text in texts {
            let shown = VisibleText.escaped(text)
            #expect(
                shown.unicodeScalars.allSatisfy {
                    ![.control, .format, .lineSeparator, .paragraphSeparator, .surrogate].contains($0.properties.generalCategory)
                })
        }
        let different = Set(texts.map { Array($0.utf8) })
        #expect(Set(different.map { Array(VisibleText.escaped($0).utf8) }).count == different.count)
    }
}

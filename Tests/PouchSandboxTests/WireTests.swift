import PouchKit
import PouchSandbox
import Testing

@Suite("The wire")
struct WireTests {
    @Test("documents are read strictly")
    func xml() throws {
        let text = """
            <?xml version="1.0"?><!-- list --><List xmlns="a" b='>'>
              <Part><Number>1</Number><ETag>&quot;a&amp;b&#x41;&#66;&quot;</ETag><Empty/></Part><Part/></List>
            """
        let root = try #require(XMLElement(Array(text.utf8)))
        #expect(root.name == "List" && root.children.count == 2)
        #expect(root.children[0]["ETag"] == "\"a&bAB\"" && root.children[0]["Number"] == "1")
        for wrong in [
            "", "<a>", "<a></b>", "<a/><b/>", "<a>&nbsp;</a>", "<!DOCTYPE a><a/>", "<a><![CDATA[x]]></a>", "text", "<a",
            "<a b=\"/>",
            "<a>&#xD800;</a>", String(repeating: "<a>", count: 100) + String(repeating: "</a>", count: 100),
        ] {
            #expect(XMLElement(Array(wrong.utf8)) == nil, "\(wrong)")
        }
        #expect(XMLElement([0x3C, 0x61, 0x3E, 0xFF, 0x3C, 0x2F, 0x61, 0x3E]) == nil, "not UTF-8")
    }

    @Test("what is written can be read back")
    func xmlRoundTrip() throws {
        let document = XMLText("Root", namespace: "urn:x") { root in
            root.add("Key", "a<b>&\"c\"\u{1}")
            root.add("Nothing", nil as String?)
            root.add("Inner") { $0.add("Number", 7) }
            root.add("Flag", true)
        }.document
        let root = try #require(XMLElement(document))
        #expect(root["Key"] == "a<b>&\"c\"\u{1}" && root["Nothing"] == nil && root["Flag"] == "true")
        #expect(root.children.first { $0.name == "Inner" }?["Number"] == "7")
    }

    @Test("times are written and read in three forms")
    func times() throws {
        let time = try #require(WireTime.timestamp(basic: "20261123T120501Z"))
        #expect(WireTime.http(time) == "Mon, 23 Nov 2026 12:05:01 GMT")
        #expect(WireTime.timestamp(http: "Mon, 23 Nov 2026 12:05:01 GMT") == time)
        #expect(WireTime.iso8601(time) == "2026-11-23T12:05:01.000Z" && WireTime.iso8601Seconds(time) == "2026-11-23T12:05:01Z")
        #expect(WireTime.timestamp(iso8601: "2026-11-23T12:05:01Z") == time)
        for wrong in ["", "20261123T120501", "20261323T120501Z", "20261123 120501Z", "2026112AT120501Z"] {
            #expect(WireTime.timestamp(basic: wrong) == nil, "\(wrong)")
        }
        #expect(WireTime.timestamp(http: "yesterday") == nil)
    }

    @Test("bucket, key and region are found in host and path")
    func targets() {
        func target(_ host: String, _ path: String) -> String {
            let target = S3Target(host: host, rawPath: path)
            return [target.bucket ?? "-", target.key?.text ?? "-", target.region ?? "-"].joined(separator: " ")
        }
        #expect(target("127.0.0.1:4566", "/b/a%20b//c") == "b a b//c -")
        #expect(target("[::1]:4566", "/b") == "b - -")
        #expect(target("localhost", "/") == "- - -")
        #expect(target("b.localhost:4566", "/k") == "b k -")
        #expect(target("b.c.s3.eu-west-1.amazonaws.com", "/k") == "b.c k eu-west-1")
        #expect(target("s3.eu-west-1.localhost:1", "/b/k/") == "b k/ eu-west-1")
        #expect(target("s3.amazonaws.com", "/b/../k") == "b ../k -")
    }

    @Test("queries are decoded once, and a plus is a plus")
    func queries() {
        let query = QueryParameters("prefix=a%2Bb+c&uploads&x=1=2&%C3%BC=%")
        #expect(query["prefix"] == "a+b+c" && query["uploads"] == "" && query["x"] == "1=2" && query["ü"] == "%")
        #expect(QueryParameters("a=b+c", plusIsSpace: true)["a"] == "b c")
    }

    @Test("listings roll up at the delimiter and go on where they stopped")
    func listings() {
        let keys = ["a", "b/1", "b/2", "b/3", "c", "d/1", "e"].map { ObjectKey($0) }
        func page(after: String?, limit: Int) -> ([String], [String], String?) {
            let rest = keys.filter { key in after.map { ObjectKey($0) < key } ?? true }
            let page = ListingPage(
                rest, prefix: [], delimiter: Array("/".utf8), limit: limit, after: after.map { Array($0.utf8) },
                isShown: { _ in true })
            return (
                page.keys.map(\.text), page.prefixes.map { String(decoding: $0, as: UTF8.self) },
                page.next.map { String(decoding: $0, as: UTF8.self) }
            )
        }
        #expect(page(after: nil, limit: 2) == (["a"], ["b/"], "b/"))
        #expect(page(after: "b/", limit: 2) == (["c"], ["d/"], "d/"))
        #expect(page(after: "d/", limit: 2) == (["e"], [], nil))
        #expect(page(after: nil, limit: 10) == (["a", "c", "e"], ["b/", "d/"], nil))
    }
}

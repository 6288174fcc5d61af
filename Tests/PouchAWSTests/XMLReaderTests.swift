import PouchAWS
import Testing

@Suite("The reader of XML answers")
struct XMLReaderTests {
    @Test("reads an error document, with its name space, entities and characters by number")
    func readsAnErrorDocument() throws {
        let text = """
            <?xml version="1.0" encoding="UTF-8"?>
            <Error xmlns="http://s3.amazonaws.com/doc/2006-03-01/"><Code>AccessDenied</Code>
            <Message>&lt;no&gt; &amp; &quot;never&quot; &#x41;&#66;</Message><Empty/></Error>
            """
        let root = try XMLReader.read(Array(text.utf8))
        #expect(root.name == "Error")
        #expect(root.value("Code") == "AccessDenied")
        #expect(root.value("Message") == "<no> & \"never\" AB")
        #expect(root["Empty"]?.text == "")
        #expect(root.value("Empty") == nil)
    }

    @Test("accepts the white space that S3 sends to keep a connection alive, before the declaration")
    func acceptsKeepAliveSpace() throws {
        let root = try XMLReader.read(Array("   \n\n<?xml version=\"1.0\"?>\n<a>1</a> ".utf8))
        #expect(root.text == "1")
    }

    @Test(
        "refuses what is not well-formed, and what could harm",
        arguments: [
            "", " ", "<a>", "<a></b>", "<a/><b/>", "text", "<a>&nbsp;</a>", "<a>&</a>", "<a>&#0;</a>", "<a>&#xD800;</a>",
            "<!DOCTYPE a [<!ENTITY x \"y\">]><a>&x;</a>", "<a><![CDATA[x]]></a>", "<a b=\"1", "<a b='<'", "<!-- never", "<a></a",
            "</a>",
            "<a b=<c>></a>", "<>", "<a>&#x110000;</a>", "<a>&#99999999999;</a>", "<a/>text",
        ])
    func refuses(_ text: String) {
        #expect(throws: XMLProblem.self) { try XMLReader.read(Array(text.utf8)) }
    }

    @Test("refuses text that is not UTF-8")
    func refusesForeignBytes() {
        #expect(throws: XMLProblem.self) { try XMLReader.read(Array("<a>".utf8) + [0xFF] + Array("</a>".utf8)) }
    }

    @Test("stops at its limits: depth, number of elements, size")
    func stopsAtLimits() {
        let deep = String(repeating: "<a>", count: 100_000)
        #expect(throws: XMLProblem.self) { try XMLReader.read(Array(deep.utf8)) }
        let wide = "<a>" + String(repeating: "<b/>", count: 60_000) + "</a>"
        #expect(throws: XMLProblem.self) { try XMLReader.read(Array(wide.utf8)) }
        var limits = XMLReader.Limits()
        limits.bytes = 4
        #expect(throws: XMLProblem.self) { try XMLReader.read(Array("<a></a>".utf8), limits: limits) }
    }
}

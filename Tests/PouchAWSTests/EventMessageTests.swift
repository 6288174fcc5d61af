import PouchAWS
import PouchKit
import PouchTestSupport
import Testing

@Suite("A message about objects")
struct EventMessageTests {
    private static func record(
        key: String, version: String = "2.1", source: String = "aws:s3", name: String = "ObjectCreated:Put", more: String = ""
    ) -> String {
        """
        {"eventVersion":"\(version)","eventSource":"\(source)","eventName":"\(name)","x":{"new":[1]},
         "s3":{"bucket":{"name":"orga-repository"},"object":{"key":"\(key)"\(more)}}}
        """
    }

    private static func event(_ records: String...) -> String { "{\"Records\":[\(records.joined(separator: ","))]}" }

    private static func notice(_ key: String, version: String? = nil, sequencer: String? = nil) -> ObjectNotice {
        ObjectNotice(bucket: "orga-repository", key: key, versionID: version, sequencer: sequencer.map(Sequencer.init))
    }

    @Test("directly from S3: keys are decoded as in a form, whatever is new in a version 2.x is ignored")
    func direct() {
        let cases = [
            ("acme/0a/report.csv", "acme/0a/report.csv"), ("a+b%2Bc%20d", "a b+c d"), ("%C3%BC%2Fx", "ü/x"), ("a%25b", "a%b"),
            ("ü", "ü"),
        ]
        for (encoded, key) in cases {
            for version in ["2.0", "2.1", "2.99", "2"] {
                let body = Self.event(Self.record(key: encoded, version: version))
                #expect(EventMessage(body: body) == .objects([Self.notice(key)]))
            }
        }
        let full = Self.event(
            Self.record(key: "k", more: #","versionId":"V1","sequencer":"0055AED6DCD90281E5","size":5,"eTag":"e""#),
            Self.record(key: "l", name: "s3:ObjectCreated:CompleteMultipartUpload", more: #","versionId":"","size":null"#))
        #expect(
            EventMessage(body: full)
                == .objects([Self.notice("k", version: "V1", sequencer: "55AED6DCD90281E5"), Self.notice("l")]))
    }

    @Test("through SNS: the same in a text, once")
    func throughSNS() {
        func wrapped(_ text: String) -> String {
            let escaped = text.replacing("\\", with: "\\\\").replacing("\"", with: "\\\"").replacing("\n", with: "\\n")
            return #"{"Type":"Notification","TopicArn":"arn:aws:sns:eu-west-1:1:t","Message":"\#(escaped)"}"#
        }
        let inner = Self.event(Self.record(key: "a+b", more: #","versionId":"V1""#))
        #expect(EventMessage(body: wrapped(inner)) == .objects([Self.notice("a b", version: "V1")]))
        #expect(EventMessage(body: wrapped(#"{"Service":"Amazon S3","Event":"s3:TestEvent"}"#)) == .test)
        #expect(Self.isUnreadable(wrapped(wrapped(inner))))
        #expect(Self.isUnreadable(wrapped("hello")))
    }

    @Test("through EventBridge: keys are not encoded, and the version has another name")
    func throughEventBridge() {
        func event(_ type: String, _ object: String) -> String {
            #"{"version":"0","id":"i","detail-type":"\#(type)","source":"aws.s3","account":"111111111111","#
                + #""detail":{"version":"0","bucket":{"name":"orga-repository"},"object":\#(object),"reason":"PutObject"}}"#
        }
        #expect(
            EventMessage(body: event("Object Created", #"{"key":"a+b%2Bc","version-id":"V1","sequencer":"00AB","size":1}"#))
                == .objects([Self.notice("a+b%2Bc", version: "V1", sequencer: "AB")]))
        #expect(EventMessage(body: event("Object Deleted", #"{"key":"a"}"#)) == .objects([]))
        #expect(Self.isUnreadable(event("Object Created", "{}")))
    }

    @Test("the test event and other kinds of events ask for nothing")
    func nothing() {
        let test = #"{"Service":"Amazon S3","Event":"s3:TestEvent","Time":"t","Bucket":"b","RequestId":"r","HostId":"h"}"#
        #expect(EventMessage(body: test) == .test)
        #expect(EventMessage(body: Self.event(Self.record(key: "k", name: "ObjectRemoved:Delete"))) == .objects([]))
        #expect(EventMessage(body: Self.event()) == .objects([]))
    }

    @Test(
        "what S3 does not send is told from what it sends",
        arguments: [
            "", "hello", "null", "[]", "{}", "{\"Records\":{}}", "{\"Records\":[{}]}", #"{"Type":"Notification"}"#,
            #"{"Event":"s3:TestEvent"}"#, #"{"source":"aws.ec2","detail-type":"Object Created"}"#,
            event(record(key: "k", version: "3.0")), event(record(key: "k", version: "")),
            event(record(key: "k", source: "evil:s3")),
            event(record(key: "%zz")), event(record(key: "%FF")), event(record(key: "")),
            event(record(key: "good"), record(key: "%zz")),
            String(repeating: "[", count: 100_000), "{\"Records\":" + String(repeating: "[", count: 5_000),
        ])
    func unreadable(_ body: String) { #expect(Self.isUnreadable(body)) }

    @Test("hostile texts are read as keys or refused, and nothing breaks")
    func hostile() throws {
        for text in try Vectors.naughtyStrings() {
            _ = EventMessage(body: text)
            let encoded = PercentEncoding.encoded(text)
            let expected: EventMessage = .objects([Self.notice(text)])
            let message = EventMessage(body: Self.event(Self.record(key: encoded)))
            #expect(text.isEmpty ? message != expected : message == expected)
        }
    }

    @Test("samples that others recorded")
    func samples() throws {
        for (name, count) in [
            ("s3-event", 1), ("s3-event-with-decoded", 1), ("s3-glacier-event", 0), ("s3-lifecycle-event", 0),
            ("s3-replication-event", 0), ("s3-restore-event", 0), ("s3-intelligenttier-event", 0),
        ] {
            guard let text = try Vectors.text("events/\(name).json") else { continue }
            guard case .objects(let notices) = EventMessage(body: text) else {
                Issue.record("\(name) is not read")
                continue
            }
            #expect(notices.count == count, "\(name)")
        }
        guard let first = try Vectors.text("events/s3-event.json") else { return }
        let expected = ObjectNotice(
            bucket: "sourcebucket", key: "Happy Face.jpg", versionID: "version", sequencer: Sequencer("Happy Sequencer"))
        #expect(EventMessage(body: first) == .objects([expected]))
        for name in ["sqs-event", "sns-event", "s3-batch-job-event-request-2.0"] {
            if let text = try Vectors.text("events/\(name).json") { #expect(Self.isUnreadable(text), "\(name)") }
        }
    }

    @Test("of several events about one key the latest counts: the shorter sequencer is filled with zeros on the left")
    func order() {
        #expect(Sequencer("9") < Sequencer("10"))
        #expect(Sequencer("00ff") == Sequencer("FF"))
        #expect(!(Sequencer("A0") < Sequencer("09F")))
        let notices = [
            Self.notice("k", version: "2", sequencer: "10"), Self.notice("l", version: "1"),
            Self.notice("k", version: "1", sequencer: "9"),
            Self.notice("l", version: "2"), Self.notice("k", version: "3", sequencer: "011"),
        ]
        #expect(
            ObjectNotice.latest(of: notices)
                == [Self.notice("k", version: "3", sequencer: "011"), Self.notice("l", version: "2")])
        let forms = [Self.notice("\u{FC}"), Self.notice("u\u{308}")]
        #expect(ObjectNotice.latest(of: forms).count == 2)
    }

    private static func isUnreadable(_ body: String) -> Bool {
        if case .unreadable = EventMessage(body: body) { true } else { false }
    }
}

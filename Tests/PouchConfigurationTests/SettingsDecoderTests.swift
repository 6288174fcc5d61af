import PouchConfiguration
import PouchKit
import Testing

@Suite("Settings of an adapter")
struct SettingsDecoderTests {
    /// As an adapter would have them, knowing nothing of configuration files.
    private struct InboxSettings: Decodable {
        let bucket: String
        let prefix: String?
        let whenTaken: WhenTaken?
        let threshold: ByteCount?
        let keys: [Key]?
        let tags: [String: String]?
        let folder: SettingsPath?
        let identity: IdentityName?
        let retries: UInt8?
        let ratio: Double?

        enum CodingKeys: String, CodingKey {
            case bucket, prefix, keys, tags, folder, retries, ratio
            case whenTaken = "when-taken"
            case threshold = "segments-above"
            case identity = "as"
        }

        struct Key: Decodable {
            let arn: String

            init(from decoder: any Decoder) throws {
                arn = try decoder.singleValueContainer().decode(String.self)
                guard arn.hasPrefix("arn:") else {
                    throw SettingsProblem(at: [], "expected a key ARN, found '\(arn)'", hint: "aliases are not enough")
                }
            }
        }
    }

    private let decoder = SettingsDecoder(file: "agent.yaml", folder: "/etc/pouch")

    private func decode<Settings: Decodable>(
        _ type: Settings.Type,
        _ text: String,
        environment: [String: String]? = nil
    ) throws -> Settings {
        try decoder.decode(type, from: ConfigurationNode.read(Array(text.utf8), named: "agent.yaml", environment: environment))
    }

    private func problems<Settings: Decodable>(
        _ type: Settings.Type,
        _ text: String,
        environment: [String: String]? = nil
    ) throws -> [String] {
        let node = try ConfigurationNode.read(Array(text.utf8), named: "agent.yaml", environment: environment)
        do throws(ConfigurationProblems) {
            _ = try decoder.decode(type, from: node, at: ["partners", "acme", "deliver"])
            return []
        } catch {
            return error.problems.map(\.description)
        }
    }

    @Test("mean the same in any order and anywhere, and another thing with another value, or as text instead of a number")
    func meaning() throws {
        func meaning(_ text: String) throws -> String {
            try ConfigurationNode.read(Array(text.utf8), named: "agent.yaml", environment: ["B": "2"]).meaning
        }
        let one = try meaning("a: 1\nb: [2, { c: d }]\n")
        for same in ["b: [2, { c: d }]\na: 1\n", "# said otherwise\n\nb:\n  - ${B}\n  - c: d\na: 1\n"] {
            #expect(try meaning(same) == one)
        }
        for other in ["a: 1\nb: [2, { c: e }]\n", "a: 1\nb: [{ c: d }, 2]\n", "a: \"1\"\nb: [2, { c: d }]\n", "a: 1\n"] {
            #expect(try meaning(other) != one)
        }
    }

    @Test("are decoded by the types of the adapter")
    func sound() throws {
        let settings = try decode(
            InboxSettings.self,
            """
            bucket: 0123
            when-taken: replace
            segments-above: 5 GiB
            keys: [arn:a, arn:b]
            tags: { a: 1, b: no }
            folder: ./inbox
            as: publisher
            retries: 0x10
            ratio: .5
            prefix: null
            """)
        #expect(settings.bucket == "0123")
        #expect(settings.whenTaken == .replace)
        #expect(settings.threshold?.bytes == 5_368_709_120)
        #expect(settings.keys?.map(\.arn) == ["arn:a", "arn:b"])
        #expect(settings.tags == ["a": "1", "b": "no"])
        #expect(settings.folder?.absolute == "/etc/pouch/inbox")
        #expect(settings.identity?.description == "publisher")
        #expect(settings.retries == 16)
        #expect(settings.ratio == 0.5)
        #expect(settings.prefix == nil)
    }

    @Test("have all their problems told in one run")
    func allProblems() throws {
        let problems = try problems(
            InboxSettings.self,
            """
            buckt: inbox
            prefix: [a]
            when-taken: sufix
            segments-above: 5 gigs
            keys:
              - alias/a
              - arn:b
              - { arn: c }
            tags: { a: [1] }
            folder: ~/inbox
            as: Publisher
            retries: 256
            ratio: half
            colour: blue
            """)
        #expect(
            problems == [
                "agent.yaml:1:1: unknown key 'buckt'\nhint: did you mean 'bucket'?",
                "agent.yaml:2:9: prefix: expected text, found a list",
                "agent.yaml:3:13: when-taken: expected one of suffix, fail, replace, found 'sufix'\nhint: did you mean 'suffix'?",
                "agent.yaml:4:17: segments-above: expected a size such as 5 GiB or 20 MB, found '5 gigs'\n"
                    + "hint: write GB (units of 1000) or GiB (units of 1024)",
                "agent.yaml:6:5: keys: expected a key ARN, found 'alias/a'\nhint: aliases are not enough",
                "agent.yaml:8:5: keys: expected text, found a mapping",
                "agent.yaml:9:12: a: expected text, found a list",
                "agent.yaml:10:9: folder: '~/inbox' begins with '~', which only a shell understands\n"
                    + "hint: write the whole path, or ${HOME}/inbox",
                "agent.yaml:11:5: as: expected a lower-case letter, then at most 62 lower-case letters, digits or dashes, "
                    + "found 'Publisher'",
                "agent.yaml:12:10: retries: expected a whole number from 0 to 255, found '256'",
                "agent.yaml:13:8: ratio: expected a number, found 'half'",
                "agent.yaml:14:1: unknown key 'colour'\n"
                    + "hint: the keys here are as, bucket, folder, keys, prefix, ratio, retries, segments-above, tags, when-taken",
            ])
    }

    @Test("that are missing are named with their place in the file")
    func missing() throws {
        #expect(try problems(InboxSettings.self, "prefix: a") == ["agent.yaml:1:1: 'bucket' is missing in partners.acme.deliver"])
        #expect(
            try problems(InboxSettings.self, "prefix: a\nbucket:")
                == ["agent.yaml:2:1: 'bucket' has no value\nhint: give it one, or remove the key"])
        #expect(
            try problems(InboxSettings.self, "bucket: a\nprefix:")
                == ["agent.yaml:2:1: 'prefix' has no value\nhint: give it one, or remove the key"])
    }

    @Test("that come from the environment are quoted as they are written")
    func redaction() throws {
        #expect(
            try problems(InboxSettings.self, "bucket: a\nkeys: [\"${KEY}\"]", environment: ["KEY": "hunter2"])
                == ["agent.yaml:2:8: keys: expected a key ARN, found '${KEY}'\nhint: aliases are not enough"])
    }

    /// Takes a text or a mapping, as enumerations with payloads do.
    private enum Acl: Decodable, Equatable {
        case named(String)
        case grant(to: String)

        private enum Key: String, CodingKey { case grant }

        init(from decoder: any Decoder) throws {
            if let name = try? decoder.singleValueContainer().decode(String.self) {
                self = .named(name)
            } else {
                self = .grant(to: try decoder.container(keyedBy: Key.self).decode(String.self, forKey: .grant))
            }
        }
    }

    private struct Choice: Decodable {
        let acl: Acl
        let other: Int
    }

    @Test("may take several forms, tried one after the other")
    func forms() throws {
        #expect(try decode(Choice.self, "{ acl: bucket-owner, other: 1 }").acl == .named("bucket-owner"))
        #expect(try decode(Choice.self, "{ acl: { grant: b }, other: -1 }").acl == .grant(to: "b"))
        #expect(
            try problems(Choice.self, "{ acl: [], other: x }") == [
                "agent.yaml:1:8: acl: expected a mapping, found a list",
                "agent.yaml:1:19: other: expected a whole number, found 'x'",
            ])
        #expect(
            try problems(Choice.self, "{ acl: { grunt: b }, other: 1 }")
                == ["agent.yaml:1:10: unknown key 'grunt'\nhint: did you mean 'grant'?"])
    }

    /// Uses what `Codable` rarely uses.
    private struct Manual: Decodable {
        let first: Int
        let rest: [String]

        private enum Key: String, CodingKey { case pair, nested }
        private enum Inner: String, CodingKey { case list }
        private struct Odd: Error {}

        init(from decoder: any Decoder) throws {
            let container = try decoder.container(keyedBy: Key.self)
            var pair = try container.nestedUnkeyedContainer(forKey: .pair)
            first = try pair.decode(Int.self)
            _ = try pair.decode(Bool.self)
            let nested = try container.nestedContainer(keyedBy: Inner.self, forKey: .nested)
            rest = try nested.decode([String].self, forKey: .list)
            if first == 13 {
                throw DecodingError.dataCorrupted(.init(codingPath: nested.codingPath + [Inner.list], debugDescription: "bad luck"))
            }
            if first == 14 { throw Odd() }
        }
    }

    @Test("may be decoded by hand")
    func byHand() throws {
        #expect(try decode(Manual.self, "{ pair: [1, true], nested: { list: [a] } }").rest == ["a"])
        #expect(
            try problems(Manual.self, "{ pair: [1], nested: [] }") == [
                "agent.yaml:1:9: pair: expected more than 1 values in the list",
                "agent.yaml:1:22: nested: expected a mapping, found a list",
            ])
        #expect(
            try problems(Manual.self, "{ pair: [13, true], nested: { list: [a] } }") == ["agent.yaml:1:37: list: bad luck"])
        #expect(try problems(Manual.self, "{ pair: [14, true], nested: { list: [a] } }") == ["agent.yaml:1:1: Odd()"])
        #expect(try problems(Manual.self, "text") == ["agent.yaml:1:1: expected a mapping, found 'text'"])
    }

    @Test("are pointed at by the key path of a problem, or by what there is on the way to it")
    func locating() throws {
        let text = "repository:\n  bucket: a\n  keys: [x, y]\n"
        let node = try ConfigurationNode.read(Array(text.utf8), named: "agent.yaml")
        func place(_ keyPath: [String]) -> String { decoder.problem(at: keyPath, "no", hint: "yes", in: node).description }
        #expect(place(["repository", "bucket"]) == "agent.yaml:2:11: bucket: no\nhint: yes")
        #expect(place(["repository", "keys", "1"]) == "agent.yaml:3:13: keys: no\nhint: yes")
        #expect(place(["repository", "owner", "id"]) == "agent.yaml:2:3: id: no\nhint: yes")
        #expect(place([]) == "agent.yaml:1:1: no\nhint: yes")
        #expect(decoder.problem(.warning, at: Mark(line: 7, column: 3), "odd").description == "agent.yaml:7:3: warning: odd")
    }

    @Test(
        "suggest the key that was probably meant",
        arguments: [
            ("bukcet", "bucket"), ("Bucket", "bucket"), ("when_taken", "when-taken"), ("whenTaken", "when-taken"),
            ("segment-above", "segments-above"), ("ratoi", "ratio"), ("foldr", "folder"),
        ])
    func suggestions(_ written: String, _ meant: String) throws {
        let problems = try problems(InboxSettings.self, "{ \(written): 1 }")
        #expect(problems.contains { $0.hasSuffix("unknown key '\(written)'\nhint: did you mean '\(meant)'?") })
    }
}

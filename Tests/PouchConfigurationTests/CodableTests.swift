import PouchConfiguration
import PouchKit
import Testing

@Suite("The decoder")
struct CodableTests {
    private func decode<Value: Decodable>(_ type: Value.Type, _ text: String) throws -> Value {
        let node = try ConfigurationNode.read(Array(text.utf8), named: "agent.yaml")
        return try SettingsDecoder(file: "agent.yaml", folder: "/").decode(type, from: node)
    }

    private func problems<Value: Decodable>(_ type: Value.Type, _ text: String) throws -> String {
        let node = try ConfigurationNode.read(Array(text.utf8), named: "agent.yaml")
        do throws(ConfigurationProblems) {
            _ = try SettingsDecoder(file: "agent.yaml", folder: "/").decode(type, from: node)
            return ""
        } catch {
            return error.description
        }
    }

    private struct Numbers: Decodable, Equatable {
        var bool = true
        var double = 1.5
        var float = Float(-2)
        var int = -1
        var int8 = Int8(-128)
        var int16 = Int16(8)
        var int32 = Int32(16)
        var int64 = Int64.max
        var uint = UInt(1)
        var uint8 = UInt8(255)
        var uint16 = UInt16(2)
        var uint32 = UInt32(3)
        var uint64 = UInt64.max
    }

    @Test("reads every kind of number as YAML 1.2 writes it")
    func numbers() throws {
        let text = """
            { bool: True, double: 1.5e0, float: -2., int: -1, int8: -128, int16: 0o10, int32: 0x10, int64: 9223372036854775807,
              uint: +1, uint8: 255, uint16: 2, uint32: 003, uint64: 18446744073709551615 }
            """
        #expect(try decode(Numbers.self, text) == Numbers())
        #expect(try decode([Double].self, "[.inf, -.INF, +12e03, 0]") == [.infinity, -.infinity, 12_000, 0])
        #expect(try decode([Double].self, "[.nan]").first?.isNaN == true)
    }

    @Test(
        "takes nothing for a number or a Boolean that YAML 1.2 does not",
        arguments: ["yes", "on", "1_000", "0b1", "1e3", "0x", "--1", "nan", "inf", "", "~", "1 000", "１"])
    func notNumbers(_ text: String) throws {
        #expect(try problems([Int].self, "[\"\(text)\"]").hasPrefix("agent.yaml:1:2: expected a whole number, found "))
        #expect(try problems([Bool].self, "- \(text)").hasPrefix("agent.yaml:1:"))
    }

    /// Decodes each element itself, and its superclass as classes do.
    private struct Nested: Decodable {
        var pairs: [[Int]] = []
        var names: [String] = []
        var nothing = 0
        let parent: String

        private enum Key: String, CodingKey { case list, parent }
        private enum Inner: String, CodingKey { case name }

        init(from decoder: any Decoder) throws {
            let container = try decoder.container(keyedBy: Key.self)
            var list = try container.nestedUnkeyedContainer(forKey: .list)
            while !list.isAtEnd {
                if try list.decodeNil() {
                    nothing += 1
                    continue
                }
                names.append(try list.nestedContainer(keyedBy: Inner.self).decode(String.self, forKey: .name))
                var pair = try list.nestedUnkeyedContainer()
                pairs.append([try pair.decode(Int.self), try pair.decode(Int.self)])
            }
            parent = try String(from: container.superDecoder(forKey: .parent))
        }
    }

    @Test("lends nested containers, and notes what does not fit them")
    func nested() throws {
        let nested = try decode(Nested.self, "{ list: [null, { name: a }, [1, 2], { name: b }, [3, 4]], parent: p }")
        #expect(nested.names == ["a", "b"])
        #expect(nested.pairs == [[1, 2], [3, 4]])
        #expect(nested.nothing == 1)
        #expect(nested.parent == "p")
        #expect(
            try problems(Nested.self, "{ list: [[], { nam: 1 }], parent: p }") == """
                agent.yaml:1:10: list: expected a mapping, found a list
                agent.yaml:1:14: list: expected a list, found a mapping
                """)
    }

    private struct Anything: Decodable {
        let keys: [String]

        private struct Key: CodingKey {
            let stringValue: String
            var intValue: Int? { nil }
            init(stringValue: String) { self.stringValue = stringValue }
            init?(intValue: Int) { nil }
        }

        init(from decoder: any Decoder) throws {
            let container = try decoder.container(keyedBy: Key.self)
            keys = try container.allKeys.map { try container.decode(String.self, forKey: $0) + "@" + $0.stringValue }
        }
    }

    @Test("knows the keys of a mapping in the order of the file")
    func allKeys() throws {
        #expect(try decode(Anything.self, "{ b: 1, a: x }").keys == ["1@b", "x@a"])
    }

    private indirect enum Tree: Decodable {
        case leaf(String)
        case branches([Tree])

        init(from decoder: any Decoder) throws {
            let container = try decoder.singleValueContainer()
            if let text = try? container.decode(String.self) {
                self = .leaf(text)
            } else {
                self = .branches(try container.decode([Tree].self))
            }
        }

        var leaves: [String] {
            switch self {
            case .leaf(let text): [text]
            case .branches(let trees): trees.flatMap(\.leaves)
            }
        }
    }

    @Test("decodes types that contain themselves")
    func recursion() throws {
        #expect(try decode(Tree.self, "[a, [b, [c]], []]").leaves == ["a", "b", "c"])
        #expect(try problems(Tree.self, "[a, [{}]]").hasPrefix("agent.yaml:1:6: expected "))
    }
}

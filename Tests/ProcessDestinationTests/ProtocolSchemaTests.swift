import Foundation
import Glibc
import PouchConformance
import PouchKit
import PouchPluginKit
import PouchTestSupport
import ProcessDestination
import Testing

@Suite("docs/pouch-plugin-1.schema.json")
struct ProtocolSchemaTests {
    @Test("describes every message that host and plugin really exchange")
    func realMessages() async throws {
        let recorded = try await recorded()
        let schema = try MessageSchema(HostileHouse.checkout + "/docs/pouch-plugin-1.schema.json")
        for (side, lines) in recorded {
            var seen: Set<String> = []
            for line in lines {
                let message = try #require(try JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: Any])
                let type = try #require(message["type"] as? String)
                seen.insert(type)
                // What nobody can know is in no schema.
                if type.hasPrefix("x-") { continue }
                #expect(try schema.complaints(message, from: side).isEmpty, "\(side) said \(line)")
            }
            // What a healthy conversation has no occasion for.
            let unseen = schema.types(of: side).subtracting(seen).subtracting(["ping", "pong"])
            #expect(unseen.isEmpty)
        }
    }

    @Test(
        "refuses what is none",
        arguments: [
            (#"{"type":"done","id":1,"key":"k","size":1}"#, "sha256"), (#"{"type":"done","id":-1}"#, "id"),
            (#"{"type":"presence","id":1,"state":"present","key":"k","facts":{"a b":""}}"#, "a name in presence.facts"),
            (#"{"type":"failed","id":1,"class":"sad","code":"c","text":"t"}"#, "class"),
            (#"{"type":"progress","id":1,"bytes":"1"}"#, "bytes"),
            (#"{"type":"findings","id":1,"findings":[{"severity":"good"}]}"#, "text"), (#"{"type":"colour","id":1}"#, "colour"),
        ])
    func wrongMessages(line: String, complaint: String) throws {
        let schema = try MessageSchema(HostileHouse.checkout + "/docs/pouch-plugin-1.schema.json")
        let message = try #require(try JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: Any])
        #expect(try schema.complaints(message, from: "plugin").joined().contains(complaint))
    }

    /// What both sides said while a new plugin in Python kept some promises and a hostile one said what such a one has no occasion for: it
    /// was written down before it was passed on.
    private func recorded() async throws -> [(side: String, lines: [Substring])] {
        let folder = try TemporaryFolder("recorded")
        try Skeleton(AdapterName("trial"), in: .python).write(to: folder.path("plugin"))
        _ = try wrapper(of: "./trial.py", at: "plugin/wrapped", in: folder)
        let manifest = try folder.text("plugin/plugin.yaml").replacing("./trial.py", with: "./wrapped")
        try folder.write(manifest, to: "plugin/plugin.yaml")
        let hostile = try wrapper(of: HostileHouse.checkout + "/Tests/HostilePlugins/hostile.py", at: "wrapped", in: folder)
        for mode in ["refuses-its-settings", "hands-over"] {
            _ = try await HostileHouse(mode) { $0.command = [hostile] }.failure()
        }
        let ids = ["progress", "lost-reply", "taken-fail", "abandon-spares-the-visible", "failing-journal", "check-healthy"]
        for promise in PluginTrialRun.promises where ids.contains(promise.id) {
            let plugin = try PluginFile.read(folder.path("plugin"))
            try await promise.verify(PluginHarness(plugin, environment: ["PATH": "/usr/local/bin:/usr/bin:/bin"]))
        }
        return try [("host", "host"), ("plugin", "plugin-said")].map { side, file in
            // A plugin that was killed may have left half a line.
            let text = try folder.text(file)
            return (side, text.split(separator: "\n").filter { $0.hasSuffix("}") })
        }
    }

    /// A program that notes what goes to the given one and what comes from it; `tee` writes to its standard output first.
    private func wrapper(of program: String, at path: String, in folder: TemporaryFolder) throws -> String {
        func noted(_ file: String) -> String { "tee /dev/fd/3 3>&1 >>'\(folder.path(file))'" }
        let wrapper = try folder.write("#!/bin/sh\n\(noted("host")) | \(program) | \(noted("plugin-said"))\n", to: path)
        try #require(chmod(wrapper, 0o755) == 0)
        return wrapper
    }
}

/// As much of JSON Schema as the schema of the protocol uses.
private struct MessageSchema {
    enum Unknown: Error { case keyword(String) }

    private let sides: [String: [String: Any]]

    init(_ path: String) throws {
        let contents = try #require(FileManager.default.contents(atPath: path))
        let document = try #require(try JSONSerialization.jsonObject(with: contents) as? [String: Any])
        sides = try #require(document["$defs"] as? [String: [String: Any]])
    }

    func types(of side: String) -> Set<String> { Set((sides[side] ?? [:]).keys) }

    func complaints(_ message: [String: Any], from side: String) throws -> [String] {
        let type = message["type"] as? String ?? ""
        guard let schema = sides[side]?[type] as? [String: Any] else { return ["there is no message '\(type)'"] }
        return try complaints(message, schema, at: type)
    }

    private func complaints(_ value: Any, _ schema: [String: Any], at place: String) throws -> [String] {
        try schema.flatMap { keyword, rule -> [String] in
            switch keyword {
            case "description": []
            case "type": isOfType(value, rule) ? [] : ["\(place) is not \(rule)"]
            case "const": "\(value)" == "\(rule)" ? [] : ["\(place) is not \(rule)"]
            case "enum": (rule as? [String] ?? []).contains(value as? String ?? "") ? [] : ["\(place) is none of \(rule)"]
            case "pattern":
                try (value as? String)?.firstMatch(of: Regex(rule as? String ?? "")) != nil ? [] : ["\(place) is not \(rule)"]
            case "minimum": number(value) >= number(rule) ? [] : ["\(place) is below \(rule)"]
            case "maximum": number(value) <= number(rule) ? [] : ["\(place) is above \(rule)"]
            case "minLength": Double((value as? String ?? "").unicodeScalars.count) >= number(rule) ? [] : ["\(place) is too short"]
            case "maxLength": Double((value as? String ?? "").unicodeScalars.count) <= number(rule) ? [] : ["\(place) is too long"]
            case "maxItems": Double((value as? [Any] ?? []).count) <= number(rule) ? [] : ["\(place) has too many"]
            case "maxProperties": Double((value as? [String: Any] ?? [:]).count) <= number(rule) ? [] : ["\(place) has too many"]
            case "required":
                (rule as? [String] ?? []).filter { (value as? [String: Any])?[$0] == nil }.map { "\(place).\($0) is missing" }
            case "items":
                try (value as? [Any] ?? []).flatMap { try complaints($0, rule as? [String: Any] ?? [:], at: place + "[]") }
            case "properties":
                try (rule as? [String: [String: Any]] ?? [:]).flatMap { name, inner -> [String] in
                    guard let value = (value as? [String: Any])?[name] else { return [] }
                    return try complaints(value, inner, at: "\(place).\(name)")
                }
            case "propertyNames":
                try (value as? [String: Any] ?? [:]).keys.flatMap {
                    try complaints($0, rule as? [String: Any] ?? [:], at: "a name in \(place)")
                }
            case "additionalProperties":
                try (value as? [String: Any] ?? [:]).flatMap {
                    try complaints($1, rule as? [String: Any] ?? [:], at: "\(place).\($0)")
                }
            default: throw Unknown.keyword(keyword)
            }
        }
    }

    private func isOfType(_ value: Any, _ rule: Any) -> Bool {
        let types = rule as? [String] ?? [rule as? String ?? ""]
        return types.contains { type in
            switch type {
            case "string": value is String
            case "object": value is [String: Any]
            case "array": value is [Any]
            case "null": value is NSNull
            case "boolean": value is Bool
            case "integer": (value as? NSNumber).map { $0.doubleValue.rounded() == $0.doubleValue } ?? false
            case "number": value is NSNumber
            default: false
            }
        }
    }

    private func number(_ value: Any) -> Double { (value as? NSNumber)?.doubleValue ?? .nan }
}

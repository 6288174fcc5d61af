import PouchFiles
package import PouchKit

/// What a plugin says of itself, in a file beside its program: read, and believed, before anything runs.
package struct PluginManifest: Decodable, Hashable, Sendable {
    package static let protocolName = "pouch-plugin/1"

    package var name: AdapterName
    package var version: String?
    /// For people: what it delivers to.
    package var summary: String?
    package var speaks: Language
    /// The program, as a path from the manifest's folder, and its arguments.
    package var command: [String]
    /// Of the program's file. With another one nothing runs.
    package var sha256: SHA256Digest?
    /// Names of variables of the agent's environment that are handed on; no other is.
    package var environment: [String]?
    /// `sftp://{host}/{path}`, for people: fields stand in braces.
    package var place: String?
    /// What it can do where a key is taken. None: its far end has no names that could be.
    package var whenTaken: [WhenTaken]?
    /// What is done when nobody can say whether a delivery arrived.
    package var whenUnknown: WhenUnknown?
    package var largestFile: ByteCount?
    package var handsOver: Bool?
    /// How long it may say nothing while it has something to do.
    package var silence: TimeSpan?
    package var fields: [String: PluginField]?
    package var limits: Limits?
    package var test: PluginTrial?

    package enum Language: String, Hashable, Sendable, Decodable, CaseIterable {
        case first = "pouch-plugin/1"
    }

    /// What is done when the far end may have got a delivery, and cannot be asked whether it did.
    package enum WhenUnknown: String, Hashable, Sendable, Decodable, CaseIterable {
        /// A person asks the partner.
        case quarantine
        /// It is sent again: for a far end that knows deliveries by their id.
        case again
    }

    package struct Limits: Decodable, Hashable, Sendable {
        package var memory: ByteCount?
        package var processes: Int?
        package var openFiles: Int?

        package enum CodingKeys: String, CodingKey, CaseIterable {
            case memory, processes
            case openFiles = "open-files"
        }
    }

    package enum CodingKeys: String, CodingKey, CaseIterable {
        case name, version, summary, command, sha256, environment, place, silence, fields, limits, test
        case speaks = "protocol"
        case whenTaken = "when-taken"
        case whenUnknown = "when-unknown"
        case largestFile = "largest-file"
        case handsOver = "hands-over"
    }

    var policies: [WhenTaken] { whenTaken ?? [.suffix] }

    var childLimits: ChildProgram.Limits {
        let standard = ChildProgram.Limits()
        return ChildProgram.Limits(
            memory: limits?.memory.map { UInt64(clamping: $0.bytes) } ?? standard.memory,
            processes: limits?.processes.map { UInt64(clamping: $0) } ?? standard.processes,
            openFiles: limits?.openFiles.map { UInt64(clamping: $0) } ?? standard.openFiles)
    }
}

/// How `pouch plugin test` gets a far end for the plugin: a folder, and whatever serves it.
package struct PluginTrial: Decodable, Hashable, Sendable {
    /// Settings for a target of the test's own; `{folder}` is a new folder that must hold exactly what the partner sees.
    package var settings: [String: SettingValue]?
    /// A program that serves the folder: started with the folder and a file that names the fault to play (often none). It prints one line of
    /// JSON, settings that only it knows, when it is ready, and runs until its input ends.
    package var serve: [String]?
    /// Faults that `serve` can play.
    package var faults: [String]?
    /// Run once before the first promise: a compiler.
    package var prepare: [String]?
    /// Paths in the folder that no partner looks at.
    package var hidden: [String]?

    package init() {}
}

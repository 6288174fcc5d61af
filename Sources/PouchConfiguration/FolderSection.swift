import PouchKit

extension FolderSettings: Decodable {
    private enum Key: String, CodingKey { case watch, recursive, ready, ignore, sweep, then }

    private static let standardSweep = TimeSpan(milliseconds: 60_000)

    package init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: Key.self)
        watch = try container.decode(Located<SettingsPath>.self, forKey: .watch)
        recursive = try container.decodeIfPresent(Bool.self, forKey: .recursive) ?? true
        ready = try container.decodeIfPresent(Readiness.self, forKey: .ready) ?? .closed
        ignore = try container.decodeIfPresent([Located<String>].self, forKey: .ignore)
        sweep = try container.decodeIfPresent(SweepInterval.self, forKey: .sweep)?.value ?? Self.standardSweep
        then = try container.decode(Located<AfterDelivery>.self, forKey: .then)
    }

    private struct SweepInterval: CheckedSetting {
        let value: TimeSpan

        init(unchecked value: TimeSpan) { self.value = value }

        static func check(_ span: TimeSpan) throws {
            guard span >= TimeSpan(milliseconds: 1_000) else {
                throw SettingsProblem(at: [], "expected at least 1s, found '\(span)'")
            }
        }
    }
}

extension FolderSettings.Readiness: Decodable {
    private enum Key: String, CodingKey { case quiet, marker }

    private static let forms = "closed, { quiet: 5s } or { marker: \"{name}.done\" }"

    package init(from decoder: any Decoder) throws {
        guard let node = try decoder.overNode().node else {
            self = .closed
            return
        }
        if node.scalar?.text == "closed" {
            self = .closed
            return
        }
        guard node.mapping != nil else { throw node.isNot(Self.forms) }
        let container = try decoder.container(keyedBy: Key.self)
        switch (container.contains(.quiet), container.contains(.marker)) {
        case (true, false):
            let span = try container.decode(Located<TimeSpan>.self, forKey: .quiet)
            guard span.value > TimeSpan(milliseconds: 0) else {
                throw SettingsProblem(at: ["quiet"], "expected more than '\(span.value)'")
            }
            self = .quiet(span)
        case (false, true): self = .marker(try container.decode(Located<String>.self, forKey: .marker))
        case (true, true): throw SettingsProblem(at: [], "expected one of \(Self.forms), found two")
        case (false, false):
            // A misspelt key is reported as such.
            self = .closed
            if node.mapping?.entries.isEmpty == true {
                throw SettingsProblem(at: [], "expected \(Self.forms), found an empty mapping")
            }
        }
    }
}

extension FolderSettings.AfterDelivery: Decodable {
    private enum Key: String, CodingKey {
        case archive
        case keepFor = "keep-for"
    }

    private static let forms = "keep, delete or { archive: PATH, keep-for: 30d }"

    package init(from decoder: any Decoder) throws {
        guard let node = try decoder.overNode().node else {
            self = .keep
            return
        }
        guard let scalar = node.scalar else {
            let container = try decoder.container(keyedBy: Key.self)
            let path = try container.decode(SettingsPath.self, forKey: .archive)
            let keepFor = try container.decodeIfPresent(TimeSpan.self, forKey: .keepFor)
            if let keepFor, keepFor <= TimeSpan(milliseconds: 0) {
                throw SettingsProblem(
                    at: ["keep-for"], "expected more than '\(keepFor)'", hint: "write then: delete to keep nothing")
            }
            self = .archive(path, keepFor: keepFor)
            return
        }
        switch scalar.text {
        case "keep": self = .keep
        case "delete": self = .delete
        default:
            let meant = Suggestion.nearest(to: scalar.written, among: ["keep", "delete"]).map { "did you mean '\($0)'?" }
            throw node.isNot(Self.forms, hint: meant)
        }
    }
}

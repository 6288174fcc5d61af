import PouchKit

extension IdentitySettings: Decodable {
    private enum Key: String, CodingKey {
        case role, duration, from, tags
        case sessionPolicy = "session-policy"
        case externalID = "external-id"
        case sessionName = "session-name"
    }

    package init(from decoder: any Decoder) throws {
        let here = try decoder.overNode()
        let container = try decoder.container(keyedBy: Key.self)
        origin = try container.decode(Located<Origin>.self, forKey: .from)
        let arn = try container.decodeIfPresent(Located<RoleARN>.self, forKey: .role)
        let externalID = try container.decodeIfPresent(Located<ExternalID>.self, forKey: .externalID)
        let sessionName = try container.decodeIfPresent(Located<SessionName>.self, forKey: .sessionName)
        let duration = try container.decodeIfPresent(Located<SessionDuration>.self, forKey: .duration)
        let policy = try container.decodeIfPresent(SessionPolicy.self, forKey: .sessionPolicy)
        let tags = try container.decodeIfPresent(SessionTags.self, forKey: .tags)
        guard let arn else {
            role = nil
            for key in [Key.externalID, .sessionName, .duration, .sessionPolicy, .tags] where container.contains(key) {
                here.note(atKey: key.rawValue, "belongs to a role, and there is none", hint: "add role: arn:aws:iam::…")
            }
            return
        }
        role = Role(
            arn: arn.map(\.value), externalID: externalID?.map(\.value), sessionName: sessionName?.map(\.value),
            duration: duration?.map(\.value), isNarrowed: policy == .partner, tags: tags?.tags ?? [])
    }

    private enum SessionPolicy: String, Decodable, CaseIterable { case partner }

    /// <https://docs.aws.amazon.com/STS/latest/APIReference/API_Tag.html>
    private struct SessionTags: Decodable {
        let tags: [Role.Tag]

        init(from decoder: any Decoder) throws {
            let written = try decoder.singleValueContainer().decode([String: String].self)
            tags = written.sorted { $0.key < $1.key }.map { Role.Tag(key: $0.key, value: $0.value) }
            guard tags.count <= 50 else { throw SettingsProblem(at: [], "a session has at most 50 tags, found \(tags.count)") }
            for tag in tags {
                let isSound = [tag.key, tag.value].allSatisfy { text in
                    text.allSatisfy { $0.isLetter || $0.isNumber || " _.:/=+-@".contains($0) }
                }
                guard isSound, (1...128).contains(tag.key.count), tag.value.count <= 256 else {
                    throw SettingsProblem(
                        at: [tag.key],
                        "expected a tag of letters, digits, spaces or _.:/=+-@, found '\(Quoted.shortened(tag.value))'",
                        hint: "a key has 1 to 128 of them, a value at most 256")
                }
            }
        }
    }

    /// `arn:aws:iam::111111111111:role/path/name`
    struct RoleARN: CheckedSetting {
        let value: String

        init(unchecked value: String) { self.value = value }

        static func check(_ text: String) throws {
            let expected = "expected the ARN of a role, found '\(Quoted.shortened(text))'"
            let parts = text.split(separator: ":", maxSplits: 5, omittingEmptySubsequences: false).map(String.init)
            guard parts.count == 6, parts[0] == "arn", parts[1] == "aws" || parts[1].hasPrefix("aws-"), parts[2] == "iam",
                parts[3].isEmpty, parts[5].hasPrefix("role/"), parts[5].hasOnlyLettersAndDigits(and: "/_+=,.@-")
            else {
                throw SettingsProblem(at: [], expected, hint: "such as arn:aws:iam::111111111111:role/generator")
            }
            guard parts[4].utf8.count == 12, parts[4].hasOnlyDigits else {
                throw SettingsProblem(
                    at: [], expected, hint: "an account id has 12 digits, '\(Quoted.shortened(parts[4]))' has not")
            }
        }
    }

    // What STS takes: https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRole.html

    private struct ExternalID: CheckedSetting {
        let value: String

        init(unchecked value: String) { self.value = value }

        static func check(_ text: String) throws {
            guard (2...1_224).contains(text.utf8.count), text.hasOnlyLettersAndDigits(and: "_+=,.@:/-") else {
                throw NameError(text: text, expectation: "2 to 1,224 letters, digits or _+=,.@:/-")
            }
        }
    }

    struct SessionName: CheckedSetting {
        let value: String

        init(unchecked value: String) { self.value = value }

        static func check(_ text: String) throws {
            guard (2...64).contains(text.utf8.count), text.hasOnlyLettersAndDigits(and: "_+=,.@-") else {
                throw NameError(text: text, expectation: "2 to 64 letters, digits or _+=,.@-")
            }
        }
    }

    struct SessionDuration: CheckedSetting {
        let value: TimeSpan

        init(unchecked value: TimeSpan) { self.value = value }

        static func check(_ span: TimeSpan) throws {
            guard (900_000...43_200_000).contains(span.milliseconds) else {
                throw SettingsProblem(at: [], "expected 15m to 12h, found '\(span)'")
            }
        }
    }
}

extension IdentitySettings.Origin: Decodable {
    private enum Key: String, CodingKey, CaseIterable {
        case profile, environment, file
        case container, imds, process
        case rolesAnywhere = "roles-anywhere"
        case webIdentity = "web-identity"
    }

    private static let hint =
        "write one of { profile: NAME }, { environment: true }, { file: PATH }, { roles-anywhere: … }, { web-identity: … }, "
        + "{ container: true }, { imds: true }, { process: [PROGRAM] }"

    package init(from decoder: any Decoder) throws {
        let here = try decoder.overNode()
        guard let node = here.node else {
            self = .environment
            return
        }
        guard node.mapping != nil else { throw node.isNot("a mapping", hint: Self.hint) }
        let container = try decoder.container(keyedBy: Key.self)
        let written = Key.allCases.filter(container.contains)
        switch Set(written) {
        case [.profile], [.profile, .file]:
            self = .profile(
                try container.decode(Located<String>.self, forKey: .profile),
                file: try container.decodeIfPresent(Located<SettingsPath>.self, forKey: .file))
        case [.file]: self = .file(try container.decode(Located<SettingsPath>.self, forKey: .file))
        case [.environment]:
            guard try container.decode(Bool.self, forKey: .environment) else {
                throw SettingsProblem(at: ["environment"], "expected true, found 'false'", hint: Self.hint)
            }
            self = .environment
        case [.rolesAnywhere]:
            self = .rolesAnywhere(try container.decode(IdentitySettings.RolesAnywhere.self, forKey: .rolesAnywhere))
        case [.webIdentity]: self = .webIdentity(try container.decode(IdentitySettings.WebIdentity.self, forKey: .webIdentity))
        case [.container]: self = .container(try container.decode(IdentitySettings.Container.self, forKey: .container))
        case [.imds]: self = .imds(try container.decode(IdentitySettings.InstanceMetadata.self, forKey: .imds))
        case [.process]: self = .process(try container.decode(ProgramLine.self, forKey: .process).words)
        case []: throw SettingsProblem(at: [], "no source of credentials is named", hint: Self.hint)
        default:
            let words = written.map(\.rawValue).joined(separator: " and ")
            throw SettingsProblem(at: [], "expected one source of credentials, found \(words)", hint: Self.hint)
        }
    }
}

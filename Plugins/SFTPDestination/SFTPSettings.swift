package import PouchKit

/// What stands under `deliver: { with: sftp, … }`, as it stands there. `checked` makes a plan of it.
package struct SFTPSettings: Decodable, Hashable, Sendable {
    /// How a file stays out of sight until it is whole.
    package enum Upload: String, Decodable, CaseIterable, Sendable {
        /// As `.name.<delivery id>.part` beside its final name.
        case hidden
        /// As `name.<delivery id>.part` beside its final name.
        case part
        /// In a folder of its own, `staging:`.
        case staging
        /// Under its final name at once: for servers that cannot rename.
        case direct
    }

    /// A small file that follows the data.
    package enum Sidecar: String, Codable, CaseIterable, Sendable {
        /// `name.sha256`, as `sha256sum -c` reads it.
        case sha256
        /// `name.done`, with the delivery id.
        case done

        package init(from decoder: any Decoder) throws {
            let text = try decoder.singleValueContainer().decode(String.self)
            guard let sidecar = Self(rawValue: text) else {
                let known = Self.allCases.map(\.rawValue).joined(separator: ", ")
                throw SettingsProblem(at: [], "expected one of \(known), found '\(VisibleText.escaped(text))'")
            }
            self = sidecar
        }
    }

    package var host: String
    package var port: Int?
    package var user: String
    package var privateKey: SettingsPath?
    package var passphraseFile: SettingsPath?
    package var passwordFile: SettingsPath?
    package var agent: Bool?
    package var knownHosts: SettingsPath?
    package var hostKey: OneOrMore<String>?
    package var trustFirstKey: Bool?
    package var path: String
    package var whenTaken: WhenTaken?
    package var upload: Upload?
    package var staging: String?
    package var mode: String?
    package var mtime: Bool?
    package var sidecar: OneOrMore<Sidecar>?
    package var makeFolders: Bool?
    package var sizeCheck: Bool?
    package var lookFirst: Bool?
    package var resume: Bool?
    package var sessions: Int?
    package var connectTimeout: TimeSpan?
    package var timeout: TimeSpan?

    package init(host: String, user: String, path: String) {
        self.host = host
        self.user = user
        self.path = path
    }

    package enum CodingKeys: String, CodingKey, CaseIterable {
        case host, port, user, agent, path, upload, staging, mode, mtime, sidecar, resume, sessions, timeout
        case privateKey = "private-key"
        case passphraseFile = "passphrase-file"
        case passwordFile = "password-file"
        case knownHosts = "known-hosts"
        case hostKey = "host-key"
        case trustFirstKey = "trust-first-key"
        case whenTaken = "when-taken"
        case makeFolders = "make-folders"
        case sizeCheck = "size-check"
        case lookFirst = "look-first"
        case connectTimeout = "connect-timeout"
    }
}

/// A value, or a list of them.
package struct OneOrMore<Element: Decodable & Hashable & Sendable>: Decodable, Hashable, Sendable {
    package let elements: [Element]

    package init(_ elements: [Element]) { self.elements = elements }

    package init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        do { elements = [try container.decode(Element.self)] } catch let one {
            do { elements = try container.decode([Element].self) } catch {
                // What is no list was meant as one element.
                throw (try? container.decode(String.self)) == nil ? error : one
            }
        }
    }
}

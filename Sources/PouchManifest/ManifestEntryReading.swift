import PouchKit

/// Why a line of the manifest cannot be read.
package enum ManifestLineProblem: Error, Hashable, Sendable, CustomStringConvertible {
    /// It is no entry, or not written in the one way in which an entry is written.
    case malformed(String)
    /// It is an entry of a later Pouch.
    case newer(version: Int64)

    package var description: String {
        switch self {
        case .malformed(let what): what
        case .newer(let version):
            "it has the format version \(version); this Pouch reads versions up to \(ManifestEntry.newestVersion)"
        }
    }
}

extension ManifestEntry {
    /// Reads a line, strictly: the entry that comes out writes exactly these bytes again.
    ///
    /// - Throws: `ManifestLineProblem`.
    package init(line: [UInt8]) throws(ManifestLineProblem) {
        guard line.count <= Self.longestLine else { throw .malformed("it is longer than \(Self.longestLine) bytes") }
        let value: JSONValue
        do { value = try JSONReader.value(of: line) } catch { throw .malformed("it is not JSON: \(error)") }
        var fields = try LineFields(value, of: "the line")
        let version = try fields.number("version")
        if version > Self.newestVersion { throw .newer(version: version) }
        guard version > 0 else { throw .malformed("there is no format version \(version)") }
        try self.init(
            sequence: fields.number("sequence"),
            previous: fields.digest("previous"),
            time: fields.time("time"),
            agent: fields.text("agent"),
            delivery: fields.named("delivery") { text throws(NameError) in try DeliveryID(text) },
            retries: fields.optional("retries") { text throws(NameError) in try DeliveryID(text) },
            outcome: fields.choice("outcome"),
            file: Self.file(fields.object("file")),
            sealed: fields.has("sealed") ? Self.seal(fields.object("sealed")) : nil,
            route: fields.named("route") { text throws(NameError) in try RouteName(text) },
            partner: fields.named("partner") { text throws(NameError) in try PartnerName(text) },
            destination: fields.named("destination") { text throws(NameError) in try AdapterName(text) },
            location: fields.optionalText("location"),
            key: fields.text("key"),
            confirmation: fields.has("confirmation") ? fields.choice("confirmation") : nil,
            reason: fields.has("reason") ? Self.reason(fields.object("reason")) : nil,
            attempts: Int(fields.number("attempts")),
            stages: Self.stages(fields.take("stages"))
        )
        try fields.end()
        // The version is among what is compared: with `sealed` a line is of version 2, without of version 1.
        guard self.line() == line else { throw .malformed("it is an entry, and not written as Pouch writes it") }
    }

    private static func file(_ object: LineFields) throws(ManifestLineProblem) -> File {
        var fields = object
        let folder = try fields.text("folder")
        let text = try fields.text("path")
        let encoded = try fields.optionalText("pathBytes")
        var bytes = Array(text.utf8)
        if let encoded {
            guard let decoded = Base64.bytes(of: encoded) else { throw .malformed("'pathBytes' is not base64") }
            bytes = decoded
        }
        let path: DropPath
        do { path = try DropPath(bytes: bytes) } catch { throw .malformed("'path': \(error)") }
        let file = try File(
            folder: folder,
            path: path,
            size: fields.number("size"),
            sha256: fields.has("sha256") ? fields.digest("sha256") : nil,
            crc64nvme: fields.has("crc64nvme") ? fields.checksum("crc64nvme") : nil,
            modified: fields.time("modified")
        )
        try fields.end()
        return file
    }

    private static func seal(_ object: LineFields) throws(ManifestLineProblem) -> SealRecord {
        var fields = object
        guard try fields.text("form") == sealForm else { throw .malformed("'form' is none in which Pouch seals") }
        let seal = try SealRecord(
            size: fields.number("size"),
            digests: FileDigests(sha256: fields.digest("sha256"), crc64nvme: fields.checksum("crc64nvme")),
            recipients: recipients(fields.take("recipients"))
        )
        try fields.end()
        return seal
    }

    private static func recipients(_ value: JSONValue) throws(ManifestLineProblem) -> [SHA256Digest] {
        guard case .array(let elements) = value else { throw .malformed("'recipients' is not a list") }
        var recipients: [SHA256Digest] = []
        for element in elements {
            guard case .string(let text) = element, let digest = SHA256Digest(hexadecimal: text) else {
                throw .malformed("a recipient is not a SHA-256 digest")
            }
            recipients.append(digest)
        }
        return recipients
    }

    private static func reason(_ object: LineFields) throws(ManifestLineProblem) -> Reason {
        var fields = object
        let reason = try Reason(code: fields.text("code"), text: fields.text("text"))
        try fields.end()
        return reason
    }

    private static func stages(_ value: JSONValue) throws(ManifestLineProblem) -> [StageRecord] {
        guard case .array(let elements) = value else { throw .malformed("'stages' is not a list") }
        var stages: [StageRecord] = []
        for element in elements {
            var fields = try LineFields(element, of: "a stage")
            let stage = try fields.named("stage") { text throws(NameError) in try StageName(text) }
            let identity = try fields.optional("identity") { text throws(NameError) in try IdentityName(text) }
            let facts = try fields.object("facts").texts()
            stages.append(
                StageRecord(
                    stage: stage, identity: identity, facts: facts, requests: Int(try fields.number("requests")),
                    milliseconds: try fields.number("milliseconds")))
            try fields.end()
        }
        return stages
    }
}

/// The members of an object, taken one after the other in the order in which they stand.
private struct LineFields {
    /// Every reader of JSON holds whole numbers up to here exactly.
    private static let largest = Int64(1) << 53

    private let what: String
    private var members: ArraySlice<JSONValue.Member>

    init(_ value: JSONValue, of what: String) throws(ManifestLineProblem) {
        guard case .object(let members) = value else { throw .malformed("\(what) is not a JSON object") }
        self.what = what
        self.members = members[...]
    }

    func has(_ name: String) -> Bool { members.first?.name == name }

    mutating func take(_ name: String) throws(ManifestLineProblem) -> JSONValue {
        guard let first = members.first, first.name == name else {
            throw .malformed(
                "\(what) has \(members.first.map { "'\(VisibleText.escaped($0.name))'" } ?? "nothing") where '\(name)' belongs")
        }
        members.removeFirst()
        return first.value
    }

    mutating func text(_ name: String) throws(ManifestLineProblem) -> String {
        guard case .string(let text) = try take(name) else { throw .malformed("'\(name)' is not a text") }
        return text
    }

    mutating func optionalText(_ name: String) throws(ManifestLineProblem) -> String? { has(name) ? try text(name) : nil }

    mutating func number(_ name: String) throws(ManifestLineProblem) -> Int64 {
        guard case .number(let digits) = try take(name), let number = Int64(digits), (0...Self.largest).contains(number) else {
            throw .malformed("'\(name)' is not a whole number that can be meant")
        }
        return number
    }

    mutating func digest(_ name: String) throws(ManifestLineProblem) -> SHA256Digest {
        guard let digest = SHA256Digest(hexadecimal: try text(name)) else { throw .malformed("'\(name)' is not a SHA-256 digest") }
        return digest
    }

    mutating func checksum(_ name: String) throws(ManifestLineProblem) -> CRC64NVME {
        guard let checksum = CRC64NVME(base64: try text(name)) else { throw .malformed("'\(name)' is not a CRC-64 checksum") }
        return checksum
    }

    mutating func time(_ name: String) throws(ManifestLineProblem) -> Timestamp {
        guard let time = ManifestTime.time(of: try text(name)) else { throw .malformed("'\(name)' is not a time") }
        return time
    }

    mutating func choice<Choice: RawRepresentable<String>>(_ name: String) throws(ManifestLineProblem) -> Choice {
        guard let choice = Choice(rawValue: try text(name)) else {
            throw .malformed("'\(name)' is none of the words that belong there")
        }
        return choice
    }

    mutating func named<Name>(_ name: String, _ make: (String) throws(NameError) -> Name) throws(ManifestLineProblem) -> Name {
        let text = try text(name)
        do { return try make(text) } catch { throw .malformed("'\(name)': \(error.expectation)") }
    }

    mutating func optional<Name>(_ name: String, _ make: (String) throws(NameError) -> Name) throws(ManifestLineProblem) -> Name? {
        has(name) ? try named(name, make) : nil
    }

    mutating func object(_ name: String) throws(ManifestLineProblem) -> LineFields { try LineFields(take(name), of: "'\(name)'") }

    func texts() throws(ManifestLineProblem) -> [String: String] {
        var texts: [String: String] = [:]
        for member in members {
            guard case .string(let text) = member.value else {
                throw .malformed("'\(VisibleText.escaped(member.name))' is not a text")
            }
            texts[member.name] = text
        }
        return texts
    }

    func end() throws(ManifestLineProblem) {
        guard let extra = members.first else { return }
        throw .malformed("\(what) has '\(VisibleText.escaped(extra.name))', which does not belong there")
    }
}

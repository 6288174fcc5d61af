import PouchKit

extension ManifestEntry {
    /// CMS AuthEnvelopedData (RFC 5083) with AES-256-GCM (RFC 5084): the one form in which Pouch seals.
    static let sealForm = "cms-aes-256-gcm"

    /// The bytes of the line, without the newline. The order of the fields is part of the format.
    package func line() -> [UInt8] {
        var writer = JSONWriter()
        writer.object { line in
            line.member("version", version)
            line.member("sequence", sequence)
            line.member("previous", previous.description)
            line.member("time", ManifestTime.milliseconds(time))
            line.member("agent", agent)
            line.member("delivery", delivery.description)
            if let retries { line.member("retries", retries.description) }
            line.member("outcome", outcome.rawValue)
            line.object("file") { write(file, to: &$0) }
            if let sealed { line.object("sealed") { write(sealed, to: &$0) } }
            line.member("route", route.description)
            line.member("partner", partner.description)
            line.member("destination", destination.description)
            if let location { line.member("location", location) }
            line.member("key", key)
            if let confirmation { line.member("confirmation", confirmation.rawValue) }
            if let reason {
                line.object("reason") {
                    $0.member("code", reason.code)
                    $0.member("text", reason.text)
                }
            }
            line.member("attempts", Int64(attempts))
            line.array("stages") { list in
                for stage in stages { list.object { write(stage, to: &$0) } }
            }
        }
        return writer.bytes
    }

    private func write(_ file: File, to object: inout JSONWriter) {
        object.member("folder", file.folder)
        if let text = file.path.text {
            object.member("path", text)
        } else {
            object.member("path", Self.plain(file.path.bytes))
            object.member("pathBytes", Base64.text(of: file.path.bytes))
        }
        object.member("size", file.size)
        if let sha256 = file.sha256 { object.member("sha256", sha256.description) }
        if let crc64nvme = file.crc64nvme { object.member("crc64nvme", crc64nvme.base64) }
        object.member("modified", ManifestTime.nanoseconds(file.modified))
    }

    private func write(_ seal: SealRecord, to object: inout JSONWriter) {
        object.member("form", Self.sealForm)
        object.member("size", seal.size)
        object.member("sha256", seal.digests.sha256.description)
        object.member("crc64nvme", seal.digests.crc64nvme.base64)
        object.array("recipients") { list in
            for recipient in seal.recipients { list.element(recipient.description) }
        }
    }

    private func write(_ stage: StageRecord, to object: inout JSONWriter) {
        object.member("stage", stage.stage.description)
        if let identity = stage.identity { object.member("identity", identity.description) }
        object.object("facts") { facts in
            let inOrder = stage.facts.sorted { $0.key.utf8.lexicographicallyPrecedes($1.key.utf8) }
            for (name, value) in inOrder { facts.member(name, value) }
        }
        object.member("requests", Int64(stage.requests))
        object.member("milliseconds", stage.milliseconds)
    }

    /// A path that is not UTF-8, for people: what is not printable ASCII becomes `\xNN`.
    static func plain(_ bytes: [UInt8]) -> String {
        bytes.reduce(into: "") { text, byte in
            let isPlain = (0x20..<0x7F).contains(byte) && byte != UInt8(ascii: "\\")
            text += isPlain ? String(Unicode.Scalar(byte)) : "\\x" + Hexadecimal.text(of: [byte])
        }
    }
}

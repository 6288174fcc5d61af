import PouchCrypto
package import PouchKit

/// What the manifest says about one finished delivery: one line of JSON. docs/manifest.md describes every field.
package struct ManifestEntry: Hashable, Sendable {
    package enum Outcome: String, Hashable, Sendable, CaseIterable {
        case delivered
        case quarantined
        /// Our part is done; another publisher finishes.
        case handedOver = "handed-over"
    }

    package struct File: Hashable, Sendable {
        /// The drop folder as the configuration gives it.
        package let folder: String
        package let path: DropPath
        package let size: Int64
        /// `nil` only for a file that was never read: it was quarantined before.
        package let sha256: SHA256Digest?
        package let crc64nvme: CRC64NVME?
        package let modified: Timestamp

        package init(
            folder: String,
            path: DropPath,
            size: Int64,
            sha256: SHA256Digest?,
            crc64nvme: CRC64NVME?,
            modified: Timestamp
        ) {
            self.folder = folder
            self.path = path
            self.size = size
            self.sha256 = sha256
            self.crc64nvme = crc64nvme
            self.modified = modified
        }
    }

    /// Why a file was quarantined.
    package struct Reason: Hashable, Sendable {
        package let code: String
        package let text: String

        package init(code: String, text: String) {
            self.code = code
            self.text = text
        }
    }

    /// Of the format. A line of a later version is not read, and never taken for a damaged one.
    package static let newestVersion: Int64 = 2
    /// What stands in `previous` of the first line.
    package static let origin = SHA256Digest(bytes: [UInt8](repeating: 0, count: 32)).unsafelyUnwrapped
    /// Bytes. Longer texts of the far end are cut before they come near it.
    package static let longestLine = 1 << 20

    package let sequence: Int64
    package let previous: SHA256Digest
    /// When the delivery ended, to the millisecond.
    package let time: Timestamp
    package let agent: String
    package let delivery: DeliveryID
    /// The quarantined delivery that this one repeats.
    package let retries: DeliveryID?
    package let outcome: Outcome
    package let file: File
    /// What the partner got instead of the file itself.
    package let sealed: SealRecord?
    package let route: RouteName
    package let partner: PartnerName
    package let destination: AdapterName
    package let location: String?
    package let key: String
    package let confirmation: Receipt.Confirmation?
    package let reason: Reason?
    package let attempts: Int
    package let stages: [StageRecord]

    package init(
        sequence: Int64,
        previous: SHA256Digest,
        time: Timestamp,
        agent: String,
        delivery: DeliveryID,
        retries: DeliveryID?,
        outcome: Outcome,
        file: File,
        sealed: SealRecord? = nil,
        route: RouteName,
        partner: PartnerName,
        destination: AdapterName,
        location: String?,
        key: String,
        confirmation: Receipt.Confirmation?,
        reason: Reason?,
        attempts: Int,
        stages: [StageRecord]
    ) {
        self.sequence = sequence
        self.previous = previous
        self.time = ManifestTime.roundedDown(time)
        self.agent = agent
        self.delivery = delivery
        self.retries = retries
        self.outcome = outcome
        self.file = file
        self.sealed = sealed
        self.route = route
        self.partner = partner
        self.destination = destination
        self.location = location
        self.key = key
        self.confirmation = confirmation
        self.reason = reason.map { Reason(code: $0.code, text: Self.clipped($0.text)) }
        self.attempts = attempts
        self.stages = stages.map { stage in
            StageRecord(
                stage: stage.stage, identity: stage.identity, facts: stage.facts.mapValues(Self.clipped), requests: stage.requests,
                milliseconds: stage.milliseconds)
        }
    }

    /// Of this line: a sealed delivery needs the version that has `sealed`; every other line stays one that each Pouch can read.
    package var version: Int64 { sealed == nil ? 1 : 2 }

    /// What `previous` of the next line says.
    package static func digest(of line: [UInt8]) -> SHA256Digest { SHA256Hasher.digest(of: line) }

    /// Servers say long things; a line must stay one that every tool can read.
    private static func clipped(_ text: String) -> String {
        let longest = 8_192
        guard text.utf8.count > longest else { return text }
        var scalars = String.UnicodeScalarView()
        var length = 0
        for scalar in text.unicodeScalars {
            length += UTF8.width(scalar)
            if length > longest - 3 { break }
            scalars.append(scalar)
        }
        return String(scalars) + "…"
    }
}

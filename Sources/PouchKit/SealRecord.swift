/// What a delivery's file was sealed into: these bytes, and no others, are what the partner gets.
package struct SealRecord: Hashable, Sendable, Codable {
    /// Bytes of the sealed file.
    package let size: Int64
    /// Of the sealed file.
    package let digests: FileDigests
    /// The SHA-256 of each recipient's certificate, in the order of agent.yaml.
    package let recipients: [SHA256Digest]

    package init(size: Int64, digests: FileDigests, recipients: [SHA256Digest]) {
        self.size = size
        self.digests = digests
        self.recipients = recipients
    }
}

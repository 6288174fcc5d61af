package import PouchKit

/// The name of a bucket, by the rules for buckets made since 2018, or the full name of an access point to one.
///
/// <https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucketnamingrules.html>
package struct BucketName: Hashable, Sendable, Codable, CustomStringConvertible {
    package let description: String
    /// Where it is an access point's.
    package let accessPoint: AccessPointARN?

    /// - Throws: `NameError` unless the text is an access point's ARN or 3 to 63 lower-case letters, digits, dots and dashes, beginning and ending with a
    ///   letter or digit, without two dots in a row and not in the form of an IP address.
    package init(_ text: String) throws(NameError) {
        if text.hasPrefix("arn:") {
            let point = try AccessPointARN(text)
            accessPoint = point
            description = point.description
            return
        }
        accessPoint = nil
        let bytes = Array(text.utf8)
        let isPlain = bytes.allSatisfy { $0.isLowerCaseLetterOrDigit || $0 == UInt8(ascii: "-") || $0 == UInt8(ascii: ".") }
        guard (3...63).contains(bytes.count), isPlain, bytes[0].isLowerCaseLetterOrDigit,
            bytes[bytes.count - 1].isLowerCaseLetterOrDigit, !text.contains(".."), !Self.looksLikeAddress(bytes)
        else {
            throw NameError(
                text: VisibleText.escaped(text),
                expectation:
                    "a bucket: 3 to 63 lower-case letters, digits, dots or dashes, beginning and ending with a letter or digit"
            )
        }
        guard let suffix = Self.foreignSuffixes.first(where: text.hasSuffix) else {
            description = text
            return
        }
        throw NameError(
            text: VisibleText.escaped(text),
            expectation:
                "a general purpose bucket: names in \(suffix) belong to directory buckets and access points, which are not spoken to"
        )
    }

    private static let foreignSuffixes = ["--x-s3", "--xa-s3", "--op-s3", ".mrap"]

    /// What policies call it.
    package func arn(in partition: Partition) -> String {
        accessPoint?.description ?? "arn:\(partition.rawValue):s3:::\(description)"
    }

    /// What policies call the object of that key.
    package func objectARN(_ key: String, in partition: Partition) -> String {
        arn(in: partition) + (accessPoint == nil ? "/" : "/object/") + key
    }

    /// The object of that key as the source of a copy, encoded.
    package func copySource(_ key: String) -> String {
        let bucket = accessPoint.map { PercentEncoding.encodedPath($0.description) + "/object" } ?? description
        return bucket + "/" + PercentEncoding.encodedPath(key)
    }

    /// A wildcard certificate covers one label: a bucket with a dot in its name is only reached by path over TLS.
    package var isOneLabel: Bool { !description.utf8.contains(UInt8(ascii: ".")) }

    package init(from decoder: any Decoder) throws { try self.init(decoder.singleValueContainer().decode(String.self)) }

    package func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(description)
    }

    private static func looksLikeAddress(_ bytes: [UInt8]) -> Bool {
        let parts = bytes.split(separator: UInt8(ascii: "."), omittingEmptySubsequences: false)
        return parts.count == 4 && parts.allSatisfy { (1...3).contains($0.count) && $0.allSatisfy(\.isDigit) }
    }
}

/// What an S3 request is about: which bucket and object, and through which region's endpoint.
package struct S3Target: Sendable, Equatable {
    package let bucket: String?
    package let key: ObjectKey?
    /// Named by the host (`s3.eu-west-1.…`); the addresses of loopback name none.
    package let region: String?
    /// Whether the bucket was named by the host: its DNS name leads to the bucket's own region.
    package let isVirtualHost: Bool

    package init(host: String, rawPath: String) {
        let name = Self.withoutPort(host)
        let (bucketOfHost, region) = Self.read(name)
        self.region = region
        isVirtualHost = bucketOfHost != nil
        let path = rawPath.utf8.first == UInt8(ascii: "/") ? rawPath.utf8.dropFirst() : rawPath.utf8[...]
        if let bucketOfHost {
            bucket = bucketOfHost
            key = path.isEmpty ? nil : ObjectKey(bytes: PercentEncoding.decoded(path))
            return
        }
        let halves = path.split(separator: UInt8(ascii: "/"), maxSplits: 1, omittingEmptySubsequences: false)
        let first = halves.first.map { PercentEncoding.decodedText($0) } ?? ""
        bucket = first.isEmpty ? nil : first
        key = halves.count > 1 && !halves[1].isEmpty ? ObjectKey(bytes: PercentEncoding.decoded(halves[1])) : nil
    }

    private static func withoutPort(_ host: String) -> String {
        if host.hasPrefix("[") { return host.split(separator: "]").first.map { String($0.dropFirst()) } ?? host }
        return host.split(separator: ":").first.map(String.init)?.lowercased() ?? ""
    }

    private static func read(_ host: String) -> (bucket: String?, region: String?) {
        let labels = host.split(separator: ".").map(String.init)
        if let service = labels.firstIndex(of: "s3") {
            let bucket = labels[..<service].joined(separator: ".")
            let next = labels.dropFirst(service + 1).first ?? ""
            return (bucket.isEmpty ? nil : bucket, isRegion(next) ? next : nil)
        }
        if labels.count > 1, labels.last == "localhost" {
            return (labels.dropLast().joined(separator: "."), nil)
        }
        return (nil, nil)
    }

    /// `eu-west-1`, `us-gov-east-1`: words and a number, joined by dashes.
    private static func isRegion(_ label: String) -> Bool {
        let parts = label.split(separator: "-")
        return parts.count >= 3 && Int(parts[parts.count - 1]) != nil
    }
}

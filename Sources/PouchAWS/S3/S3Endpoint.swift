/// Where the objects of a bucket are.
package struct S3Endpoint: Hashable, Sendable {
    package let region: Region
    /// An S3-compatible service, or AWS by another way. Its buckets are reached by path.
    package let custom: EndpointURL?
    package let variant: EndpointVariant

    package init(region: Region, custom: EndpointURL? = nil, variant: EndpointVariant = .plain) {
        self.region = region
        self.custom = custom
        self.variant = variant
    }

    /// AWS: the bucket's own host name in its region, or the region's where the name has dots, which no wildcard certificate
    /// covers. An access point has a host of its own everywhere.
    package func address(of bucket: BucketName, key: String? = nil) -> ServiceAddress {
        let keyPath = key.map { "/" + PercentEncoding.encodedPath($0) } ?? ""
        if let point = bucket.accessPoint {
            let parent = custom ?? EndpointURL(authority: host("s3-accesspoint", in: point.region))
            let endpoint = EndpointURL(
                isSecure: parent.isSecure, authority: "\(point.hostLabel).\(parent.authority)", basePath: parent.basePath)
            return ServiceAddress(endpoint: endpoint, path: parent.basePath + (key == nil ? "/" : keyPath))
        }
        if let custom { return ServiceAddress(endpoint: custom, path: custom.basePath + "/" + bucket.description + keyPath) }
        let host = host("s3", in: region)
        guard bucket.isOneLabel else {
            return ServiceAddress(endpoint: EndpointURL(authority: host), path: "/" + bucket.description + keyPath)
        }
        return ServiceAddress(endpoint: EndpointURL(authority: "\(bucket).\(host)"), path: key == nil ? "/" : keyPath)
    }

    private func host(_ service: String, in region: Region) -> String {
        let labels = service + (variant.isFIPS ? "-fips" : "") + (variant.isDualStack ? ".dualstack" : "")
        return "\(labels).\(region).\(region.partition.hostSuffix)"
    }
}

/// Where the objects of a bucket are.
package struct S3Endpoint: Hashable, Sendable {
    package let region: Region
    /// An S3-compatible service, or AWS by another way. Its buckets are reached by path.
    package let custom: EndpointURL?

    package init(region: Region, custom: EndpointURL? = nil) {
        self.region = region
        self.custom = custom
    }

    /// AWS: the bucket's own host name in its region, or the region's where the name has dots, which no wildcard certificate
    /// covers.
    package func address(of bucket: BucketName, key: String? = nil) -> ServiceAddress {
        let keyPath = key.map { "/" + PercentEncoding.encodedPath($0) } ?? ""
        if let custom { return ServiceAddress(endpoint: custom, path: custom.basePath + "/" + bucket.description + keyPath) }
        let host = "s3.\(region).\(region.partition.hostSuffix)"
        guard bucket.isOneLabel else {
            return ServiceAddress(endpoint: EndpointURL(authority: host), path: "/" + bucket.description + keyPath)
        }
        return ServiceAddress(endpoint: EndpointURL(authority: "\(bucket).\(host)"), path: key == nil ? "/" : keyPath)
    }
}

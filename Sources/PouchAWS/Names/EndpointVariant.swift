/// Which of AWS's own host names are used: those that answer on IPv6 too, those with validated cryptography, both, or the plain ones.
package struct EndpointVariant: Hashable, Sendable {
    package var isDualStack: Bool
    package var isFIPS: Bool

    package static let plain = EndpointVariant()

    package init(isDualStack: Bool = false, isFIPS: Bool = false) {
        self.isDualStack = isDualStack
        self.isFIPS = isFIPS
    }

    /// Why a service is not reached this way in a region; `nil` when it is. Asked when settings are read, so that no call can fail
    /// for it: no redirect leads into another partition.
    package func objection(to service: AWSService, in region: Region, custom: EndpointURL?) -> String? {
        if custom != nil {
            if isDualStack {
                return "dual-stack is a choice among AWS's own hosts, and \(service.rawValue) has an endpoint of its own"
            }
            if isFIPS { return "fips is a choice among AWS's own hosts, and \(service.rawValue) has an endpoint of its own" }
            return nil
        }
        let partition = region.partition
        if isFIPS, service == .s3, partition == .china { return "S3 has no fips hosts in \(region)" }
        if isDualStack, partition.dualStackSuffix == nil { return "there are no dual-stack hosts in \(region)" }
        return nil
    }
}

/// The services that we speak to, as their host names begin.
package enum AWSService: String, Hashable, Sendable, CaseIterable {
    case s3, sts, sqs, kms, rolesanywhere
}

/// In which form a file of a given size is stored, by the settings.
package struct UploadPlan: Hashable, Sendable {
    package enum Method: Hashable, Sendable {
        /// One object, or a hold.
        case single
        /// One object up to the threshold, above it segments of one PUT each: nobody needs to decrypt what he stores.
        case sealed
        /// One object, above the threshold sent in parts, for which the generator needs `kms:Decrypt`.
        case multipart
    }

    package enum Form: Hashable, Sendable {
        /// One PUT.
        case whole
        case segments(PartPlan)
        case parts(PartPlan)
        /// More than the method takes.
        case tooLarge
    }

    /// A part is sent again as a whole when the line fails: large enough for few requests, small enough for a bad line.
    package static let preferredPart: Int64 = 64 << 20

    package let method: Method
    /// Bytes; a larger file is stored in pieces.
    package let threshold: Int64

    package init(_ method: Method, threshold: Int64? = nil) {
        self.method = method
        self.threshold = threshold ?? Self.defaultThreshold(of: method)
    }

    package static func defaultThreshold(of method: Method) -> Int64 {
        method == .multipart ? preferredPart : PartPlan.largestPart
    }

    /// Files that one request would take are stored in segments all the same, and joined in the inbox.
    package var joinsSmallerFiles: Bool { method == .sealed && threshold < Self.defaultThreshold(of: .sealed) }

    package var largestFile: Int64 { method == .single ? PartPlan.largestPart : PartPlan.largestObject }

    package func form(ofSize size: Int64) -> Form {
        guard size > threshold else { return .whole }
        guard method != .single, let plan = PartPlan(byteCount: size, preferring: min(Self.preferredPart, threshold)) else {
            return .tooLarge
        }
        return method == .sealed ? .segments(plan) : .parts(plan)
    }
}

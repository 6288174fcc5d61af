/// How many bytes are cut into parts as S3 takes them: at most 10,000, of 5 MiB to 5 GiB each, the last one of any size.
///
/// <https://docs.aws.amazon.com/AmazonS3/latest/userguide/qfacts.html>
package struct PartPlan: Hashable, Sendable {
    package static let mostParts: Int64 = 10_000
    package static let smallestPart: Int64 = 5 << 20
    /// 5 GiB: what one PUT, one copy and one part take.
    package static let largestPart: Int64 = 5 << 30
    /// 48.8 TiB.
    package static let largestObject = mostParts * largestPart

    package let byteCount: Int64
    /// Of all but the last.
    package let partSize: Int64

    /// - Parameter preferred: Taken where it is allowed and 10,000 parts suffice.
    /// - Returns: `nil` for more bytes than one object takes.
    package init?(byteCount: Int64, preferring preferred: Int64) {
        guard (0...Self.largestObject).contains(byteCount) else { return nil }
        let wholeMiB: Int64 = 1 << 20
        let least = (byteCount + Self.mostParts - 1) / Self.mostParts
        let leastInMiB = (least + wholeMiB - 1) / wholeMiB * wholeMiB
        self.init(
            byteCount: byteCount, partSize: min(max(preferred, leastInMiB, Self.smallestPart), Self.largestPart))
    }

    /// A plan that was made before.
    package init(byteCount: Int64, partSize: Int64) {
        self.byteCount = byteCount
        self.partSize = partSize
    }

    /// Nothing is one empty part.
    package var count: Int { max(1, Int((byteCount + partSize - 1) / partSize)) }

    /// From 1.
    package var numbers: ClosedRange<Int> { 1...count }

    package func range(of number: Int) -> Range<Int64> {
        let start = Int64(number - 1) * partSize
        return start..<min(start + partSize, byteCount)
    }

    package func size(of number: Int) -> Int64 { Int64(range(of: number).count) }
}

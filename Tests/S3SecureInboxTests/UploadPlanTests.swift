import S3SecureInbox
import Testing

private let mebibyte: Int64 = 1 << 20
private let gibibyte: Int64 = 1 << 30
private let tebibyte: Int64 = 1 << 40
/// 10,000 parts of 5 GiB.
private let largest: Int64 = 53_687_091_200_000

@Suite("The plan of an upload")
struct UploadPlanTests {
    @Test("up to the threshold a file is one request, whatever the method", arguments: [0, 1, 5 << 20, 5 << 30] as [Int64])
    func whole(size: Int64) {
        for method in [UploadPlan.Method.single, .sealed] { #expect(UploadPlan(method).form(ofSize: size) == .whole) }
        #expect((UploadPlan(.multipart).form(ofSize: size) == .whole) == (size <= 64 * mebibyte))
    }

    @Test("above it sealed makes segments, multipart parts, and single holds")
    func above() throws {
        let size = 5 * gibibyte + 1
        let plan = try #require(PartPlan(byteCount: size, preferring: 64 * mebibyte))
        #expect(UploadPlan(.sealed).form(ofSize: size) == .segments(plan))
        #expect(UploadPlan(.multipart).form(ofSize: size) == .parts(plan))
        #expect(UploadPlan(.single).form(ofSize: size) == .tooLarge)
        #expect(plan.partSize == 64 * mebibyte && plan.count == 81)
        #expect(plan.size(of: 81) == 1)
    }

    @Test("a low threshold makes small segments: never smaller than S3 copies")
    func low() throws {
        let plan = UploadPlan(.sealed, threshold: 5 * mebibyte)
        #expect(plan.form(ofSize: 5 * mebibyte) == .whole)
        let small = try #require(PartPlan(byteCount: 5 * mebibyte + 1, preferring: 5 * mebibyte))
        #expect(plan.form(ofSize: 5 * mebibyte + 1) == .segments(small))
        #expect(small.count == 2 && small.partSize == 5 * mebibyte)
        #expect(PartPlan(byteCount: 100 * mebibyte, preferring: 1)?.partSize == 5 * mebibyte)
    }

    @Test("48.8 TiB is planned: 10,000 segments of 5 GiB; one byte more is refused")
    func largestObject() throws {
        #expect(UploadPlan(.sealed).largestFile == largest)
        guard case .segments(let plan) = UploadPlan(.sealed).form(ofSize: largest) else {
            Issue.record("48.8 TiB are segments")
            return
        }
        #expect(plan.count == 10_000)
        #expect(plan.partSize == 5 * gibibyte)
        #expect(plan.range(of: 10_000).upperBound == largest)
        for method in [UploadPlan.Method.sealed, .multipart, .single] {
            #expect(UploadPlan(method).form(ofSize: largest + 1) == .tooLarge)
        }
    }

    @Test(
        "parts cover every byte once, in order, and none is larger or smaller than S3 takes",
        arguments: [
            1, 5 * mebibyte - 1, 5 * mebibyte, 5 * mebibyte + 1, 5 * gibibyte - 1, 5 * gibibyte, 5 * gibibyte + 1,
            5 * tebibyte - 1, 5 * tebibyte, 5 * tebibyte + 1, 640 * gibibyte, 625 * gibibyte + 1, largest - 1, largest,
        ])
    func covers(size: Int64) throws {
        for preferred in [5 * mebibyte, 64 * mebibyte, 5 * gibibyte] {
            let plan = try #require(PartPlan(byteCount: size, preferring: preferred))
            #expect(plan.count <= 10_000)
            #expect((5 * mebibyte...5 * gibibyte).contains(plan.partSize))
            // Larger than asked only where one mebibyte less would not do.
            #expect(plan.partSize == preferred || (plan.partSize - mebibyte) * 10_000 < size)
            var end: Int64 = 0
            for number in plan.numbers {
                let range = plan.range(of: number)
                #expect(range.lowerBound == end && !range.isEmpty)
                #expect(plan.size(of: number) == (number < plan.count ? plan.partSize : size - end))
                end = range.upperBound
            }
            #expect(end == size)
        }
    }
}

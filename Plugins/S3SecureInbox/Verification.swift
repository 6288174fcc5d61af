import PouchAWS
import PouchKit

/// Checks that an object is encrypted as it was asked for.
struct Verification {
    let attempt: String
    /// "inbox"
    let place: String

    /// - Throws: `DeliveryFailure` with `.hold`: every further file would suffer the same.
    func check(_ report: EncryptionReport, key: KeyARN) throws(DeliveryFailure) {
        guard report.algorithm == "aws:kms", report.keyARN == key.description else {
            let found = report.algorithm.map { "\($0) under \(report.keyARN ?? "an unnamed key")" } ?? "nothing"
            throw DeliveryFailure(
                .hold, code: "wrong-encryption", attempt: attempt,
                cause:
                    "the \(place) took the object and reports encryption with \(VisibleText.escaped(found)), asked was aws:kms under \(key)",
                hint: "the object may lie there in plain: whoever owns the \(place) should look at it and remove it")
        }
    }
}

/// What a stage's record says, under its names.
struct StageFacts {
    private(set) var values: [String: String] = [:]

    init(bucket: BucketPlace, key: String, keyARN: KeyARN) {
        values = ["bucket": bucket.name.description, "key": key, "keyArn": keyARN.description]
        if let owner = bucket.owner {
            // No answer carries the owner. S3 refuses a request that expects another one.
            values["owner"] = "asserted"
            values["ownerAccount"] = owner.description
        }
    }

    subscript(_ name: String) -> String? {
        get { values[name] }
        set { values[name] = newValue }
    }

    mutating func add(versionID: String?, etag: String?, checksum: CRC64NVME?, ids: RequestIDs) {
        values["versionId"] = versionID
        values["etag"] = etag
        values["crc64nvme"] = checksum?.base64
        values["requestId"] = ids.request
        values["hostId"] = ids.host
    }
}

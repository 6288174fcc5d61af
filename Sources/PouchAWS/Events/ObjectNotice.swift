/// What an event says about one new object. It is a hint where to look, and no more: anybody who may write to the queue can
/// send one, events come late, twice, and in any order.
package struct ObjectNotice: Hashable, Sendable {
    package let bucket: String
    /// Decoded.
    package let key: String
    /// `nil` in a bucket without versions.
    package let versionID: String?
    package let sequencer: Sequencer?

    package init(bucket: String, key: String, versionID: String?, sequencer: Sequencer?) {
        self.bucket = bucket
        self.key = key
        self.versionID = versionID
        self.sequencer = sequencer
    }

    /// Those that are still news: of several about one key the latest, in the order in which keys appear first.
    ///
    /// Without sequencers the one that comes last in the message.
    package static func latest(of notices: [ObjectNotice]) -> [ObjectNotice] {
        var places: [Place: Int] = [:]
        var latest: [ObjectNotice] = []
        for notice in notices {
            let place = Place(bucket: notice.bucket, key: Array(notice.key.utf8))
            guard let index = places[place] else {
                places[place] = latest.count
                latest.append(notice)
                continue
            }
            if let known = latest[index].sequencer, let new = notice.sequencer, new < known { continue }
            latest[index] = notice
        }
        return latest
    }

    /// Keys are bytes: two forms of one umlaut are two objects.
    private struct Place: Hashable {
        let bucket: String
        let key: [UInt8]
    }
}

/// Orders the events of one key: hexadecimal digits, of which the shorter is to be filled with zeros on the left.
///
/// <https://docs.aws.amazon.com/AmazonS3/latest/userguide/notification-content-structure.html>
package struct Sequencer: Hashable, Sendable, Comparable {
    /// In upper case, without leading zeros.
    private let digits: [UInt8]

    package init(_ text: String) { digits = Array(text.uppercased().utf8.drop { $0 == UInt8(ascii: "0") }) }

    package static func < (left: Self, right: Self) -> Bool {
        guard left.digits.count == right.digits.count else { return left.digits.count < right.digits.count }
        return left.digits.lexicographicallyPrecedes(right.digits)
    }
}

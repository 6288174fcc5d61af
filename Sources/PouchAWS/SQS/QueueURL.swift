package import PouchKit

/// The address of a queue, as SQS itself writes it: `https://sqs.eu-west-1.amazonaws.com/111111111111/pouch-events`.
package struct QueueURL: Hashable, Sendable, CustomStringConvertible {
    /// As it goes into requests.
    package let description: String
    /// From the host's name; `nil` where it is not one of AWS's.
    package let region: Region?
    package let account: AccountID
    package let name: String
    package let endpoint: EndpointURL

    /// - Throws: `NameError` unless the text is `http(s)://host[:port]/<account>/<name>`.
    package init(_ text: String) throws(NameError) {
        let parts = text.split(separator: "/", omittingEmptySubsequences: false)
        guard parts.count == 5, let endpoint = try? EndpointURL(parts[0...2].joined(separator: "/")),
            let account = try? AccountID(String(parts[3])), Self.isName(parts[4])
        else {
            throw NameError(
                text: VisibleText.escaped(text),
                expectation: "a queue such as https://sqs.eu-west-1.amazonaws.com/111111111111/pouch-events")
        }
        description = text
        self.endpoint = endpoint
        self.account = account
        name = String(parts[4])
        region = Self.region(ofHost: endpoint.authority)
    }

    private static func isName(_ text: Substring) -> Bool {
        let stem = text.hasSuffix(".fifo") ? text.dropLast(".fifo".count) : text
        return (1...80).contains(text.utf8.count) && !stem.isEmpty
            && stem.utf8.allSatisfy { $0.isLetterOrDigit || $0 == UInt8(ascii: "-") || $0 == UInt8(ascii: "_") }
    }

    /// `sqs.eu-west-1.amazonaws.com`, `sqs-fips.…`, `sqs.eu-west-1.api.aws`, and the old `eu-west-1.queue.amazonaws.com`.
    private static func region(ofHost host: String) -> Region? {
        let labels = host.split(separator: ".").map(String.init)
        guard labels.count > 3 || host.hasSuffix(".api.aws") else { return nil }
        let isAWS = host.hasSuffix(".api.aws") || Partition.allCases.contains { host.hasSuffix("." + $0.hostSuffix) }
        guard isAWS else { return nil }
        if labels[0] == "sqs" || labels[0] == "sqs-fips" { return try? Region(labels[1]) }
        return labels[1] == "queue" ? try? Region(labels[0]) : nil
    }
}

import Foundation

/// `then:` as the journal keeps it with each file: what held at admission holds at the end, whatever the configuration says by then.
package enum AfterwardsText {
    package static func text(of afterwards: Afterwards) -> String {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        // An enum of two texts and a number is always encodable.
        return (try? encoder.encode(afterwards)).map { String(decoding: $0, as: UTF8.self) } ?? ""
    }

    /// `nil` when the text is of another version: then the file is kept, which loses nothing.
    package static func afterwards(of text: String) -> Afterwards? {
        try? JSONDecoder().decode(Afterwards.self, from: Data(text.utf8))
    }
}

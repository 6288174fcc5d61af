import PouchKit

/// Text of a file made fit for one line of a message.
enum Quoted {
    private static let longest = 80

    static func shortened(_ text: String) -> String {
        let visible = VisibleText.escaped(String(text.prefix(longest + 1)))
        return text.count > longest ? String(visible.prefix(longest)) + "…" : visible
    }
}

/// An element of an answer: its local name, its children, its text. Attributes and name spaces say nothing that we need.
package struct XMLElement: Hashable, Sendable {
    package let name: String
    /// The text between the children, white space included.
    package let text: String
    package let children: [XMLElement]

    package init(name: String, text: String = "", children: [XMLElement] = []) {
        self.name = name
        self.text = text
        self.children = children
    }

    /// The first child of that name.
    package subscript(_ name: String) -> XMLElement? { children.first { $0.name == name } }

    package func all(_ name: String) -> [XMLElement] { children.filter { $0.name == name } }

    /// The text of the first child of that name; `nil` when there is none or it is empty.
    package func value(_ name: String) -> String? { self[name].flatMap { $0.text.isEmpty ? nil : $0.text } }
}

/// Why an answer is not XML that we read.
package struct XMLProblem: Error, Hashable, Sendable, CustomStringConvertible {
    package let text: String
    /// In bytes from the start.
    package let offset: Int

    package var description: String { "\(text) at byte \(offset)" }
}

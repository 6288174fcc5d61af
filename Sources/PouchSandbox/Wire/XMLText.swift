/// XML as the services write it, built up element by element.
package struct XMLText: Sendable {
    private var text: String

    package init() { text = "" }

    /// A root element with what is in it.
    package init(_ root: String, namespace: String? = nil, _ content: (inout XMLText) -> Void) {
        var inner = XMLText()
        content(&inner)
        text = "<\(root)" + (namespace.map { " xmlns=\"\($0)\"" } ?? "") + ">" + inner.text + "</\(root)>"
    }

    /// A root element that holds text alone.
    package init(_ root: String, namespace: String, text content: String) {
        text = "<\(root) xmlns=\"\(namespace)\">\(Self.escaped(content))</\(root)>"
    }

    package static let s3 = "http://s3.amazonaws.com/doc/2006-03-01/"
    package static let sts = "https://sts.amazonaws.com/doc/2011-06-15/"

    package mutating func add(_ name: String, _ value: String?) {
        guard let value else { return }
        text += "<\(name)>\(Self.escaped(value))</\(name)>"
    }

    package mutating func add(_ name: String, _ value: some BinaryInteger) { add(name, "\(value)") }

    package mutating func add(_ name: String, _ value: Bool) { add(name, value ? "true" : "false") }

    package mutating func add(_ name: String, _ content: (inout XMLText) -> Void) {
        var inner = XMLText()
        content(&inner)
        text += "<\(name)>\(inner.text)</\(name)>"
    }

    /// The document, with its declaration.
    package var document: [UInt8] { Array(("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n" + text).utf8) }

    /// XML 1.0 cannot hold most control characters, not even as references: S3 sends them as references all the same.
    private static func escaped(_ value: String) -> String {
        var result = ""
        for scalar in value.unicodeScalars {
            switch scalar {
            case "&": result += "&amp;"
            case "<": result += "&lt;"
            case ">": result += "&gt;"
            case "\"": result += "&quot;"
            default:
                if scalar.value < 0x20 { result += "&#\(scalar.value);" } else { result.unicodeScalars.append(scalar) }
            }
        }
        return result
    }
}

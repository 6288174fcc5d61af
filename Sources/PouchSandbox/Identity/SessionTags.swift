/// The tags that somebody wants a session to have.
struct SessionTags {
    private(set) var values: [String: String] = [:]

    var isEmpty: Bool { values.isEmpty }

    init() {}

    /// - Throws: `Refusal` for half a tag, for a name that is used twice, and for more than 50.
    init(_ form: QueryParameters) throws(Refusal) {
        var number = 1
        while let key = form["Tags.member.\(number).Key"] {
            guard let value = form["Tags.member.\(number).Value"], values.updateValue(value, forKey: key) == nil else {
                throw Self.invalid("the tag '\(key)' has no value, or stands there twice")
            }
            number += 1
        }
        guard values.count <= 50, form.names.count(where: { $0.hasPrefix("Tags.member.") }) == 2 * values.count else {
            throw Self.invalid("tags are numbered from 1, and at most 50")
        }
    }

    func describe(in context: inout PolicyContext) {
        guard !values.isEmpty else { return }
        for (name, value) in values { context.set("aws:RequestTag/\(name)", value) }
        context.set("aws:TagKeys", values.keys.sorted())
    }

    private static func invalid(_ text: String) -> Refusal { Refusal("ValidationError", 400, text) }
}

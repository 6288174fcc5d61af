import PouchKit

/// A value of a setting whose type only the plugin's manifest knows.
package struct SettingValue: Decodable, Hashable, Sendable {
    let text: String?
    let integer: Int64?
    let boolean: Bool?
    /// `{ file: PATH }` or `{ environment: NAME }`.
    let secret: SecretPlace?

    package init(text: String) {
        self.text = text
        integer = Int64(text)
        boolean = nil
        secret = nil
    }

    package init(secretFile path: String) {
        secret = SecretPlace(file: path, environment: nil)
        (text, integer, boolean) = (nil, nil, nil)
    }

    package init(secretVariable name: String) {
        secret = SecretPlace(file: nil, environment: name)
        (text, integer, boolean) = (nil, nil, nil)
    }

    package init(from decoder: any Decoder) throws {
        let value = try decoder.singleValueContainer()
        boolean = try? value.decode(Bool.self)
        integer = boolean == nil ? try? value.decode(Int64.self) : nil
        let plain = try? value.decode(String.self)
        // JSON's numbers are no texts; YAML's are.
        text = plain ?? integer.map(String.init)
        guard text == nil, boolean == nil else {
            secret = nil
            return
        }
        secret = try SecretPlace(from: decoder)
    }

    func isNot(_ expected: String) -> SettingsProblem {
        let found = text.map { "'\(VisibleText.escaped(String($0.prefix(60))))'" } ?? boolean.map(String.init) ?? "a mapping"
        return SettingsProblem(at: [], "expected \(expected), found \(found)")
    }

    /// With a value in the place of each `{name}`.
    package func filled(_ values: [String: String]) -> SettingValue {
        guard let text else { return self }
        return SettingValue(text: values.reduce(text) { $0.replacing("{\($1.key)}", with: $1.value) })
    }
}

/// Where a secret stands. It is read when the plugin starts, and crosses its pipe only.
struct SecretPlace: Decodable, Hashable, Sendable {
    let file: String?
    let environment: String?

    private enum CodingKeys: String, CodingKey { case file, environment }
}

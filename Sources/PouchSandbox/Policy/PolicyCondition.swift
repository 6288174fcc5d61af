import PouchKit

/// The facts that conditions ask about: names without regard to case, each with one or more values.
package struct PolicyContext: Sendable {
    private var values: [String: [String]] = [:]

    package init() {}

    package subscript(_ key: String) -> [String]? { values[key.lowercased()] }

    package mutating func set(_ key: String, _ value: String?) {
        if let value { values[key.lowercased()] = [value] }
    }

    package mutating func set(_ key: String, _ value: Bool) { set(key, value ? "true" : "false") }

    package mutating func set(_ key: String, _ list: [String]) { values[key.lowercased()] = list }
}

/// One line of a statement's `Condition`: an operator, a key, the values that were written.
package struct PolicyCondition: Sendable, Hashable {
    package enum Quantifier: String, Sendable { case none = "", all = "ForAllValues:", any = "ForAnyValue:" }

    package enum Comparison: String, Sendable, CaseIterable {
        case stringEquals = "StringEquals", stringNotEquals = "StringNotEquals"
        case stringEqualsIgnoreCase = "StringEqualsIgnoreCase", stringNotEqualsIgnoreCase = "StringNotEqualsIgnoreCase"
        case stringLike = "StringLike", stringNotLike = "StringNotLike"
        case arnEquals = "ArnEquals", arnLike = "ArnLike", arnNotEquals = "ArnNotEquals", arnNotLike = "ArnNotLike"
        case bool = "Bool", null = "Null"
        case numericEquals = "NumericEquals", numericNotEquals = "NumericNotEquals"
        case numericLessThan = "NumericLessThan", numericLessThanEquals = "NumericLessThanEquals"
        case numericGreaterThan = "NumericGreaterThan", numericGreaterThanEquals = "NumericGreaterThanEquals"
        case dateEquals = "DateEquals", dateNotEquals = "DateNotEquals"
        case dateLessThan = "DateLessThan", dateLessThanEquals = "DateLessThanEquals"
        case dateGreaterThan = "DateGreaterThan", dateGreaterThanEquals = "DateGreaterThanEquals"

        /// True for the operators that hold when no value is like any of those written, and when there is no value at all.
        var isNegated: Bool { rawValue.contains("Not") }
    }

    package let quantifier: Quantifier
    package let comparison: Comparison
    package let isIfExists: Bool
    package let key: String
    package let values: [String]

    /// `nil` for an operator that the sandbox does not know.
    package init?(operatorName: String, key: String, values: [String]) {
        var name = operatorName
        var quantifier = Quantifier.none
        for candidate in [Quantifier.all, .any] where name.hasPrefix(candidate.rawValue) {
            quantifier = candidate
            name.removeFirst(candidate.rawValue.count)
        }
        isIfExists = name.hasSuffix("IfExists")
        if isIfExists { name.removeLast("IfExists".count) }
        guard let comparison = Comparison(rawValue: name), !(comparison == .null && isIfExists) else { return nil }
        self.quantifier = quantifier
        self.comparison = comparison
        self.key = key
        self.values = values
    }

    package var operatorName: String { quantifier.rawValue + comparison.rawValue + (isIfExists ? "IfExists" : "") }

    package func holds(in context: PolicyContext) -> Bool {
        let found = context[key]
        if comparison == .null { return values.contains((found?.isEmpty ?? true) ? "true" : "false") }
        guard let found, !found.isEmpty else {
            return isIfExists || (quantifier == .none ? comparison.isNegated : quantifier == .all)
        }
        let written = values.map { Self.resolvingVariables($0, in: context) }
        func holds(_ value: String) -> Bool { written.contains { isLike(value, $0) } != comparison.isNegated }
        switch quantifier {
        case .none: return comparison.isNegated ? found.allSatisfy(holds) : found.contains(where: holds)
        case .all: return found.allSatisfy(holds)
        case .any: return found.contains(where: holds)
        }
    }

    /// Whether the value is like what was written; for negated operators too, whose turn comes later.
    private func isLike(_ value: String, _ written: String) -> Bool {
        switch comparison {
        case .stringEquals, .stringNotEquals: Array(value.utf8) == Array(written.utf8)
        case .stringEqualsIgnoreCase, .stringNotEqualsIgnoreCase: value.lowercased() == written.lowercased()
        case .stringLike, .stringNotLike: Wildcard.matches(written, value)
        case .arnEquals, .arnLike, .arnNotEquals, .arnNotLike: Wildcard.matchesARN(written, value)
        case .bool, .null: value.lowercased() == written.lowercased()
        case .numericEquals, .numericNotEquals: number(value, written) { $0 == $1 }
        case .numericLessThan: number(value, written) { $0 < $1 }
        case .numericLessThanEquals: number(value, written) { $0 <= $1 }
        case .numericGreaterThan: number(value, written) { $0 > $1 }
        case .numericGreaterThanEquals: number(value, written) { $0 >= $1 }
        case .dateEquals, .dateNotEquals: time(value, written) { $0 == $1 }
        case .dateLessThan: time(value, written) { $0 < $1 }
        case .dateLessThanEquals: time(value, written) { $0 <= $1 }
        case .dateGreaterThan: time(value, written) { $0 > $1 }
        case .dateGreaterThanEquals: time(value, written) { $0 >= $1 }
        }
    }

    private func number(_ left: String, _ right: String, _ compare: (Double, Double) -> Bool) -> Bool {
        guard let left = Double(left), let right = Double(right) else { return false }
        return compare(left, right)
    }

    private func time(_ left: String, _ right: String, _ compare: (Int64, Int64) -> Bool) -> Bool {
        func seconds(_ text: String) -> Int64? { WireTime.timestamp(iso8601: text)?.seconds ?? Int64(text) }
        guard let left = seconds(left), let right = seconds(right) else { return false }
        return compare(left, right)
    }

    /// `${aws:PrincipalAccount}` becomes the value of that key; `${*}`, `${?}`, `${$}` the character itself. A variable
    /// without a value makes the text match nothing.
    package static func resolvingVariables(_ text: String, in context: PolicyContext) -> String {
        guard text.contains("${") else { return text }
        var result = ""
        var rest = text[...]
        while let start = rest.firstRange(of: "${") {
            result += rest[..<start.lowerBound]
            rest = rest[start.upperBound...]
            guard let end = rest.firstIndex(of: "}") else { return result + "${" + rest }
            let name = String(rest[..<end])
            rest = rest[rest.index(after: end)...]
            result += ["*", "?", "$"].contains(name) ? name : context[name]?.first ?? "\u{0}"
        }
        return result + rest
    }
}

/// The `Condition` object of a statement: operators, keys, values.
struct PolicyConditions: Codable {
    let conditions: [PolicyCondition]

    init(conditions: [PolicyCondition]) { self.conditions = conditions }

    init(from decoder: any Decoder) throws {
        let operators = try decoder.container(keyedBy: AnyName.self)
        var conditions: [PolicyCondition] = []
        // In one order, whatever the text had: the same policy is equal to itself.
        for name in operators.allKeys.sorted(by: { $0.stringValue < $1.stringValue }) {
            let keys = try operators.nestedContainer(keyedBy: AnyName.self, forKey: name)
            for key in keys.allKeys.sorted(by: { $0.stringValue < $1.stringValue }) {
                let values = try keys.decode(OneOrMore<ConditionValue>.self, forKey: key).values.map(\.text)
                guard
                    let condition = PolicyCondition(
                        operatorName: name.stringValue, key: key.stringValue, values: values)
                else {
                    throw DecodingError.dataCorruptedError(
                        forKey: name, in: operators, debugDescription: "unknown condition operator '\(name.stringValue)'")
                }
                conditions.append(condition)
            }
        }
        self.conditions = conditions
    }

    func encode(to encoder: any Encoder) throws {
        var operators = encoder.container(keyedBy: AnyName.self)
        for (name, group) in Dictionary(grouping: conditions, by: \.operatorName) {
            var keys = operators.nestedContainer(keyedBy: AnyName.self, forKey: AnyName(stringValue: name))
            for condition in group { try keys.encode(condition.values, forKey: AnyName(stringValue: condition.key)) }
        }
    }
}

/// A value of a condition: a text, or a Boolean or number that is taken as its text.
private struct ConditionValue: Decodable {
    let text: String

    init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        if let text = try? container.decode(String.self) {
            self.text = text
        } else if let flag = try? container.decode(Bool.self) {
            text = flag ? "true" : "false"
        } else if let number = try? container.decode(Int64.self) {
            text = "\(number)"
        } else {
            text = "\(try container.decode(Double.self))"
        }
    }
}

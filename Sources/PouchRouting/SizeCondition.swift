import PouchKit

/// Which sizes a route takes: `< 20 GiB`, `>= 1 MB`, `1 MB - 500 MB` (both included), several joined by `and`.
package struct SizeCondition: Hashable, Sendable, CustomStringConvertible {
    private struct Clause: Hashable, Sendable {
        let text: String
        let range: ClosedRange<Int64>
    }

    /// As it was written; empty when any size will do.
    package let description: String
    private let clauses: [Clause]

    package static let any = SizeCondition(description: "", clauses: [])

    /// - Throws: `PatternError`, also when no size at all can meet the condition.
    package init(_ text: String) throws(PatternError) {
        var clauses: [Clause] = []
        var possible = Int64(0)...Int64.max
        for (offset, clauseText) in Self.clauses(of: text) {
            let range = try Self.range(of: clauseText, at: offset, in: text)
            guard range.overlaps(possible) else {
                throw PatternError(text: text, offset: offset, what: "no size meets this and what comes before it")
            }
            possible = range.clamped(to: possible)
            clauses.append(Clause(text: clauseText, range: range))
        }
        self.init(description: text, clauses: clauses)
    }

    private init(description: String, clauses: [Clause]) {
        self.description = description
        self.clauses = clauses
    }

    package func holds(for size: Int64) -> Bool { clauses.allSatisfy { $0.range.contains(size) } }

    /// "25 GiB is not '< 20 GiB'"; `nil` when the size meets the condition.
    package func objection(to size: Int64) -> String? {
        clauses.first { !$0.range.contains(size) }.map { "\(ByteCount(bytes: size)) is not '\($0.text)'" }
    }

    /// The texts between `and`s, trimmed, with their offsets.
    private static func clauses(of text: String) -> [(offset: Int, text: String)] {
        var clauses: [(offset: Int, text: String)] = []
        var words: [Substring] = []
        func finish(before next: String.Index) {
            let start = words.first?.startIndex ?? next
            let end = words.last?.endIndex ?? start
            clauses.append((text.unicodeScalars.distance(from: text.startIndex, to: start), String(text[start..<end])))
            words = []
        }
        for word in text.split(separator: " ") {
            if word == "and" { finish(before: word.startIndex) } else { words.append(word) }
        }
        finish(before: text.endIndex)
        return clauses
    }

    private static func range(of clause: String, at offset: Int, in text: String) throws(PatternError) -> ClosedRange<Int64> {
        let example = "write '< 20 GiB', '>= 1 MB' or '1 MB - 500 MB', several joined by 'and'"
        guard !clause.isEmpty else { throw PatternError(text: text, offset: offset, what: "a size is missing", hint: example) }
        for comparison in Comparison.allCases where clause.hasPrefix(comparison.rawValue) {
            let size = try bytes(of: clause.dropFirst(comparison.rawValue.count), at: offset + comparison.rawValue.count, in: text)
            guard let range = comparison.range(from: size) else {
                throw PatternError(text: text, offset: offset, what: "no size is \(clause)", hint: example)
            }
            return range
        }
        let bounds = clause.split(separator: "-", omittingEmptySubsequences: false)
        guard bounds.count == 2 else {
            let isSize = (try? ByteCount(clause)) != nil
            throw PatternError(
                text: text, offset: offset,
                what: isSize
                    ? "'\(clause)' does not say whether more or less is meant" : "'\(clause)' is not a condition on a size",
                hint: isSize ? "write '< \(clause)', '<= \(clause)', '> \(clause)', '>= \(clause)' or '= \(clause)'" : example)
        }
        let low = try bytes(of: bounds[0], at: offset, in: text)
        let highOffset = offset + bounds[0].unicodeScalars.count + 1
        let high = try bytes(of: bounds[1], at: highOffset, in: text)
        guard low <= high else {
            throw PatternError(
                text: text, offset: offset, what: "the range ends before it begins", hint: "write the smaller size first")
        }
        return low...high
    }

    private static func bytes(of text: Substring, at offset: Int, in whole: String) throws(PatternError) -> Int64 {
        let padding = text.prefix { $0 == " " }.count
        var trimmed = text.dropFirst(padding)
        while trimmed.last == " " { trimmed.removeLast() }
        do {
            return try ByteCount(String(trimmed)).bytes
        } catch {
            throw PatternError(text: whole, offset: offset + padding, what: error.text, hint: error.hint)
        }
    }

    /// Longer ones first: `<=` begins with `<`.
    private enum Comparison: String, CaseIterable {
        case atMost = "<="
        case atLeast = ">="
        case lessThan = "<"
        case moreThan = ">"
        case exactly = "="

        func range(from size: Int64) -> ClosedRange<Int64>? {
            switch self {
            case .atMost: 0...size
            case .atLeast: size...Int64.max
            case .lessThan: size == 0 ? nil : 0...(size - 1)
            case .moreThan: size == .max ? nil : (size + 1)...Int64.max
            case .exactly: size...size
            }
        }
    }
}

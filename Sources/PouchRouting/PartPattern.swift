import PouchKit

/// The pattern of one part of a path: runs of single characters, with a wildcard between each two.
///
/// Each run after the first is looked for as far to the left as it goes, and the last one at the end. A run has a fixed
/// length, so nothing is gained by moving one to the right: no choice is ever taken back, and the time is at most the
/// length of the name times the length of the pattern.
struct PartPattern: Hashable, Sendable {
    /// What takes any number of characters.
    enum Wildcard: Hashable, Sendable {
        /// `*`: also none.
        case anything
        /// `{name}`: at least one.
        case capture(String)

        var minimum: Int {
            switch self {
            case .anything: 0
            case .capture: 1
            }
        }
    }

    /// What takes exactly one character.
    enum Single: Hashable, Sendable {
        case literal(UInt32)
        /// `?`
        case any
        /// `[a-z]`, `[!a-z]`
        case set([ClosedRange<UInt32>], isNegated: Bool)

        func takes(_ character: UInt32) -> Bool {
            switch self {
            case .literal(let value): character == value
            case .any: true
            case .set(let ranges, let isNegated): ranges.contains { $0.contains(character) } != isNegated
            }
        }
    }

    struct Run: Hashable, Sendable {
        var singles: [Single] = []
        /// As it was written.
        var source = ""

        var count: Int { singles.count }

        func matches(_ name: NameCharacters, at start: Int) -> Bool {
            guard start >= 0, start + count <= name.count else { return false }
            return singles.indices.allSatisfy { singles[$0].takes(name.values[start + $0]) }
        }

        /// `'.csv'`, or `something like '[0-9]?'` when it is not plain text.
        var inWords: String {
            var text = ""
            for single in singles {
                guard case .literal(let value) = single, let scalar = Unicode.Scalar(value) else {
                    return "something like '\(source)'"
                }
                text.unicodeScalars.append(scalar)
            }
            return "'\(VisibleText.escaped(text))'"
        }
    }

    struct Tail: Hashable, Sendable {
        let wildcard: Wildcard
        var run = Run()
    }

    var first = Run()
    var tails: [Tail] = []

    /// As it was written.
    var source: String {
        tails.reduce(first.source) { text, tail in
            switch tail.wildcard {
            case .anything: text + "*" + tail.run.source
            case .capture(let name): text + "{\(name)}" + tail.run.source
            }
        }
    }

    var captureNames: [String] {
        tails.compactMap { tail in
            guard case .capture(let name) = tail.wildcard else { return nil }
            return name
        }
    }

    /// What the captures took; `nil` when the name does not match. A capture takes as little as possible.
    func match(_ name: NameCharacters) -> [Capture]? {
        guard case .matched(let captures) = compare(name) else { return nil }
        return captures
    }

    /// Why the name does not match: "must end in '.csv'"; `nil` when it does.
    func objection(to name: NameCharacters) -> String? {
        guard case .objection(let words) = compare(name) else { return nil }
        return words
    }

    private enum Comparison {
        case matched([Capture])
        case objection(String)
    }

    private func compare(_ name: NameCharacters) -> Comparison {
        guard let last = tails.last else {
            let isEqual = name.count == first.count && first.matches(name, at: 0)
            return isEqual ? .matched([]) : .objection("must be \(first.inWords)")
        }
        guard first.matches(name, at: 0) else { return .objection("must begin with \(first.inWords)") }
        let end = name.count - last.run.count
        guard last.run.matches(name, at: end) else { return .objection("must end in \(last.run.inWords)") }

        var captures: [Capture] = []
        var position = first.count
        for (index, tail) in tails.enumerated() {
            let earliest = position + tail.wildcard.minimum
            let start: Int
            if index == tails.count - 1 {
                guard end >= earliest else { return .objection(tail.shortage) }
                start = end
            } else {
                let places = earliest..<max(earliest, end + 1)
                guard let place = places.first(where: { tail.run.matches(name, at: $0) }) else { return .objection(tail.absence) }
                start = place
            }
            if case .capture(let captureName) = tail.wildcard {
                captures.append(Capture(name: captureName, value: name.bytes(in: position..<start)))
            }
            position = start + tail.run.count
        }
        return .matched(captures)
    }
}

extension PartPattern.Tail {
    fileprivate var absence: String {
        switch wildcard {
        case .anything: "must contain \(run.inWords)"
        case .capture(let name): "must contain \(run.inWords) after at least one character for {\(name)}"
        }
    }

    fileprivate var shortage: String {
        switch wildcard {
        case .anything: "is too short for its beginning and its end"
        case .capture(let name): "leaves no character for {\(name)}"
        }
    }
}

/// What a `{name}` of a pattern took from a path: never empty, never more than one part.
package struct Capture: Hashable, Sendable, CustomStringConvertible {
    package let name: String
    /// The bytes of the path; not always UTF-8.
    package let value: [UInt8]

    package init(name: String, value: [UInt8]) {
        self.name = name
        self.value = value
    }

    /// `{region} = 'eu-west-1'`
    package var description: String { "{\(name)} = '\(VisibleText.escaped(value))'" }
}

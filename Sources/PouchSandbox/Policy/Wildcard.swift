/// Patterns with `*` (any run of characters) and `?` (any one character), as policies write them.
package enum Wildcard {
    /// Bytes are compared: a policy that spells a name in another Unicode form does not match, as at AWS.
    package static func matches(_ pattern: String, _ text: String) -> Bool {
        matches(Array(pattern.utf8), Array(text.utf8))
    }

    /// The six parts of an ARN are matched one by one, so that a `*` never runs over a colon before the resource. A pattern
    /// without six parts matches nothing, but `*` alone everything.
    package static func matchesARN(_ pattern: String, _ arn: String) -> Bool {
        let patterns = arnParts(pattern)
        let parts = arnParts(arn)
        guard patterns.count == 6, parts.count == 6 else { return pattern == "*" }
        return zip(patterns, parts).allSatisfy { matches(Array($0), Array($1)) }
    }

    private static func arnParts(_ text: String) -> [Substring.UTF8View] {
        text.utf8.split(separator: UInt8(ascii: ":"), maxSplits: 5, omittingEmptySubsequences: false)
    }

    /// Greedy with one way back, so that no pattern takes more than quadratic time.
    private static func matches(_ pattern: [UInt8], _ text: [UInt8]) -> Bool {
        var patternIndex = 0
        var textIndex = 0
        var star: (pattern: Int, text: Int)?
        while textIndex < text.count {
            if patternIndex < pattern.count, pattern[patternIndex] == UInt8(ascii: "*") {
                star = (patternIndex, textIndex)
                patternIndex += 1
            } else if patternIndex < pattern.count,
                pattern[patternIndex] == UInt8(ascii: "?") || pattern[patternIndex] == text[textIndex]
            {
                patternIndex += 1
                textIndex += 1
            } else if let last = star {
                star = (last.pattern, last.text + 1)
                patternIndex = last.pattern + 1
                textIndex = last.text + 1
            } else {
                return false
            }
        }
        return pattern[patternIndex...].allSatisfy { $0 == UInt8(ascii: "*") }
    }
}

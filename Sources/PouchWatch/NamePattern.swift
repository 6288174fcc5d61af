import PouchKit

/// A shell pattern over the bytes of a name or a path: `*`, `?`, `[a-z]`, `[!a]`, `\` before a character that stands for itself.
///
/// Without a `/` it is about the last part of a path. With one it is about the whole path from the drop folder on: `*` and `?` then
/// stay inside one part, and `**` reaches over any number of parts. With a `/` at its end it is about folders only.
struct NamePattern: Hashable, Sendable, CustomStringConvertible {
    let description: String
    private let tokens: [Token]
    private let isAboutPath: Bool
    private let isAboutFolders: Bool

    fileprivate enum Token: Hashable {
        case byte(UInt8)
        case anyByte
        case anyRun
        /// `**`: over parts as well.
        case anyParts
        case set(members: [ClosedRange<UInt8>], isNegated: Bool)
    }

    /// - Throws: `NameError` when the pattern is empty or a `[` in it is not closed.
    init(_ text: String) throws(NameError) {
        var bytes = Array(text.utf8)[...]
        isAboutFolders = bytes.count > 1 && bytes.last == UInt8(ascii: "/")
        if isAboutFolders { bytes.removeLast() }
        isAboutPath = bytes.contains(UInt8(ascii: "/"))
        if bytes.first == UInt8(ascii: "/") { bytes.removeFirst() }
        guard !bytes.isEmpty else { throw NameError(text: VisibleText.escaped(text), expectation: "a pattern like *.tmp") }
        description = VisibleText.escaped(text)
        var tokens: [Token] = []
        while let byte = bytes.popFirst() {
            switch byte {
            case UInt8(ascii: "?"): tokens.append(.anyByte)
            case UInt8(ascii: "*"):
                let beginsPart = tokens.last.map { $0 == .byte(UInt8(ascii: "/")) || $0 == .anyParts } ?? true
                let rest = bytes.dropFirst()
                let isWholePart = beginsPart && bytes.first == byte && (rest.isEmpty || rest.first == UInt8(ascii: "/"))
                if isAboutPath, isWholePart {
                    // With its `/`, since `**/` also stands for nothing: `**/a` is `a` at any depth, the top included.
                    bytes = rest.dropFirst()
                    tokens.append(.anyParts)
                } else {
                    tokens.append(.anyRun)
                }
            case UInt8(ascii: "["):
                guard let set = Self.set(from: &bytes) else {
                    throw NameError(text: VisibleText.escaped(text), expectation: "a pattern whose '[' is closed by a ']'")
                }
                tokens.append(set)
            case UInt8(ascii: "\\"): tokens.append(.byte(bytes.popFirst() ?? byte))
            default: tokens.append(.byte(byte))
            }
        }
        self.tokens = tokens
    }

    func matches(_ path: DropPath, isFolder: Bool) -> Bool {
        if isAboutFolders, !isFolder { return false }
        return matches(isAboutPath ? path.bytes[...] : path.bytes[path.nameStart...])
    }

    /// Greedy with one point to come back to per kind of run: linear for names, at worst quadratic, never exponential.
    private func matches(_ bytes: ArraySlice<UInt8>) -> Bool {
        var token = 0
        var position = bytes.startIndex
        var run: (token: Int, position: Int)?
        var partsRun: (token: Int, position: Int)?
        while true {
            if token == tokens.count, position == bytes.endIndex { return true }
            if token < tokens.count {
                switch tokens[token] {
                case .anyRun:
                    run = (token, position)
                    token += 1
                    continue
                case .anyParts:
                    partsRun = (token, position)
                    run = nil
                    token += 1
                    continue
                case let single where position < bytes.endIndex && single.takes(bytes[position], staysInPart: isAboutPath):
                    token += 1
                    position += 1
                    continue
                default: break
                }
            }
            if let last = run, last.position < bytes.endIndex, !isAboutPath || bytes[last.position] != UInt8(ascii: "/") {
                run = (last.token, last.position + 1)
                (token, position) = (last.token + 1, last.position + 1)
            } else if let last = partsRun,
                let next = Self.nextStart(in: bytes, after: last.position, isLast: last.token + 1 == tokens.count)
            {
                partsRun = (last.token, next)
                run = nil
                (token, position) = (last.token + 1, next)
            } else {
                return false
            }
        }
    }

    /// Where what follows `**` may begin: at the next part; at the very end when nothing follows.
    private static func nextStart(in bytes: ArraySlice<UInt8>, after position: Int, isLast: Bool) -> Int? {
        guard position < bytes.endIndex else { return nil }
        if isLast { return bytes.endIndex }
        return bytes[position...].firstIndex(of: UInt8(ascii: "/")).map { $0 + 1 }
    }

    private static func set(from bytes: inout ArraySlice<UInt8>) -> Token? {
        var isNegated = false
        if let first = bytes.first, first == UInt8(ascii: "!") || first == UInt8(ascii: "^") {
            isNegated = true
            bytes.removeFirst()
        }
        var members: [ClosedRange<UInt8>] = []
        while let low = bytes.popFirst() {
            // A `]` that comes first is a member.
            if low == UInt8(ascii: "]"), !members.isEmpty { return .set(members: members, isNegated: isNegated) }
            let ahead = bytes.prefix(2)
            if ahead.count == 2, ahead.first == UInt8(ascii: "-"), let high = ahead.last, high != UInt8(ascii: "]") {
                bytes.removeFirst(2)
                guard low <= high else { return nil }
                members.append(low...high)
            } else {
                members.append(low...low)
            }
        }
        return nil
    }
}

extension NamePattern.Token {
    fileprivate func takes(_ byte: UInt8, staysInPart: Bool) -> Bool {
        switch self {
        case .byte(let own): own == byte
        case .anyByte: !staysInPart || byte != UInt8(ascii: "/")
        case .set(let members, let isNegated):
            members.contains { $0.contains(byte) } != isNegated && (!staysInPart || byte != UInt8(ascii: "/"))
        case .anyRun, .anyParts: false
        }
    }
}

extension DropPath {
    /// Where the last part begins.
    var nameStart: Int { bytes.lastIndex(of: UInt8(ascii: "/")).map { $0 + 1 } ?? bytes.startIndex }
}

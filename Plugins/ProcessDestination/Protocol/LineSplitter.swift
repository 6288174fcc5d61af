/// Cuts what comes in pieces into lines, and never keeps more than one line of the longest length.
package struct LineSplitter {
    package struct TooLong: Error {
        /// How it begins.
        package let beginning: [UInt8]
    }

    private let longest: Int
    private var rest: [UInt8] = []

    package init(longest: Int) { self.longest = longest }

    /// The lines that end in this piece, without their newline; empty ones are left out.
    package mutating func lines(in piece: [UInt8]) throws(TooLong) -> [[UInt8]] {
        var lines: [[UInt8]] = []
        var start = piece.startIndex
        while let end = piece[start...].firstIndex(of: UInt8(ascii: "\n")) {
            try keep(piece[start..<end])
            if rest.last == UInt8(ascii: "\r") { rest.removeLast() }
            if !rest.isEmpty { lines.append(rest) }
            rest = []
            start = end + 1
        }
        try keep(piece[start...])
        return lines
    }

    private mutating func keep(_ bytes: ArraySlice<UInt8>) throws(TooLong) {
        guard rest.count + bytes.count <= longest else { throw TooLong(beginning: Array((rest + bytes.prefix(200)).prefix(200))) }
        rest += bytes
    }
}

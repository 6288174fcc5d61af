/// One element of BER (X.690) in a file: where it and its contents lie.
struct BERElement: Hashable {
    /// The identifier octet: class, constructed or not, and a tag number below 31.
    let tag: UInt8
    let start: Int64
    /// The first byte of the contents.
    let body: Int64
    /// `nil`: indefinite; the contents end where two zero bytes stand for an element.
    let length: Int64?

    static let endOfContents: UInt8 = 0

    /// - Throws: `SealProblem` for what is no BER, or of a kind that no CMS message has.
    init(at start: Int64, in file: SealedFileReader) throws(SealProblem) {
        let header = try file.bytes(start..<min(start + 10, max(file.size, start + 2)))
        tag = header[0]
        self.start = start
        guard tag & 0x1F != 0x1F else { throw Self.malformed(at: start) }
        let first = header[1]
        if first == 0x80 {
            guard tag & 0x20 != 0 else { throw Self.malformed(at: start) }
            (body, length) = (start + 2, nil)
            return
        }
        guard tag != Self.endOfContents || first == 0 else { throw Self.malformed(at: start) }
        guard first & 0x80 != 0 else {
            (body, length) = (start + 2, Int64(first))
            try checkEnd(in: file)
            return
        }
        let digits = Int(first & 0x7F)
        guard digits <= 8, header.count >= 2 + digits, header[2] & 0x80 == 0 || digits < 8 else { throw Self.malformed(at: start) }
        body = start + 2 + Int64(digits)
        length = header[2..<2 + digits].reduce(0) { $0 << 8 | Int64($1) }
        try checkEnd(in: file)
    }

    private func checkEnd(in file: SealedFileReader) throws(SealProblem) {
        if let length, length > file.size - body { throw SealedFileReader.truncated }
    }

    /// The first byte after the element, its end-of-contents included.
    func end(in file: SealedFileReader, depth: Int = 0) throws(SealProblem) -> Int64 {
        if let length { return body + length }
        guard depth < 16 else { throw Self.malformed(at: start) }
        var next = body
        while true {
            let child = try BERElement(at: next, in: file)
            if child.tag == Self.endOfContents { return child.body }
            next = try child.end(in: file, depth: depth + 1)
        }
    }

    static func malformed(at place: Int64) -> SealProblem {
        SealProblem("is not a CMS message in DER or BER: byte \(place) is wrong")
    }
}

/// Takes the elements inside an element, one after the other.
struct BERContents {
    let file: SealedFileReader
    private let element: BERElement
    private var next: Int64

    init(of element: BERElement, in file: SealedFileReader) {
        self.file = file
        self.element = element
        next = element.body
    }

    /// The next element without taking it; `nil` at the end.
    func peek() throws(SealProblem) -> BERElement? {
        if let length = element.length, next >= element.body + length { return nil }
        let found = try BERElement(at: next, in: file)
        guard let length = element.length else { return found.tag == BERElement.endOfContents ? nil : found }
        guard try found.end(in: file) <= element.body + length else { throw BERElement.malformed(at: next) }
        return found
    }

    /// Takes the next element, which must have this tag.
    mutating func take(_ tag: UInt8) throws(SealProblem) -> BERElement {
        guard let found = try peek(), found.tag == tag else { throw BERElement.malformed(at: next) }
        next = try found.end(in: file)
        return found
    }

    mutating func takeIfPresent(_ tag: UInt8) throws(SealProblem) -> BERElement? {
        try peek()?.tag == tag ? try take(tag) : nil
    }

    /// Where the element ends, when all of it was taken.
    func end() throws(SealProblem) -> Int64 {
        guard try peek() == nil else { throw BERElement.malformed(at: next) }
        return element.length == nil ? next + 2 : next
    }

    /// The bytes of an element as they stand, for one that is not large.
    func bytes(of element: BERElement) throws(SealProblem) -> [UInt8] {
        let end = try element.end(in: file)
        guard end - element.start <= 1 << 20 else { throw BERElement.malformed(at: element.start) }
        return try file.bytes(element.start..<end)
    }
}

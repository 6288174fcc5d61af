/// A sealed file taken apart, without its content in memory: CMS AuthEnvelopedData (RFC 5083).
///
/// OpenSSL reads a CMS message whole into memory, several times over. So the structure is read here, OpenSSL gets the same message
/// without its content, and the content is fed to it piece by piece.
struct SealedMessage {
    private enum Identifier {
        static let authEnvelopedData: [UInt8] = [6, 11, 42, 0x86, 0x48, 0x86, 0xF7, 13, 1, 9, 16, 1, 23]
        static let envelopedData: [UInt8] = [6, 9, 42, 0x86, 0x48, 0x86, 0xF7, 13, 1, 7, 3]
        static let data: [UInt8] = [6, 9, 42, 0x86, 0x48, 0x86, 0xF7, 13, 1, 7, 1]
    }

    private enum Tag {
        static let integer: UInt8 = 0x02
        static let octets: UInt8 = 0x04
        static let identifier: UInt8 = 0x06
        static let sequence: UInt8 = 0x30
        static let set: UInt8 = 0x31
        static let constructed0: UInt8 = 0xA0
        static let constructed1: UInt8 = 0xA1
        static let constructed2: UInt8 = 0xA2
        static let primitive0: UInt8 = 0x80
    }

    /// OpenSSL compares as many bytes as the message has of its tag, be it one: one of 256 changed messages would be opened.
    private static let tagLength: Int64 = 16

    /// The message in DER, its content left out.
    let head: [UInt8]
    /// Either one run of bytes, or octet strings one after the other.
    private let content: BERElement
    private let file: SealedFileReader

    init(_ file: SealedFileReader) throws(SealProblem) {
        self.file = file
        let start = try file.bytes(0..<min(file.size, 5))
        guard start != Array("-----".utf8) else {
            throw SealProblem(
                "is PEM", hint: "make it DER first: openssl cms -cmsout -inform PEM -outform DER -in FILE -out FILE.cms")
        }
        guard start.count == 5, start[0] == Tag.sequence else {
            throw SealProblem("is not a sealed file: it does not begin as a CMS message does")
        }
        let outermost = try BERElement(at: 0, in: file)
        var message = BERContents(of: outermost, in: file)
        let kind = try message.bytes(of: try message.take(Tag.identifier))
        try Self.demandAuthenticated(kind)
        var wrapper = BERContents(of: try message.take(Tag.constructed0), in: file)
        guard try message.end() == file.size else { throw SealProblem("goes on after the end of the sealed message") }
        var envelope = BERContents(of: try wrapper.take(Tag.sequence), in: file)
        _ = try wrapper.end()
        let version = try envelope.bytes(of: try envelope.take(Tag.integer))
        // Certificates of whoever sealed: nothing is needed of them.
        _ = try envelope.takeIfPresent(Tag.constructed0)
        let recipients = try envelope.bytes(of: try envelope.take(Tag.set))
        var encrypted = BERContents(of: try envelope.take(Tag.sequence), in: file)
        guard try envelope.takeIfPresent(Tag.constructed1) == nil else {
            throw SealProblem("has authenticated attributes, which this version does not read")
        }
        let tag = try envelope.take(Tag.octets)
        guard tag.length == Self.tagLength else {
            throw SealProblem(
                "has no tag of \(Self.tagLength) bytes: a shorter one lets changes through",
                hint: "it was changed on its way, or sealed by another program with a shorter tag")
        }
        let mac = try envelope.bytes(of: tag)
        _ = try envelope.takeIfPresent(Tag.constructed2)
        _ = try envelope.end()

        let contentType = try encrypted.bytes(of: try encrypted.take(Tag.identifier))
        guard contentType == Identifier.data else { throw SealProblem("holds another CMS message, not a file") }
        let algorithm = try encrypted.bytes(of: try encrypted.take(Tag.sequence))
        guard let content = try encrypted.peek() else { throw SealProblem("has no content: it was kept apart from the message") }
        guard [Tag.constructed0, Tag.primitive0].contains(content.tag) else { throw BERElement.malformed(at: content.start) }
        self.content = try encrypted.take(content.tag)
        _ = try encrypted.end()

        let body = Self.der(Tag.sequence, version + recipients + Self.der(Tag.sequence, contentType + algorithm) + mac)
        head = Self.der(Tag.sequence, kind + Self.der(Tag.constructed0, body))
    }

    private static func demandAuthenticated(_ kind: [UInt8]) throws(SealProblem) {
        if kind == Identifier.envelopedData {
            throw SealProblem(
                "is encrypted and not authenticated (EnvelopedData): a change on its way would not show",
                hint: "when it is to be opened all the same: openssl cms -decrypt"
            )
        }
        guard kind == Identifier.authEnvelopedData else { throw SealProblem("is a CMS message of another kind, not a sealed file") }
    }

    private static func der(_ tag: UInt8, _ contents: [UInt8]) -> [UInt8] {
        guard contents.count >= 0x80 else { return [tag, UInt8(contents.count)] + contents }
        var digits: [UInt8] = []
        var rest = contents.count
        while rest > 0 {
            digits.insert(UInt8(rest & 0xFF), at: 0)
            rest >>= 8
        }
        return [tag, 0x80 | UInt8(digits.count)] + digits + contents
    }

    /// Lends the encrypted content, in pieces of at most the buffer's size.
    func forEachPiece(
        _ buffer: UnsafeMutableRawBufferPointer,
        _ body: (UnsafeRawBufferPointer) throws(SealProblem) -> Void
    ) throws(SealProblem) {
        guard content.tag == Tag.constructed0 else { return try lend(content, buffer, body) }
        var parts = BERContents(of: content, in: file)
        while try parts.peek() != nil { try lend(try parts.take(Tag.octets), buffer, body) }
    }

    private func lend(
        _ element: BERElement,
        _ buffer: UnsafeMutableRawBufferPointer,
        _ body: (UnsafeRawBufferPointer) throws(SealProblem) -> Void
    ) throws(SealProblem) {
        // A primitive element always says how long it is.
        guard let length = element.length else { throw BERElement.malformed(at: element.start) }
        var offset = element.body
        while offset < element.body + length {
            let end = min(offset + Int64(buffer.count), element.body + length)
            let piece = UnsafeMutableRawBufferPointer(rebasing: buffer[..<Int(end - offset)])
            try file.read(offset..<end, into: piece)
            try body(UnsafeRawBufferPointer(piece))
            offset = end
        }
    }
}

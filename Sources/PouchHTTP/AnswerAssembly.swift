/// Puts an answer together from what comes in, within bounds: a value, fed with lines and pieces.
struct AnswerAssembly {
    /// S3 allows 2 KiB of metadata; with everything else an answer's headers stay far below these.
    static let mostHeaderBytes = 64 << 10
    static let mostHeaders = 256

    private let maximumBody: Int
    private var headers = HTTPHeaders()
    private var headerBytes = 0
    private var status = 0
    private var hasEndOfHeaders = false
    private(set) var body: [UInt8] = []

    init(maximumBody: Int) { self.maximumBody = maximumBody }

    /// All bytes so far, those of interim answers included: whether something moves.
    private(set) var bytesReceived: Int64 = 0

    /// Takes a header line as libcurl gives it, line break included.
    ///
    /// - Returns: Why it is one too many, or `nil`.
    mutating func take(line: UnsafeRawBufferPointer) -> String? {
        bytesReceived += Int64(line.count)
        headerBytes += line.count
        guard headerBytes <= Self.mostHeaderBytes else { return "its headers have more than \(Self.mostHeaderBytes) bytes" }
        var text = line[...]
        while let last = text.last, last == 0x0D || last == 0x0A { text.removeLast() }
        if text.starts(with: "HTTP/".utf8) {
            beginAnswer(statusLine: text)
            return nil
        }
        guard !text.isEmpty else {
            hasEndOfHeaders = true
            return nil
        }
        guard headers.fields.count < Self.mostHeaders else { return "it has more than \(Self.mostHeaders) headers" }
        append(text)
        return nil
    }

    /// - Returns: Why it is too much, or `nil`.
    mutating func take(bodyPiece piece: UnsafeRawBufferPointer) -> String? {
        bytesReceived += Int64(piece.count)
        guard piece.count <= maximumBody - body.count else { return "its body has more than \(maximumBody) bytes" }
        body.append(contentsOf: piece)
        return nil
    }

    /// False where the connection ended in the midst of the headers, or after an interim answer: libcurl calls both a success.
    var isComplete: Bool { status >= 200 && hasEndOfHeaders }

    /// `transmissions`: how often the request was begun.
    func response(transmissions: Int) -> HTTPResponse {
        HTTPResponse(status: status, headers: headers, body: body, transmissions: transmissions)
    }

    /// An interim answer (1xx) is followed by another, which starts afresh; its bytes count on, so that there is an end to them.
    private mutating func beginAnswer(statusLine: Slice<UnsafeRawBufferPointer>) {
        headers = HTTPHeaders()
        hasEndOfHeaders = false
        let code = statusLine.split(separator: UInt8(ascii: " "), maxSplits: 2).dropFirst().first
        status = code.flatMap { Int(String(decoding: $0, as: UTF8.self)) } ?? 0
    }

    private mutating func append(_ line: Slice<UnsafeRawBufferPointer>) {
        // A continuation line (obs-fold) belongs to the header before it.
        if let first = line.first, Self.isBlank(first) {
            headers.continueLast(with: Self.trimmed(line))
            return
        }
        let colon = line.firstIndex(of: UInt8(ascii: ":")) ?? line.endIndex
        headers.append(name: Self.trimmed(line[..<colon]), value: Self.trimmed(line[colon...].dropFirst()))
    }

    private static func trimmed(_ text: Slice<UnsafeRawBufferPointer>) -> String {
        var text = text
        while let first = text.first, isBlank(first) { text.removeFirst() }
        while let last = text.last, isBlank(last) { text.removeLast() }
        return String(decoding: text, as: UTF8.self)
    }

    private static func isBlank(_ byte: UInt8) -> Bool { byte == UInt8(ascii: " ") || byte == UInt8(ascii: "\t") }
}

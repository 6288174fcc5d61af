import Glibc

/// One connection of a `ScriptedServer`, used by the thread that plays its script. Everything blocks.
package final class ScriptedConnection {
    /// The other side closed, or the server was stopped.
    package struct Ended: Error {}

    /// Counted from 1 in the order of acceptance.
    package let number: Int
    private let descriptor: Int32
    private var unread: [UInt8] = []
    private let block = UnsafeMutableRawBufferPointer.allocate(byteCount: 256 << 10, alignment: 16)
    private(set) var endsWithReset = false

    init(number: Int, descriptor: Int32) {
        self.number = number
        self.descriptor = descriptor
    }

    deinit { block.deallocate() }

    /// Reads up to the empty line.
    package func readHead() throws(Ended) -> ScriptedRequest {
        let end = Array("\r\n\r\n".utf8)
        var searched = 0
        while true {
            var index = max(0, searched - 3)
            while index + 4 <= unread.count {
                if unread[index] == 13, unread[index..<index + 4].elementsEqual(end) {
                    let head = ScriptedRequest(head: Array(unread[..<index]))
                    unread.removeFirst(index + 4)
                    return head
                }
                index += 1
            }
            searched = unread.count
            try readMore()
        }
    }

    /// Reads the head and hands its whole body to `taking`, piece by piece.
    @discardableResult
    package func readRequest(_ taking: (UnsafeRawBufferPointer) -> Void = { _ in }) throws(Ended) -> ScriptedRequest {
        let request = try readHead()
        try readBody(request.contentLength, taking)
        return request
    }

    /// Reads exactly `count` bytes.
    package func readBody(_ count: Int, _ taking: (UnsafeRawBufferPointer) -> Void = { _ in }) throws(Ended) {
        var left = count
        if !unread.isEmpty {
            let taken = min(left, unread.count)
            unread.withUnsafeBytes { taking(UnsafeRawBufferPointer(rebasing: $0[..<taken])) }
            unread.removeFirst(taken)
            left -= taken
        }
        while left > 0 {
            let count = try receive(into: UnsafeMutableRawBufferPointer(rebasing: block[..<min(left, block.count)]))
            taking(UnsafeRawBufferPointer(rebasing: block[..<count]))
            left -= count
        }
    }

    package func send(_ text: String) throws(Ended) { try send(Array(text.utf8)) }

    package func send(_ bytes: [UInt8]) throws(Ended) {
        var sent = 0
        while sent < bytes.count {
            let count = bytes.withUnsafeBytes { bytes in
                Glibc.send(descriptor, bytes.baseAddress.map { $0 + sent }, bytes.count - sent, Int32(MSG_NOSIGNAL))
            }
            guard count > 0 else {
                if count < 0 && errno == EINTR { continue }
                throw Ended()
            }
            sent += count
        }
    }

    /// A complete answer with its length.
    package func answer(_ status: Int = 200, headers: [String] = [], body: String = "") throws(Ended) {
        let lines = ["HTTP/1.1 \(status) Scripted", "Content-Length: \(body.utf8.count)"] + headers
        try send(lines.joined(separator: "\r\n") + "\r\n\r\n" + body)
    }

    /// Sends byte by byte, with a pause after each.
    package func drip(_ text: String, every milliseconds: Int32) throws(Ended) {
        for byte in text.utf8 {
            try send([byte])
            try pause(milliseconds: milliseconds)
        }
    }

    /// Does nothing, and reads nothing, until the other side closes or the server is stopped. A close that comes behind more
    /// bytes than the sockets hold is not seen: where the other side may still be sending, read until `Ended` instead.
    package func stall() {
        while !isClosedWithin(-1) {}
    }

    /// Takes its time before going on.
    package func pause(milliseconds: Int32) throws(Ended) {
        guard !isClosedWithin(milliseconds) else { throw Ended() }
    }

    /// Ends the connection with a reset, not with an orderly close, once the script returns.
    package func reset() { endsWithReset = true }

    private func isClosedWithin(_ milliseconds: Int32) -> Bool {
        // POLLRDHUP, which glibc hides: without it, unread bytes would hide the close.
        var poll = pollfd(fd: descriptor, events: 0x2000, revents: 0)
        return Glibc.poll(&poll, 1, milliseconds) != 0 && poll.revents != 0
    }

    private func readMore() throws(Ended) {
        let count = try receive(into: block)
        unread.append(contentsOf: block[..<count])
    }

    private func receive(into buffer: UnsafeMutableRawBufferPointer) throws(Ended) -> Int {
        while true {
            let count = recv(descriptor, buffer.baseAddress, buffer.count, 0)
            if count > 0 { return count }
            guard count < 0, errno == EINTR else { throw Ended() }
        }
    }
}

/// The head of a request as it came over the wire.
package struct ScriptedRequest: Sendable {
    /// `PUT /a HTTP/1.1`.
    package let requestLine: String
    /// In their order, as they were written.
    package let headerLines: [String]

    init(head: [UInt8]) {
        let lines = String(decoding: head, as: UTF8.self).split(separator: "\r\n", omittingEmptySubsequences: false).map(
            String.init)
        requestLine = lines.first ?? ""
        headerLines = Array(lines.dropFirst())
    }

    package var method: String { word(0) }
    package var target: String { word(1) }

    /// The first header of that name, trimmed.
    package subscript(_ name: String) -> String? {
        let prefix = name.lowercased() + ":"
        guard let line = headerLines.first(where: { $0.lowercased().hasPrefix(prefix) }) else { return nil }
        return String(line.dropFirst(prefix.count).drop { $0 == " " })
    }

    package var contentLength: Int { self["Content-Length"].flatMap { Int($0) } ?? 0 }

    private func word(_ index: Int) -> String {
        let words = requestLine.split(separator: " ")
        return index < words.count ? String(words[index]) : ""
    }
}

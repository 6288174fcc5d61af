import CCurl
import Glibc
import PouchKit

/// One request on its way through a session: libcurl's callbacks, and what they gather until its end.
final class SFTPTransfer: Transfer {
    typealias Completion = @Sendable (Result<SFTPAnswer, SFTPFailure>) -> Void

    /// Of what the commands print: the answer to `statvfs` has some 250 bytes.
    private static let mostPrinted = 4_096

    private let options: SFTPOptions
    private let watch: TurnWatch
    private let cancellation: Cancellation
    private let progress: (@Sendable (Int64) -> Void)?
    private let completion: Completion

    private var source: BodySource
    private var patience: Patience
    private var pace: BodyPace
    /// True when the first command, or the transfer, is about to be sent.
    private var isBegun = false
    private var refusedHostKey: SFTPHostKey?
    private var bytesSent: Int64 = 0
    private var bytesReceived: Int64 = 0
    private var printed: [UInt8] = []
    /// Why a callback of ours told libcurl to stop.
    private var stop: (kind: SFTPFailure.Kind, text: String)?

    init(
        _ options: SFTPOptions, watch: TurnWatch, cancellation: Cancellation, progress: (@Sendable (Int64) -> Void)?,
        completion: @escaping Completion
    ) {
        self.options = options
        self.watch = watch
        self.cancellation = cancellation
        self.progress = progress
        self.completion = completion
        if case .upload(let upload) = options.request.transfer {
            source = BodySource(upload.body)
        } else {
            source = BodySource(.none)
        }
        let timeouts = options.server.timeouts
        pace = BodyPace(options.request.budget)
        patience = Patience(HTTPTimeouts(connect: timeouts.connect, answer: timeouts.stall, stall: timeouts.stall))
    }

    var attention: Duration { options.server.timeouts.stall / 4 }

    var restsUntil: Duration? { pace.restsUntil }

    func configure(_ handle: EasyHandle) throws(TransferProblem) {
        try options.apply(to: handle)
        try handle.setSockets(watch.sockets)
        let context = Unmanaged.passUnretained(self).toOpaque()
        try handle.setHostKey { context, _, key, length in
            SFTPTransfer.from(context)?.judge(UnsafeRawBufferPointer(start: key, count: length)) == true
                ? Int32(CURLKHMATCH_OK.rawValue) : Int32(CURLKHMATCH_MISMATCH.rawValue)
        }
        try handle.set(CURLOPT_SSH_HOSTKEYDATA, pointer: context)
        try handle.setBeforeRequest { context, _, _, _, _ in
            SFTPTransfer.from(context)?.isBegun = true
            return CURL_PREREQFUNC_OK
        }
        try handle.set(CURLOPT_PREREQDATA, pointer: context)
        try handle.set(CURLOPT_READFUNCTION) { bytes, size, count, context in
            SFTPTransfer.from(context)?.fill(UnsafeMutableRawBufferPointer(start: bytes, count: size * count))
                ?? Int(CURL_READFUNC_ABORT)
        }
        try handle.set(CURLOPT_READDATA, pointer: context)
        try handle.setSeek { context, offset, origin in
            SFTPTransfer.from(context)?.seek(to: Int64(offset), from: origin) ?? CURL_SEEKFUNC_FAIL
        }
        try handle.set(CURLOPT_SEEKDATA, pointer: context)
        try handle.set(CURLOPT_HEADERFUNCTION) { bytes, size, count, context in
            SFTPTransfer.from(context)?.takePrinted(UnsafeRawBufferPointer(start: bytes, count: size * count)) ?? 0
        }
        try handle.set(CURLOPT_HEADERDATA, pointer: context)
        try handle.set(CURLOPT_WRITEFUNCTION) { bytes, size, count, context in
            SFTPTransfer.from(context)?.take(UnsafeRawBufferPointer(start: bytes, count: size * count)) ?? 0
        }
        try handle.set(CURLOPT_WRITEDATA, pointer: context)
        try handle.setProgress { context, _, _, _, sent in SFTPTransfer.from(context)?.look(bytesSent: Int64(sent)) ?? 1 }
        try handle.set(CURLOPT_XFERINFODATA, pointer: context)
        try handle.set(CURLOPT_NOPROGRESS, 0)
    }

    func end(_ end: TransferEnd, of handle: EasyHandle?) { completion(result(of: end, handle)) }

    private func result(of end: TransferEnd, _ handle: EasyHandle?) -> Result<SFTPAnswer, SFTPFailure> {
        switch end {
        case .completed(let code): result(of: code, handle)
        case .overran(let limit):
            .failure(
                failure(
                    isBegun ? .stalled : .handshake,
                    "the session gave no chance to look at the time for \(limit), and was cut: does the server send without an end?"
                ))
        case .cancelled: .failure(failure(.cancelled, "it was cancelled"))
        case .closed: .failure(failure(.shutDown, "it was ended because the agent stops"))
        case .broken(let problem): .failure(failure(.broken, problem.text))
        }
    }

    private func result(of code: CURLcode, _ handle: EasyHandle?) -> Result<SFTPAnswer, SFTPFailure> {
        let words = handle?.explanation(of: code) ?? ""
        let kept = (try? handle?.number(CURLINFO_NUM_CONNECTS)) == 0
        if let stop { return .failure(failure(stop.kind, stop.text, kept: kept)) }
        if let answer = found(code, words, handle) { return .success(answer) }
        if code == CURLE_OK {
            return .success(SFTPAnswer(status: nil, space: space))
        }
        var kind = SFTPVerdict.kind(of: code, words: words, wasBegun: isBegun)
        if case .hostKey = kind { kind = .hostKey(refusedHostKey) }
        return .failure(
            failure(kind, SFTPVerdict.text(of: kind, code: code, words: words), isOfCommand: code == CURLE_QUOTE_ERROR, kept: kept))
    }

    /// What a look ended with; `nil` when it was none, or found out nothing.
    private func found(_ code: CURLcode, _ words: String, _ handle: EasyHandle?) -> SFTPAnswer? {
        let time = handle?.size(CURLINFO_FILETIME_T)
        func answer(_ status: SFTPStatus?) -> SFTPAnswer { SFTPAnswer(status: status, space: space) }
        switch options.request.transfer {
        case .lookForFolder where code == CURLE_OK:
            return answer(time.map { SFTPStatus(size: nil, modified: $0) })
        case .look(_, let withTime):
            // libcurl has no size to tell of an empty file.
            if code == CURLE_OK {
                return answer(SFTPStatus(size: handle?.size(CURLINFO_CONTENT_LENGTH_DOWNLOAD_T) ?? 0, modified: time))
            }
            guard isBegun else { return nil }
            if withTime, let time, code != CURLE_OPERATION_TIMEDOUT {
                // It is there, and may not be opened.
                return SFTPVerdict.kind(of: code, words: words, wasBegun: true).isAnswer
                    ? answer(SFTPStatus(size: nil, modified: time)) : nil
            }
            return SFTPVerdict.kind(of: code, words: words, wasBegun: true) == .missing ? answer(nil) : nil
        default: return nil
        }
    }

    private var space: SFTPSpace? { SFTPSpace(String(decoding: printed, as: UTF8.self)) }

    private func failure(
        _ kind: SFTPFailure.Kind, _ text: String, isOfCommand: Bool = false, kept: Bool = false
    ) -> SFTPFailure {
        SFTPFailure(
            kind: kind, wasBegun: isBegun, isOfCommand: isOfCommand, usedKeptConnection: kept,
            text: "\(options.server.name): \(VisibleText.escaped(text))")
    }

    // MARK: - Callbacks

    private static func from(_ context: UnsafeMutableRawPointer?) -> SFTPTransfer? {
        context.map { Unmanaged<SFTPTransfer>.fromOpaque($0).takeUnretainedValue() }
    }

    private func judge(_ bytes: UnsafeRawBufferPointer) -> Bool {
        let key = SFTPHostKey(bytes: Array(bytes))
        guard options.judge.isTrusted(key) else {
            refusedHostKey = key
            return false
        }
        return true
    }

    private func fill(_ buffer: UnsafeMutableRawBufferPointer) -> Int {
        let wanted = min(Int64(buffer.count), source.rest)
        guard let room = pace.allowance(of: wanted, at: SystemClock().monotonic) else { return Int(CURL_READFUNC_PAUSE) }
        switch source.read(into: UnsafeMutableRawBufferPointer(rebasing: buffer[..<Int(room)])) {
        case .bytes(let count):
            if count > 0, case .upload(let upload) = options.request.transfer {
                upload.tap?(UnsafeRawBufferPointer(rebasing: buffer[..<count]))
            }
            return count
        case .unreadable(let why):
            stop = (.sourceRead, why)
            return Int(CURL_READFUNC_ABORT)
        }
    }

    /// Where an upload goes on from.
    private func seek(to offset: Int64, from origin: Int32) -> Int32 {
        origin == SEEK_SET && source.seek(to: offset) ? CURL_SEEKFUNC_OK : CURL_SEEKFUNC_FAIL
    }

    private func takePrinted(_ piece: UnsafeRawBufferPointer) -> Int {
        bytesReceived += Int64(piece.count)
        if printed.count + piece.count <= Self.mostPrinted { printed.append(contentsOf: piece) }
        return piece.count
    }

    private func take(_ piece: UnsafeRawBufferPointer) -> Int {
        bytesReceived += Int64(piece.count)
        switch options.request.transfer {
        case .read(_, _, _, let taking) where taking(piece): return piece.count
        case .verify(_, let size): stop = (.sizeDiffers, "the file there has more than \(size) bytes")
        default: stop = (.stopped, "no more was wanted")
        }
        return 0
    }

    private func look(bytesSent sent: Int64) -> Int32 {
        if sent != bytesSent {
            bytesSent = sent
            progress?(sent)
        }
        // libcurl's connect timeout minds the time before.
        let phase = isBegun ? Patience.Phase.sending : .connecting
        let now = SystemClock().monotonic
        watch.sign(at: now)
        // While libcurl waits for the answers that follow a transfer, its loop hears of nothing else.
        guard !cancellation.isRaised else {
            stop = (.cancelled, "it was cancelled")
            return 1
        }
        guard pace.restsUntil == nil else {
            patience.rest(at: now)
            return 0
        }
        guard patience.verdict(at: now, phase: phase, moved: sent + bytesReceived) != nil else { return 0 }
        stop = (.stalled, "no byte moved for \(options.server.timeouts.stall): \(sent) of \(source.count) bytes sent")
        return 1
    }
}

extension SFTPFailure.Kind {
    /// The server answered: the session is sound.
    package var isAnswer: Bool {
        switch self {
        case .missing, .denied, .full, .taken, .unsupported, .refused: true
        default: false
        }
    }
}

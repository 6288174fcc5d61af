import CCurl
import Glibc
import PouchKit

/// One request on its way: libcurl's callbacks, and what they gather until the answer, or the failure, is complete.
final class HTTPTransfer: Transfer {
    typealias Completion = @Sendable (Result<HTTPResponse, HTTPFailure>) -> Void

    private let request: HTTPRequest
    private let network: HTTPNetwork
    private let progress: (@Sendable (Int64) -> Void)?
    private let completion: Completion

    private var source: BodySource
    private var answer: AnswerAssembly
    private var patience: Patience
    /// How often the request was begun; 0 while not a byte of it can have left.
    private var transmissions = 0
    private var bytesSent: Int64 = 0
    private var pace: BodyPace
    /// Why a callback of ours told libcurl to stop.
    private var stop: (kind: HTTPFailure.Kind, text: String)?

    init(
        _ request: HTTPRequest,
        network: HTTPNetwork,
        progress: (@Sendable (Int64) -> Void)?,
        completion: @escaping Completion
    ) {
        self.request = request
        self.network = network
        self.progress = progress
        self.completion = completion
        source = BodySource(request.body)
        answer = AnswerAssembly(maximumBody: request.maximumResponseBody)
        patience = Patience(request.timeouts)
        pace = BodyPace(request.budget)
    }

    var attention: Duration { min(request.timeouts.stall, request.timeouts.answer) / 4 }

    var restsUntil: Duration? { pace.restsUntil }

    func configure(_ handle: EasyHandle) throws(TransferProblem) {
        try HTTPOptions(request: request, network: network).apply(to: handle)
        let context = Unmanaged.passUnretained(self).toOpaque()
        try handle.setBeforeRequest { context, _, _, _, _ in
            HTTPTransfer.from(context)?.transmissions += 1
            return CURL_PREREQFUNC_OK
        }
        try handle.set(CURLOPT_PREREQDATA, pointer: context)
        try handle.set(CURLOPT_READFUNCTION) { bytes, size, count, context in
            HTTPTransfer.from(context)?.fill(UnsafeMutableRawBufferPointer(start: bytes, count: size * count))
                ?? Int(CURL_READFUNC_ABORT)
        }
        try handle.set(CURLOPT_READDATA, pointer: context)
        try handle.setSeek { context, offset, origin in
            HTTPTransfer.from(context)?.seek(to: Int64(offset), from: origin) ?? CURL_SEEKFUNC_FAIL
        }
        try handle.set(CURLOPT_SEEKDATA, pointer: context)
        try handle.set(CURLOPT_HEADERFUNCTION) { bytes, size, count, context in
            HTTPTransfer.from(context)?.takeLine(UnsafeRawBufferPointer(start: bytes, count: size * count)) ?? 0
        }
        try handle.set(CURLOPT_HEADERDATA, pointer: context)
        try handle.set(CURLOPT_WRITEFUNCTION) { bytes, size, count, context in
            HTTPTransfer.from(context)?.takeBody(UnsafeRawBufferPointer(start: bytes, count: size * count)) ?? 0
        }
        try handle.set(CURLOPT_WRITEDATA, pointer: context)
        try handle.setProgress { context, _, _, _, sent in HTTPTransfer.from(context)?.look(bytesSent: Int64(sent)) ?? 1 }
        try handle.set(CURLOPT_XFERINFODATA, pointer: context)
        try handle.set(CURLOPT_NOPROGRESS, 0)
    }

    func end(_ end: TransferEnd, of handle: EasyHandle?) { completion(result(of: end, handle)) }

    private func result(of end: TransferEnd, _ handle: EasyHandle?) -> Result<HTTPResponse, HTTPFailure> {
        switch end {
        case .completed(CURLE_OK) where answer.isComplete: .success(answer.response(transmissions: transmissions))
        case .completed(CURLE_OK): .failure(failure(.cut, "the connection was lost in the midst of the answer's headers"))
        case .completed(let code):
            if let stop {
                .failure(failure(stop.kind, stop.text))
            } else {
                .failure(
                    failure(
                        CurlFailure.kind(of: code, wasBegun: transmissions > 0),
                        CurlFailure.text(of: code, words: handle?.explanation(of: code), wasBegun: transmissions > 0)))
            }
        case .overran(let limit): .failure(failure(.stalled, "libcurl gave no sign of life for \(limit), and was cut off"))
        case .cancelled: .failure(failure(.cancelled, "the transfer was cancelled"))
        case .closed: .failure(failure(.shutDown, "the transfer was ended because the agent stops"))
        case .broken(let problem): .failure(failure(.broken, problem.text))
        }
    }

    private func failure(_ kind: HTTPFailure.Kind, _ text: String) -> HTTPFailure {
        let outcome = transmissions == 0 ? HTTPFailure.Outcome.notSent : .unknown
        return HTTPFailure(kind: kind, outcome: outcome, text: "\(request.origin): \(text)")
    }

    // MARK: - Callbacks

    private static func from(_ context: UnsafeMutableRawPointer?) -> HTTPTransfer? {
        context.map { Unmanaged<HTTPTransfer>.fromOpaque($0).takeUnretainedValue() }
    }

    private func fill(_ buffer: UnsafeMutableRawBufferPointer) -> Int {
        let wanted = min(Int64(buffer.count), source.rest)
        guard let room = pace.allowance(of: wanted, at: SystemClock().monotonic) else { return Int(CURL_READFUNC_PAUSE) }
        switch source.read(into: UnsafeMutableRawBufferPointer(rebasing: buffer[..<Int(room)])) {
        case .bytes(let count): return count
        case .unreadable(let why):
            stop = (.sourceRead, why)
            return Int(CURL_READFUNC_ABORT)
        }
    }

    /// libcurl goes back to the start when a kept connection was dead and the request goes out again on a new one.
    private func seek(to offset: Int64, from origin: Int32) -> Int32 {
        origin == SEEK_SET && source.seek(to: offset) ? CURL_SEEKFUNC_OK : CURL_SEEKFUNC_FAIL
    }

    private func takeLine(_ line: UnsafeRawBufferPointer) -> Int {
        guard let excess = answer.take(line: line) else { return line.count }
        stop = (.tooLarge, "the answer is too large: \(excess)")
        return 0
    }

    private func takeBody(_ piece: UnsafeRawBufferPointer) -> Int {
        guard let excess = answer.take(bodyPiece: piece) else { return piece.count }
        stop = (.tooLarge, "the answer is too large: \(excess)")
        return 0
    }

    /// libcurl asks at each of its steps, and the loop sees to it that there are some while nothing moves.
    private func look(bytesSent sent: Int64) -> Int32 {
        if sent != bytesSent {
            bytesSent = sent
            progress?(sent)
        }
        let now = SystemClock().monotonic
        guard pace.restsUntil == nil else {
            patience.rest(at: now)
            return 0
        }
        switch patience.verdict(at: now, phase: phase, moved: sent + answer.bytesReceived) {
        case nil: return 0
        case .noAnswer:
            stop = (.timeout, "no answer within \(request.timeouts.answer) after the request was sent")
        case .stalled:
            let place =
                phase == .sending ? "\(sent) of \(source.count) bytes sent" : "\(answer.body.count) bytes of the answer here"
            stop = (.stalled, "no byte moved for \(request.timeouts.stall): \(place)")
        }
        return 1
    }

    private var phase: Patience.Phase {
        if transmissions == 0 { return .connecting }
        if !answer.body.isEmpty { return .receiving }
        return bytesSent < source.count ? .sending : .waiting
    }
}

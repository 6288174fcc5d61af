import COpenSSL

/// What OpenSSL says about the call that just failed on this thread.
enum OpenSSLProblem {
    /// The newest entry of this thread's error queue, which is emptied.
    static func latest() -> String {
        let code = ERR_peek_last_error()
        ERR_clear_error()
        guard code != 0 else { return "no reason given" }
        var text = [CChar](repeating: 0, count: 256)
        ERR_error_string_n(code, &text, text.count)
        return String(decoding: text.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }
}

/// For calls that fail only when memory is exhausted or OpenSSL is broken: no input leads here, and going on would sign or
/// record a wrong digest.
func demand(_ result: Int32, _ call: StaticString) {
    precondition(result == 1, "\(call) failed: \(OpenSSLProblem.latest())")
}

func outOfMemory(_ call: StaticString) -> Never { preconditionFailure("\(call) failed: \(OpenSSLProblem.latest())") }

/// Why something could not be sealed or opened, or a certificate not be sealed to.
package struct SealProblem: Error, Hashable, Sendable, CustomStringConvertible {
    package let text: String
    /// The usual reason and the fix, where we know it.
    package let hint: String?
    /// No descriptor or memory was left: it says nothing of the certificate.
    package let isShortage: Bool

    package init(_ text: String, hint: String? = nil, isShortage: Bool = false) {
        self.text = text
        self.hint = hint
        self.isShortage = isShortage
    }

    package var description: String { text + (hint.map { "\nhint: \($0)" } ?? "") }

    /// What OpenSSL says about the call that just failed.
    static func openSSL(_ attempt: String) -> SealProblem { SealProblem("could not \(attempt): \(OpenSSLProblem.latest())") }
}

extension MemoryBIO {
    static func holding(_ text: String) throws(SealProblem) -> MemoryBIO {
        do throws(CertificateFailure) { return try MemoryBIO(text, attempt: "take a text") } catch { throw SealProblem("\(error)") }
    }
}

import ArgumentParser

/// The exit codes that scripts may rely on (sysexits.h where it has a word for it).
extension ExitCode {
    /// Something was tried and did not succeed.
    static let failed = ExitCode(1)
    /// The state folder is in use by another agent.
    static let inUse = ExitCode(75)
    /// The configuration is wrong.
    static let configuration = ExitCode(78)
}

/// Ends the command with a sentence for people on standard error.
struct Refusal: Error {
    let text: String
    let hint: String?
    let code: ExitCode

    init(_ text: String, hint: String? = nil, code: ExitCode = .failed) {
        self.text = text
        self.hint = hint
        self.code = code
    }

    /// Prints the sentence and gives the code to throw.
    func told() -> ExitCode {
        Terminal.complain("error: \(text)")
        if let hint { Terminal.complain("hint: \(hint)") }
        return code
    }
}

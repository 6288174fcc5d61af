import FoundationEssentials
import PouchFiles

/// Who and what exists in the sandbox when it starts: accounts with their users, roles, keys and buckets.
///
/// Policies are written as at AWS, inline or as the path of a file beside the scenario's own.
package struct SandboxScenario: Sendable, Codable {
    package var accounts: [AccountSettings]

    package init(accounts: [AccountSettings]) { self.accounts = accounts }

    /// - Parameter folder: Where paths of policies begin.
    /// - Throws: `ScenarioProblem` that names the place.
    package init(json: [UInt8], folder: String = ".") throws(ScenarioProblem) {
        let decoder = JSONDecoder()
        decoder.userInfo[PolicySource.folderKey] = folder
        do {
            self = try decoder.decode(SandboxScenario.self, from: Data(json))
        } catch {
            throw ScenarioProblem(what: Self.text(of: error))
        }
        try check()
    }

    package static func load(_ path: String) throws(ScenarioProblem) -> SandboxScenario {
        let bytes: [UInt8]
        do {
            bytes = try OpenFile.open(path).readAll(limit: 16 << 20)
        } catch {
            throw ScenarioProblem(what: "\(error)")
        }
        let folder = path.utf8.lastIndex(of: UInt8(ascii: "/")).map { String(path[..<$0]) } ?? "."
        return try SandboxScenario(json: bytes, folder: folder)
    }

    /// What would make requests ambiguous: names used twice.
    private func check() throws(ScenarioProblem) {
        func refuseRepeats(_ names: [String], _ kind: String) throws(ScenarioProblem) {
            var seen = Set<String>()
            for name in names where !seen.insert(name).inserted { throw ScenarioProblem(what: "\(kind) '\(name)' appears twice") }
        }
        try refuseRepeats(accounts.map(\.id), "account")
        try refuseRepeats(accounts.flatMap { $0.buckets.map(\.name) }, "bucket")
        try refuseRepeats(accounts.flatMap { $0.users.compactMap(\.profile) }, "profile")
        try refuseRepeats(accounts.flatMap { account in account.users.map { account.id + "/" + $0.name } }, "user")
        try refuseRepeats(accounts.flatMap { account in account.roles.map { account.id + "/" + $0.name } }, "role")
        try refuseRepeats(accounts.flatMap { account in account.keys.map { $0.arn(in: account.id) } }, "key")
        try refuseRepeats(accounts.flatMap { account in account.queues.map { $0.arn(in: account.id) } }, "queue")
        try refuseRepeats(accounts.flatMap { account in account.topics.map { $0.arn(in: account.id) } }, "topic")
        for account in accounts where account.id.utf8.count != 12 || Int64(account.id) == nil {
            throw ScenarioProblem(what: "'\(account.id)' is not an account id of 12 digits")
        }
    }

    private static func text(of error: any Error) -> String {
        guard let error = error as? DecodingError else { return "\(error)" }
        let context: DecodingError.Context
        var missing = ""
        switch error {
        case .dataCorrupted(let found), .typeMismatch(_, let found), .valueNotFound(_, let found): context = found
        case .keyNotFound(let key, let found):
            context = found
            missing = "'\(key.stringValue)' is missing: "
        @unknown default: return "\(error)"
        }
        let path = context.codingPath.map { $0.intValue.map { "[\($0)]" } ?? $0.stringValue }.joined(separator: ".")
        return (path.isEmpty ? "" : path + ": ") + missing + context.debugDescription
    }
}

/// What is wrong with a scenario.
package struct ScenarioProblem: Error, Hashable, Sendable, CustomStringConvertible {
    package let what: String

    package var description: String { "the scenario cannot be used: \(what)" }
}

/// A policy inline, or the path of a file that holds it.
package struct PolicySource: Sendable, Hashable, Codable {
    static let folderKey = CodingUserInfoKey(rawValue: "folder").unsafelyUnwrapped

    package let document: PolicyDocument

    package init(_ document: PolicyDocument) { self.document = document }

    package init(from decoder: any Decoder) throws {
        document = try decoder.documentHereOrInFile(PolicyDocument.self)
    }

    package func encode(to encoder: any Encoder) throws { try document.encode(to: encoder) }
}

import PouchFiles
import PouchHTTP
import PouchKit
import Synchronization

/// Which host keys are the server's, and which type of key to ask it for.
///
/// A server with several keys shows one of them. libssh2 would take ECDSA, and an operator has pinned the fingerprint of the Ed25519
/// key that the partner sent: so the types of the trusted keys are asked for, and what worked is asked for from then on.
final class HostKeyTrust: Sendable {
    /// What a server is asked to show.
    enum Question: Hashable, Sendable {
        /// A key of libssh2's own choice.
        case anyKey
        case key(type: String)
    }

    /// What one request's judges could not look up.
    final class Lookup: Sendable {
        private let state = Mutex<FileProblem?>(nil)

        /// Nothing was left to open the file of known hosts with.
        var shortage: FileProblem? { state.withLock { $0 } }

        fileprivate func failed(_ problem: FileProblem) {
            if problem.isExhausted { state.withLock { $0 = problem } }
        }
    }

    /// In the order of preference.
    private static let types = ["ssh-ed25519", "ecdsa-sha2-nistp256", "ecdsa-sha2-nistp384", "ecdsa-sha2-nistp521", "ssh-rsa"]
    private static let mostKnownHosts = 8 << 20

    private struct State {
        /// What was asked when the server was last recognised.
        var settled: Question?
        var preferences: [String: MemoryFile] = [:]
        var recognised: String?
    }

    private let host: String
    private let port: Int
    private let trust: SFTPPlan.Trust
    private let state = Mutex(State())

    init(_ plan: SFTPPlan) {
        host = plan.host
        port = plan.port
        trust = plan.trust
    }

    /// The fingerprint by which the server was last recognised.
    var recognised: String? { state.withLock { $0.recognised } }

    /// What worked last time.
    var settled: Question? { state.withLock { $0.settled } }

    func settle(_ question: Question?) { state.withLock { $0.settled = question } }

    func judge(asking question: Question, _ lookup: Lookup) -> SFTPHostKeyJudge {
        var preference: String?
        if case .key(let type) = question { preference = self.preference(type) }
        return SFTPHostKeyJudge(typePreference: preference) { [self] key in
            guard isTrusted(key, lookup) else { return false }
            state.withLock { $0.recognised = key.fingerprint }
            return true
        }
    }

    /// What a person needs to know when the shown key is not trusted: what was expected, and where it says so.
    func expectation() -> String {
        switch trust {
        case .pins(let pins): return "trusted is \(pins.map(\.visible).joined(separator: ", ")) (host-key:)"
        case .knownHosts(let path, _):
            guard let known = try? knownHosts(path) else { return "\(VisibleText.escaped(path)) cannot be read" }
            if known.trusted.isEmpty { return "\(VisibleText.escaped(path)) has no line for \(host), port \(port)" }
            let keys = known.trusted.map { "\($0.key.visible), line \($0.line)" }.joined(separator: "; ")
            return "trusted is \(keys) of \(VisibleText.escaped(path))"
                + (known.revoked.isEmpty ? "" : ", and \(known.revoked.count) revoked")
        }
    }

    /// What to ask, one after the other, until a trusted key is shown.
    func questions() -> [Question] {
        let types: [String]
        switch trust {
        case .pins(let pins):
            types = pins.compactMap(\.type)
            // A fingerprint does not say of what.
            if types.count < pins.count { return [.key(type: Self.types[0]), .anyKey] + Self.types.dropFirst().map(Question.key) }
        case .knownHosts(let path, _):
            types = (try? knownHosts(path))?.trusted.map(\.key.type) ?? []
            if types.isEmpty { return [.key(type: Self.types[0]), .anyKey] }
        }
        let inOrder = Self.types.filter(types.contains).map(Question.key)
        return inOrder.isEmpty ? [.anyKey] : inOrder
    }

    private func isTrusted(_ key: SFTPHostKey, _ lookup: Lookup) -> Bool {
        switch trust {
        case .pins(let pins): return pins.contains { $0.matches(key) }
        case .knownHosts(let path, let addsFirst):
            // One at a time: of two first connections, the second finds what the first has written.
            return state.withLock { _ in
                do throws(FileProblem) {
                    let known = try knownHosts(path, mayBeMissing: addsFirst)
                    guard addsFirst, known.trusted.isEmpty, !known.revoked.contains(where: { $0.key == key }) else {
                        return known.isTrusted(key)
                    }
                    try write(key, to: path)
                    return true
                } catch {
                    // Whoever cannot be looked up is not trusted.
                    lookup.failed(error)
                    return false
                }
            }
        }
    }

    private func knownHosts(_ path: String, mayBeMissing: Bool = false) throws(FileProblem) -> KnownHosts {
        KnownHosts(String(decoding: try contents(path, mayBeMissing), as: UTF8.self), host: host, port: port)
    }

    private func contents(_ path: String, _ mayBeMissing: Bool) throws(FileProblem) -> [UInt8] {
        do throws(FileProblem) { return try OpenFile.open(path).readAll(limit: Self.mostKnownHosts) } catch {
            guard mayBeMissing, error.isMissing else { throw error }
            return []
        }
    }

    private func write(_ key: SFTPHostKey, to path: String) throws(FileProblem) {
        var text = try contents(path, true)
        if let last = text.last, last != UInt8(ascii: "\n") { text.append(UInt8(ascii: "\n")) }
        text += Array((KnownHosts.line(host: host, port: port, key: key) + "\n").utf8)
        try DurableWrite.write(text, to: path, mode: 0o644)
    }

    /// The path of a known_hosts file in memory that makes libcurl ask for keys of that type. Without one the server's first key is
    /// looked at, which is no less safe.
    private func preference(_ type: String) -> String? {
        state.withLock { state in
            if let file = state.preferences[type] { return file.path }
            // libcurl takes the type from the line, and the key is for `isTrusted` to judge.
            let name = port == 22 ? host : "[\(host)]:\(port)"
            guard
                let file = try? MemoryFile(
                    Array("\(name) \(type) \(String(repeating: "A", count: 68))\n".utf8), name: "pouch-host-key-type")
            else { return nil }
            state.preferences[type] = file
            return file.path
        }
    }
}

import PouchFiles
import PouchHTTP
import PouchKit

/// The partner's sessions: who the server is, who we are, and what a request needs beside itself.
final class SFTPLane: Sendable {
    /// Reads the one line of a file of secrets, and refuses one that is open to others.
    typealias SecretReader = @Sendable (String) throws(SettingsProblem) -> Secret

    let trust: HostKeyTrust
    private let engine: SFTPEngine
    private let plan: SFTPPlan
    private let secret: SecretReader

    init(_ plan: SFTPPlan, secret: @escaping SecretReader) {
        self.plan = plan
        self.secret = secret
        trust = HostKeyTrust(plan)
        engine = SFTPEngine(server: plan.server, sessions: plan.sessions)
    }

    enum Trouble: Error {
        case server(SFTPFailure)
        /// A file of secrets cannot be used.
        case secret(SettingsProblem)
        /// This machine had nothing left to look the host key up with.
        case shortage(FileProblem)
    }

    /// Performs a request, under the question that makes the server show a trusted key.
    ///
    /// A request that finds a kept session dead is made once more, over a new one, where it only asks or writes anew: `isRepeatable`.
    func perform(
        isRepeatable: Bool = false, progress: (@Sendable (Int64) -> Void)? = nil, _ request: @Sendable () -> SFTPRequest
    ) async throws(Trouble) -> SFTPAnswer {
        let login = try await login()
        do throws(Trouble) { return try await recognised(request(), as: login, progress) } catch {
            guard isRepeatable, case .server(let failure) = error, failure.usedKeptConnection, failure.isLossOfSession else {
                throw error
            }
        }
        return try await recognised(request(), as: login, progress)
    }

    /// What failures of this lane are explained with.
    func troubles(attempt: String) async -> SFTPTroubles {
        let expectation = await onBlockingThread { [trust] in trust.expectation() }
        var troubles = SFTPTroubles(attempt: attempt, plan: plan, expectation: expectation)
        troubles.keyFile = await keyFile()
        return troubles
    }

    /// `nil` where no key file is used, or it cannot be read.
    func keyFile() async -> PrivateKeyFile? {
        guard case .key(let path, _) = plan.login else { return nil }
        let bytes = await onBlockingThread { try? OpenFile.open(path).readAll(limit: 1 << 20) }
        return bytes.map { PrivateKeyFile(String(decoding: $0, as: UTF8.self)) }
    }

    private func recognised(
        _ request: SFTPRequest, as login: SFTPLogin, _ progress: (@Sendable (Int64) -> Void)?
    ) async throws(Trouble) -> SFTPAnswer {
        let lookup = HostKeyTrust.Lookup()
        do throws(SFTPFailure) { return try await recognised(request, as: login, lookup, progress) } catch {
            // Whoever could not be looked up was not trusted, and nothing was found against it either.
            if error.isQuestionOfTrust, let shortage = lookup.shortage { throw .shortage(shortage) }
            throw .server(error)
        }
    }

    private func recognised(
        _ request: SFTPRequest, as login: SFTPLogin, _ lookup: HostKeyTrust.Lookup, _ progress: (@Sendable (Int64) -> Void)?
    ) async throws(SFTPFailure) -> SFTPAnswer {
        if let settled = trust.settled {
            do throws(SFTPFailure) {
                let judge = trust.judge(asking: settled, lookup)
                return try await engine.perform(request, as: login, trusting: judge, progress: progress)
            } catch {
                guard error.isQuestionOfTrust else { throw error }
                trust.settle(nil)
            }
        }
        var refusal: SFTPFailure?
        for question in trust.questions() {
            do throws(SFTPFailure) {
                let judge = trust.judge(asking: question, lookup)
                let answer = try await engine.perform(request, as: login, trusting: judge, progress: progress)
                trust.settle(question)
                return answer
            } catch {
                guard error.isQuestionOfTrust else {
                    if error.wasBegun { trust.settle(question) }
                    throw error
                }
                // A key that was shown says more than that there is none of the type; the first is of the type that is pinned most.
                switch (error.kind, refusal?.kind) {
                case (.hostKey, .hostKey?): break
                case (.hostKey, _): refusal = error
                default: refusal = refusal ?? error
                }
            }
        }
        throw refusal ?? SFTPFailure(kind: .broken, wasBegun: false, text: "\(plan.server.name): there is no host key to ask for")
    }

    /// Read anew each time: a corrected file helps at once.
    private func login() async throws(Trouble) -> SFTPLogin {
        let (plan, secret) = (plan, secret)
        do throws(SettingsProblem) {
            switch plan.login {
            case .agent: return .agent
            case .key(let path, nil): return .key(path: path, passphrase: nil)
            case .key(let path, let file?):
                return .key(path: path, passphrase: try await onBlockingThread { () throws(SettingsProblem) in try secret(file) })
            case .password(let file):
                return .password(try await onBlockingThread { () throws(SettingsProblem) in try secret(file) })
            }
        } catch {
            throw .secret(error)
        }
    }
}

extension SFTPFailure {
    fileprivate var isLossOfSession: Bool {
        switch kind {
        case .cut, .stalled, .handshake: true
        default: false
        }
    }

    fileprivate var isQuestionOfTrust: Bool {
        switch kind {
        case .hostKey, .noCommonAlgorithm: true
        default: false
        }
    }
}

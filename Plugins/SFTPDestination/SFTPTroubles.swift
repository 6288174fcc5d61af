package import PouchHTTP
package import PouchKit

/// Says what each failure of a session means for a delivery, and who must act: a value, without I/O.
package struct SFTPTroubles: Sendable {
    /// What was being done.
    package enum Step: Sendable, CaseIterable {
        case upload, look, attributes, sidecar, rename, read
    }

    private let attempt: String
    private let plan: SFTPPlan
    /// Which host keys are trusted, and where it says so.
    private let expectation: String
    /// What the private key file tells of itself; `nil` where there is none, or it cannot be read.
    package var keyFile: PrivateKeyFile?
    package var backend = SFTPBackend.current

    package init(attempt: String, plan: SFTPPlan, expectation: String = "") {
        self.attempt = attempt
        self.plan = plan
        self.expectation = expectation
    }

    func failure(_ trouble: SFTPLane.Trouble, while step: Step) -> DeliveryFailure {
        switch trouble {
        case .secret(let problem): secret(problem)
        case .shortage(let problem): shortage("the host key could not be looked up: \(problem)")
        case .server(let failure): self.failure(failure, while: step)
        }
    }

    package func failure(_ failure: SFTPFailure, while step: Step) -> DeliveryFailure {
        switch failure.kind {
        case .badRequest:
            made(.hold, "sftp-unusable", failure, "install a libcurl that is built with libssh2, as Debian's is")
        case .resolve: made(.retry, "unreachable", failure, "look at host: and at the name service of this machine")
        case .connect: made(.retry, "unreachable", failure, nil)
        case .handshake:
            made(
                .retry, "handshake", failure,
                "the server may limit its sessions (sessions: is \(plan.sessions)), or is no SSH server")
        case .noCommonAlgorithm: made(.hold, "no-common-algorithm", failure, algorithmHint)
        case .hostKey(let key): hostKey(failure, key)
        // libssh2 opens the key file for each login; it can be read now.
        case .login where keyFile != nil && failure.text.contains("Unable to open"): shortage(failure.text)
        case .login: made(.hold, "login-denied", failure, loginHint)
        case .stalled, .cut: made(.retry, "connection-lost", failure, nil)
        case .missing, .denied, .full, .taken, .unsupported, .refused: answer(failure, step)
        case .sourceRead:
            made(.retry, "source-unreadable", failure, "the claimed file cannot be read: look at its disk")
        case .cancelled, .shutDown: made(.retry, "stopped", failure, nil)
        case .sizeDiffers: made(.retry, "size-differs", failure, nil)
        case .stopped, .broken: made(.retry, "sftp", failure, nil)
        }
    }

    package func secret(_ problem: SettingsProblem) -> DeliveryFailure {
        guard !problem.isShortage else { return shortage(problem.text) }
        return DeliveryFailure(.hold, code: "secret-unusable", attempt: attempt, cause: problem.text, hint: problem.hint)
    }

    /// This machine could not look something up: it says nothing of the server.
    func shortage(_ cause: String) -> DeliveryFailure {
        DeliveryFailure(.retry, code: DeliveryFailure.shortage, attempt: attempt, cause: cause)
    }

    func taken(_ path: String) -> DeliveryFailure {
        DeliveryFailure(
            .quarantine, code: "key-taken", attempt: attempt,
            cause: "\(VisibleText.escaped(path)) exists and is not of this delivery",
            hint: plan.whenTaken == .fail ? "when-taken: suffix would deliver it beside it" : nil)
    }

    /// Somebody may clear up at any time, and nothing is in danger meanwhile: no person is called.
    func full(_ space: SFTPSpace?, _ failure: SFTPFailure) -> DeliveryFailure {
        let free = space.map { "; \($0.freeBytes) bytes are free there" } ?? ""
        return DeliveryFailure(
            .retry(after: .seconds(60)), code: "disk-full", attempt: attempt,
            cause: "the server's disk is full: \(failure.text)\(free)",
            hint: "\(plan.user)'s space at \(plan.host) must be freed or enlarged by the partner")
    }

    func readOnly(_ failure: SFTPFailure) -> DeliveryFailure {
        made(.hold, "read-only", failure, "the server's file system is read-only: the partner must look at it")
    }

    private func made(_ remedy: DeliveryFailure.Remedy, _ code: String, _ failure: SFTPFailure, _ hint: String?) -> DeliveryFailure
    {
        DeliveryFailure(remedy, code: code, attempt: attempt, cause: failure.text, hint: hint)
    }

    private func hostKey(_ failure: SFTPFailure, _ key: SFTPHostKey?) -> DeliveryFailure {
        let shown = key.map { "the server shows \($0.visible), and " } ?? ""
        return DeliveryFailure(
            .hold, code: "host-key", attempt: attempt, cause: "\(failure.text): \(shown)\(expectation)",
            hint: "nothing was sent. Ask the partner, not the server, whether the key is theirs: only then change the settings")
    }

    private var algorithmHint: String {
        guard backend.isLimitedToOldRSA else { return "compare what the server offers: ssh -vv -p \(plan.port) \(plan.host)" }
        return "\(backend) knows RSA host keys only with SHA-1, which servers refuse since OpenSSH 8.8: "
            + "the partner's server needs an Ed25519 or ECDSA host key, and the trusted key must be that one"
    }

    private var loginHint: String {
        switch plan.login {
        case .password: return "the password of \(plan.user) was refused, or the server takes none: ask the partner"
        case .agent:
            return
                "no key of the SSH agent was accepted: is SSH_AUTH_SOCK in the agent's environment, and is there a key in `ssh-add -l`"
                + (backend.isLimitedToOldRSA ? " that is not RSA?" : "?")
        case .key(let path, let passphraseFile):
            let name = VisibleText.escaped(path)
            guard let keyFile else { return "\(name) cannot be read by this user" }
            if let flaw = keyFile.flaw { return "\(name) cannot be used: \(flaw)" }
            if keyFile.needsPassphrase, passphraseFile == nil { return "\(name) has a passphrase: give passphrase-file:" }
            if keyFile.isRSA, backend.isLimitedToOldRSA {
                return "\(name) is an RSA key, and \(backend) signs with SHA-1, which servers refuse since OpenSSH 8.8: "
                    + "make an Ed25519 key (ssh-keygen -t ed25519) and send the partner its .pub file"
            }
            let which = keyFile.fingerprint.map { " \($0)" } ?? ""
            return "the partner must have the public key\(which) for \(plan.user)"
                + (keyFile.needsPassphrase ? ", and the passphrase must be right" : "")
        }
    }

    /// The server said no. What it says no to tells more than its word.
    private func answer(_ failure: SFTPFailure, _ step: Step) -> DeliveryFailure {
        if case .full = failure.kind { return full(nil, failure) }
        switch (step, failure.kind) {
        case (.attributes, _):
            return made(
                .hold, "attributes-refused", failure, "the server does not let us set modes or times: leave mode: and mtime: out")
        case (.upload, .missing), (.rename, .missing), (.sidecar, .missing):
            return made(
                .hold, "folder-missing", failure,
                plan.makesFolders
                    ? "no folder can be made there" : "the partner must make the folder, or set make-folders: true")
        case (_, .denied):
            return made(.hold, "permission", failure, "\(plan.user) must be allowed to \(deed(step)) in \(place)")
        case (.rename, _):
            return made(
                .hold, "rename-refused", failure,
                "the server takes files and does not rename them: is the folder on one file system? upload: direct does without")
        case (.look, .missing), (.read, .missing): return made(.retry, "gone", failure, nil)
        default:
            return made(
                .hold, "refused", failure,
                "the server does not say why: its log does. \(plan.user) must be able to write to \(place)")
        }
    }

    private func deed(_ step: Step) -> String {
        switch step {
        case .upload, .sidecar: "write"
        case .rename: "rename"
        case .look: "look at files (or set size-check: false and look-first: false)"
        case .read: "read"
        case .attributes: "set attributes"
        }
    }

    private var place: String { plan.base.isEmpty ? "the login's folder" : VisibleText.escaped(plan.base) }
}

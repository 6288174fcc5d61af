import PouchHTTP
package import PouchKit

extension SFTPSettings {
    /// The plan, or all that is wrong. No file is opened.
    package func checked() -> (plan: SFTPPlan?, problems: [SettingsProblem]) {
        var check = SFTPSettingsCheck(settings: self)
        let plan = check.plan()
        return (check.problems.isEmpty ? plan : nil, check.problems)
    }
}

/// Takes one value after the other, and notes what is wrong instead of stopping.
private struct SFTPSettingsCheck {
    let settings: SFTPSettings
    private(set) var problems: [SettingsProblem] = []

    init(settings: SFTPSettings) { self.settings = settings }

    mutating func plan() -> SFTPPlan? {
        checkServer()
        let login = login()
        let trust = trust()
        let base = path(settings.path, at: "path")
        let naming = naming()
        let mode = mode()
        let resumes = resumes()
        let sessions = number(settings.sessions ?? 4, in: 1...32, at: "sessions")
        let timeouts = timeouts()
        guard let login, let trust, let base, let naming else { return nil }
        return SFTPPlan(
            host: settings.host, port: settings.port ?? 22, user: settings.user, login: login, trust: trust, base: base,
            whenTaken: settings.whenTaken ?? .suffix, naming: naming, mode: mode, keepsTime: settings.mtime ?? false,
            sidecars: sidecars(), makesFolders: settings.makeFolders ?? true, checksSize: settings.sizeCheck ?? true,
            looksFirst: settings.lookFirst ?? true, resumes: resumes, sessions: sessions, timeouts: timeouts)
    }

    private mutating func checkServer() {
        let isHost = !settings.host.isEmpty && settings.host.utf8.allSatisfy(Self.belongsInHost)
        if !isHost {
            note(
                "host", "'\(VisibleText.escaped(settings.host))' is no name of a host",
                hint: "as in sftp.example.com; port and user have keys of their own")
        }
        _ = number(settings.port ?? 22, in: 1...65_535, at: "port")
        if settings.user.isEmpty || settings.user.unicodeScalars.contains(where: { $0.value < 0x20 || $0.value == 0x7F }) {
            note("user", "'\(VisibleText.escaped(settings.user))' is no name to log in with")
        }
    }

    private static func belongsInHost(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: "0")...UInt8(ascii: ":"):
            true
        default: "-._".utf8.contains(byte)
        }
    }

    private mutating func login() -> SFTPPlan.Login? {
        var logins: [SFTPPlan.Login] = []
        if let key = settings.privateKey {
            logins.append(.key(path: key.absolute, passphraseFile: settings.passphraseFile?.absolute))
        }
        if let file = settings.passwordFile { logins.append(.password(file: file.absolute)) }
        if settings.agent == true { logins.append(.agent) }
        if settings.passphraseFile != nil, settings.privateKey == nil {
            note("passphrase-file", "there is no private-key that it could open")
        }
        guard logins.count == 1 else {
            let text = logins.isEmpty ? "nothing says how to log in" : "there is more than one way to log in"
            note(nil, text, hint: "give one of private-key:, password-file: and agent: true")
            return nil
        }
        return logins[0]
    }

    private mutating func trust() -> SFTPPlan.Trust? {
        if settings.trustFirstKey == true, settings.knownHosts == nil {
            note("trust-first-key", "there is no known-hosts: file to write the key to")
        }
        switch (settings.knownHosts, settings.hostKey) {
        case (let file?, nil): return .knownHosts(path: file.absolute, addsFirst: settings.trustFirstKey ?? false)
        case (nil, let texts?):
            let pins = texts.elements.compactMap { text -> HostKeyPin? in
                if let pin = HostKeyPin(text) { return pin }
                note(
                    "host-key", "'\(VisibleText.escaped(text))' is no host key",
                    hint: "write \"SHA256:…\" as `ssh-keygen -lf` prints it, or the key itself, \"ssh-ed25519 AAAA…\"")
                return nil
            }
            if texts.elements.isEmpty { note("host-key", "the list is empty") }
            return pins.isEmpty ? nil : .pins(pins)
        case (nil, nil):
            note(
                nil, "nothing says which host key is the server's, and it is never left unchecked",
                hint: "ask the partner for the fingerprint and write host-key: \"SHA256:…\", or name a known-hosts: file")
            return nil
        case (_?, _?):
            note("host-key", "known-hosts: says already which key is trusted", hint: "leave one of them out")
            return nil
        }
    }

    private mutating func naming() -> SFTPPlan.Naming? {
        if settings.staging != nil, settings.upload != .staging {
            note("staging", "is only for upload: staging", hint: "write upload: staging, or leave it out")
        }
        switch settings.upload ?? .hidden {
        case .hidden: return .hidden
        case .part: return .part
        case .direct: return .direct
        case .staging:
            guard let text = settings.staging else {
                note("upload", "'staging' is missing: the folder to upload into", hint: "on the same file system as path:")
                return nil
            }
            return path(text, at: "staging").map { .staging($0) }
        }
    }

    /// In the server's words: absolute, or relative to the login's folder, which is `.`.
    private mutating func path(_ text: String, at key: String) -> String? {
        let parts = text.utf8.split(separator: UInt8(ascii: "/"))
        let isSafe =
            !text.unicodeScalars.contains { $0.value < 0x20 || $0.value == 0x7F } && !parts.contains { $0.elementsEqual("..".utf8) }
        guard !text.isEmpty, isSafe, text != "~", !text.hasPrefix("~/") else {
            note(
                key, "'\(VisibleText.escaped(text))' is no folder at the server",
                hint: "write it absolute, or relative to the folder that the login leads to, which is \".\"")
            return nil
        }
        let relative = parts.filter { !$0.elementsEqual(".".utf8) }.compactMap { String($0) }.joined(separator: "/")
        return text.hasPrefix("/") ? "/" + relative : relative
    }

    private mutating func mode() -> UInt16? {
        guard let text = settings.mode else { return nil }
        guard let mode = FileMode.bits(octal: text) else {
            note(
                "mode", "'\(VisibleText.escaped(text))' is no file mode",
                hint: "write it in octal and in quotes, at most \"0777\", as in \"0640\"")
            return nil
        }
        return mode
    }

    private mutating func sidecars() -> [SFTPSettings.Sidecar] {
        let wanted = settings.sidecar?.elements ?? []
        // In this order: who waits for `.done` finds the checksum there.
        return SFTPSettings.Sidecar.allCases.filter(wanted.contains)
    }

    private mutating func resumes() -> Bool {
        if settings.resume == true, settings.sizeCheck == false {
            note("resume", "needs size-check: what lies there already would be believed unseen")
        }
        return (settings.resume ?? true) && settings.sizeCheck ?? true
    }

    private mutating func timeouts() -> SFTPTimeouts {
        for (span, key) in [(settings.connectTimeout, "connect-timeout"), (settings.timeout, "timeout")] {
            guard let span, !(1_000...3_600_000).contains(span.milliseconds) else { continue }
            note(key, "expected 1s to 1h, found '\(span)'")
        }
        let standard = SFTPTimeouts()
        return SFTPTimeouts(
            connect: settings.connectTimeout?.duration ?? standard.connect, stall: settings.timeout?.duration ?? standard.stall)
    }

    private mutating func number(_ value: Int, in range: ClosedRange<Int>, at key: String) -> Int {
        if !range.contains(value) { note(key, "expected \(range.lowerBound) to \(range.upperBound), found '\(value)'") }
        return value
    }

    private mutating func note(_ key: String?, _ text: String, hint: String? = nil) {
        problems.append(SettingsProblem(at: key.map { [$0] } ?? [], text, hint: hint))
    }
}

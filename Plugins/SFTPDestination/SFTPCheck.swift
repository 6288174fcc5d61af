import PouchFiles
import PouchHTTP
package import PouchKit

extension SFTPDestination {
    package func check() async -> [Finding] { await SFTPCheck(plan: plan, lane: lane).findings() }
}

/// Tries at the server what a delivery does there, with files of its own that are gone afterwards.
private struct SFTPCheck {
    private static let little: Int64 = 1 << 30

    let plan: SFTPPlan
    let lane: SFTPLane

    func findings() async -> [Finding] {
        var findings = backend() + (await login())
        do throws(SFTPLane.Trouble) {
            let folder = try await lane.perform(isRepeatable: true) { SFTPRequest(.lookForFolder(path: here)) }
            let key = lane.trust.recognised ?? "unknown"
            findings.append(Finding(.good, "\(plan.host) showed a trusted host key (\(key)) and let \(plan.user) in"))
            guard folder.status != nil else { return findings + [missing()] }
            findings.append(Finding(.good, "\(VisibleText.escaped(here)) is a folder there"))
        } catch {
            return findings + [await failure(error, "log in to \(plan.host)", .look)]
        }
        return findings + (await trial()) + (await space())
    }

    private var here: String { plan.base.isEmpty ? "." : plan.base }

    private func backend() -> [Finding] {
        let backend = SFTPBackend.current
        guard backend.asksAboutHostKeys else {
            return [
                Finding(
                    .failure, "\(backend): host keys cannot be checked with it",
                    hint: "install a libcurl that is built with libssh2, as Debian's is")
            ]
        }
        let limits =
            ["no rename that replaces, no fsync and no checksum at the server, no certificates"]
            + (backend.isLimitedToOldRSA ? ["RSA keys only with SHA-1, which servers refuse since OpenSSH 8.8"] : [])
        return [Finding(.note, "\(backend): \(limits.joined(separator: "; "))")]
    }

    private func login() async -> [Finding] {
        guard case .key(let path, let passphraseFile) = plan.login else { return [] }
        let name = VisibleText.escaped(path)
        guard let file = await lane.keyFile() else {
            return [Finding(.failure, "\(name) cannot be read", hint: "the agent's user must be able to read its private key")]
        }
        if let flaw = file.flaw { return [Finding(.failure, "\(name) cannot be used: \(flaw)")] }
        var findings: [Finding] = []
        if let status = try? OpenFile.open(path).status(), status.mode & 0o077 != 0 {
            findings.append(Finding(.warning, "others may read or write the private key \(name)", hint: "chmod 600 \(name)"))
        }
        if file.isRSA, SFTPBackend.current.isLimitedToOldRSA {
            findings.append(
                Finding(
                    .warning, "\(name) is an RSA key, which this libcurl can use only with servers that accept SHA-1 signatures",
                    hint: "make an Ed25519 key (ssh-keygen -t ed25519) and send the partner its .pub file"))
        }
        if file.needsPassphrase, passphraseFile == nil {
            findings.append(Finding(.failure, "\(name) has a passphrase", hint: "give passphrase-file:"))
        }
        if let fingerprint = file.fingerprint { findings.append(Finding(.note, "we log in with the key \(fingerprint)")) }
        return findings
    }

    private func missing() -> Finding {
        let text = "\(VisibleText.escaped(here)) is no folder there"
        return plan.makesFolders
            ? Finding(.failure, text, hint: "correct path:, or let the partner make it (a delivery would try to make it, too)")
            : Finding(.failure, text, hint: "correct path:, or let the partner make it")
    }

    /// Upload, look, and rename onto a name that is taken and onto one that is free.
    private func trial() async -> [Finding] {
        let probe = RemotePath.joined(plan.base, ".pouch-probe-\(DeliveryID.random())")
        let names = [probe + ".1.part", probe + ".2.part", probe + ".3.part"]
        let findings = await trial(names)
        _ = try? await lane.perform { SFTPRequest(before: names.map { .perhaps(.remove($0)) }) }
        return findings
    }

    private func trial(_ names: [String]) async -> [Finding] {
        do throws(SFTPLane.Trouble) {
            for (name, text) in zip(names, ["probe", "other probe"]) {
                _ = try await lane.perform(isRepeatable: true) {
                    SFTPRequest(.upload(SFTPUpload(path: name, body: .bytes(Array(text.utf8)))))
                }
            }
        } catch {
            return [await failure(error, "write to \(here)", .upload)]
        }
        var findings = [Finding(.good, "\(plan.user) may write there")]
        if plan.checksSize { findings.append(await size(of: names[0])) }
        if let mode = plan.mode { findings.append(await attributes(mode, of: names[0])) }
        if plan.naming != .direct { findings.append(await rename(names)) }
        return findings
    }

    private func size(of name: String) async -> Finding {
        do throws(SFTPLane.Trouble) {
            let status = try await lane.perform(isRepeatable: true) { SFTPRequest(.look(path: name, withTime: true)) }.status
            guard status?.size == 5 else {
                return Finding(
                    .failure, "the size of an uploaded file cannot be seen",
                    hint: "allow \(plan.user) to read, or set size-check: false")
            }
            return Finding(.good, "the size of an uploaded file can be looked at")
        } catch {
            return await failure(error, "look at a file in \(here)", .look)
        }
    }

    private func attributes(_ mode: UInt16, of name: String) async -> Finding {
        do throws(SFTPLane.Trouble) {
            _ = try await lane.perform { SFTPRequest(before: [.setMode(mode, of: name)]) }
            return Finding(.good, "modes can be set")
        } catch {
            return await failure(error, "set the mode of a file in \(here)", .attributes)
        }
    }

    private func rename(_ names: [String]) async -> Finding {
        let replaces: Bool
        do throws(SFTPLane.Trouble) {
            _ = try await lane.perform { SFTPRequest(before: [.rename(from: names[0], to: names[1])]) }
            replaces = true
        } catch {
            guard case .server(let failure) = error, failure.kind.isAnswer else {
                return await self.failure(error, "rename a file in \(here)", .rename)
            }
            replaces = false
        }
        if replaces {
            let isCovered = plan.looksFirst || plan.whenTaken == .replace
            return Finding(
                isCovered ? .note : .failure, "a rename replaces what is there without a word",
                hint: isCovered
                    ? "with look-first: names are looked at before; another writer may still come in between"
                    : "set look-first: true")
        }
        do throws(SFTPLane.Trouble) {
            _ = try await lane.perform { SFTPRequest(before: [.rename(from: names[0], to: names[2])]) }
            return Finding(.good, "files can be renamed, and a rename replaces nothing")
        } catch {
            return await failure(error, "rename a file in \(here)", .rename)
        }
    }

    private func space() async -> [Finding] {
        guard let space = try? await lane.perform({ SFTPRequest(before: [.freeSpace(at: here)]) }).space else {
            return [Finding(.note, "the server does not tell how much space is free")]
        }
        let isShort = space.freeBytes < Self.little
        return [
            Finding(
                isShort ? .warning : .good, "\(space.freeBytes >> 20) MiB are free there",
                hint: isShort ? "deliveries wait when it is full" : nil)
        ]
    }

    private func failure(_ trouble: SFTPLane.Trouble, _ attempt: String, _ step: SFTPTroubles.Step) async -> Finding {
        let failure = await lane.troubles(attempt: attempt).failure(trouble, while: step)
        return Finding(.failure, "could not \(failure.attempt): \(failure.cause)", hint: failure.hint)
    }
}

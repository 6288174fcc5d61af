import Glibc
import PouchFiles
import PouchHTTP
import PouchKit
import Synchronization

/// What the steps of one attempt have in common: the partner's lane, the names, the failures, and the count of requests.
struct SFTPCourse: Sendable {
    /// Of what lies at the server already, so much is compared with the file before the rest is appended.
    private static let comparedTail: Int64 = 1 << 20

    let file: OutgoingFile
    let context: DeliveryContext
    let plan: SFTPPlan
    let lane: SFTPLane
    let names: RemoteNames
    let requests = RequestCount()
    let started = ContinuousClock.now

    init(file: OutgoingFile, context: DeliveryContext, plan: SFTPPlan, lane: SFTPLane) {
        self.file = file
        self.context = context
        self.plan = plan
        self.lane = lane
        names = RemoteNames(plan: plan, delivery: context.delivery)
    }

    var attempt: String { "deliver \(file.path) to \(plan.location(of: names.final(context.key)))" }

    // MARK: Asking

    /// What lies under the path; `nil` when nothing does.
    func look(at path: String, withTime: Bool = false) async throws(DeliveryFailure) -> SFTPStatus? {
        try await ask(.look) { SFTPRequest(.look(path: path, withTime: withTime)) }.status
    }

    /// Whether anything lies under the path. Most often nothing does, and one question tells; only what may not be opened needs another.
    func exists(at path: String) async throws(DeliveryFailure) -> Bool {
        requests.one()
        do throws(SFTPLane.Trouble) {
            return try await lane.perform(isRepeatable: true) { SFTPRequest(.look(path: path, withTime: false)) }.status != nil
        } catch {
            guard case .server(let failure) = error, failure.kind.isAnswer else { throw await self.failure(error, while: .look) }
            return try await look(at: path, withTime: true) != nil
        }
    }

    /// Whether what lies there, so many bytes of it, is the beginning of the file: its last MiB is read, or all of it.
    func isPrefix(_ path: String, size: Int64, wholly: Bool = false) async throws(DeliveryFailure) -> Bool {
        guard size > 0 else { return true }
        let start = wholly ? 0 : max(0, size - Self.comparedTail)
        let comparison = Comparison(with: file.descriptor, from: start)
        requests.one()
        do throws(SFTPLane.Trouble) {
            _ = try await lane.perform {
                SFTPRequest(.read(path: path, offset: start, count: size - start, taking: { comparison.take($0) }))
            }
        } catch {
            switch error {
            // The first difference stops the reading; and what may not be read is not known to be ours.
            case .server(let failure) where failure.kind == .stopped || failure.kind.isAnswer: return false
            default: throw await self.failure(error, while: .read)
            }
        }
        return comparison.reached == size
    }

    // MARK: Sending

    /// Sends the file from an offset on, with mode and time where they are wanted, and sees to it that the bytes that were sent are
    /// the file's own.
    func send(to path: String, from offset: Int64) async throws(DeliveryFailure) {
        // Computed while it is being sent: a large file need not be read before its first byte leaves.
        async let known = digests()
        let sent = try await upload(to: path, from: offset)
        let digests = try await known.get()
        guard sent == digests.crc64nvme else {
            throw DeliveryFailure(
                .sourceChanged, code: "source-changed", attempt: attempt,
                cause: "the bytes that were sent are not those that the file had when it was claimed")
        }
    }

    private func digests() async -> Result<FileDigests, DeliveryFailure> {
        do throws(DeliveryFailure) { return .success(try await file.digests()) } catch { return .failure(error) }
    }

    private func upload(to path: String, from offset: Int64) async throws(DeliveryFailure) -> CRC64NVME {
        let (file, plan) = (file, plan)
        let prefix: @Sendable () -> SentBytes? = {
            SentBytes.prefix(of: file.descriptor, count: offset).map { SentBytes(after: $0) }
        }
        guard let sent = offset == 0 ? SentBytes() : await onBlockingThread(prefix) else {
            try file.verifyUnchanged()
            throw DeliveryFailure(.retry, code: "source-unreadable", attempt: attempt, cause: "the file cannot be read")
        }
        let upload = SFTPUpload(
            path: path, body: .file(descriptor: file.descriptor, offset: 0, count: file.size), offset: offset,
            mode: plan.mode ?? 0o644, folderMode: plan.makesFolders ? plan.folderMode : nil, tap: { sent.take($0) })
        let request = SFTPRequest(.upload(upload), after: attributes(of: path), budget: context.budget)
        let progress: @Sendable (Int64) -> Void = { [context] in context.report(bytesSent: min(offset + $0, file.size)) }
        requests.one()
        do throws(SFTPLane.Trouble) {
            // Not repeated in the lane: its bytes were seen by the checksum, and how many arrived is for the next attempt to ask.
            _ = try await lane.perform(progress: progress) { request }
        } catch {
            // Whatever the server made of it: a file that is not the one that was claimed is the better reason.
            try file.verifyUnchanged()
            throw await uploadFailure(error, of: path)
        }
        context.report(bytesSent: file.size)
        // The last byte was read: what arrived is what was claimed, or it is not delivered at all.
        try file.verifyUnchanged()
        return sent.checksum
    }

    private func attributes(of path: String) -> [SFTPCommand] {
        var commands: [SFTPCommand] = []
        if let mode = plan.mode { commands.append(.setMode(mode, of: path)) }
        if plan.keepsTime { commands.append(.setModified(file.modified.seconds, of: path)) }
        return commands
    }

    /// Carries the commands out once it is certain, where that can be looked at, that all of the file lies under the path.
    func verify(_ path: String, then commands: [SFTPCommand]) async throws(SFTPLane.Trouble) {
        let request = SFTPRequest(plan.checksSize ? .verify(path: path, size: file.size) : .nothing, after: commands)
        requests.one()
        _ = try await lane.perform(isRepeatable: commands.isEmpty) { request }
    }

    /// What it means that the file could not be verified; `nil` where it was, and something else failed.
    func unverified(_ path: String, _ failure: SFTPFailure) async -> DeliveryFailure? {
        guard plan.checksSize, failure.wasBegun, !failure.isOfCommand else { return nil }
        switch failure.kind {
        case .missing:
            return DeliveryFailure(
                .retry, code: "taken-away", attempt: attempt,
                cause: "\(VisibleText.escaped(path)) is gone right after it was uploaded: \(failure.text)",
                hint: "the server takes files away under that name: choose another upload:")
        case .denied:
            return DeliveryFailure(
                .hold, code: "size-unknown", attempt: attempt,
                cause: "the server does not let us look at \(VisibleText.escaped(path)): \(failure.text)",
                hint: "\(plan.user) must be allowed to read there, or set size-check: false")
        case .sizeDiffers:
            return DeliveryFailure(
                .retry, code: "size-differs", attempt: attempt,
                cause: "\(file.size) bytes were sent to \(VisibleText.escaped(path)), and it has another size: \(failure.text)")
        default: return nil
        }
    }

    /// The beginning of what lies there; `nil` where it may not be read.
    func contents(at path: String, upTo count: Int) async throws(DeliveryFailure) -> [UInt8]? {
        let contents = Mutex<[UInt8]>([])
        requests.one()
        do throws(SFTPLane.Trouble) {
            _ = try await lane.perform(isRepeatable: true) {
                contents.withLock { $0 = [] }
                return SFTPRequest(
                    .read(
                        path: path, offset: 0, count: nil,
                        taking: { bytes in
                            contents.withLock { contents in
                                contents += bytes
                                return contents.count < count
                            }
                        }))
            }
        } catch {
            switch error {
            case .server(let failure) where failure.kind == .stopped: break
            case .server(let failure) where failure.kind.isAnswer: return nil
            default: throw await self.failure(error, while: .read)
            }
        }
        return contents.withLock { Array($0.prefix(count)) }
    }

    func save(_ saved: SavedUpload) async throws(DeliveryFailure) {
        try await context.save(try saved.checkpoint(target: plan.target))
    }

    /// Removes what nobody else has a use for. What cannot be removed bears a name that says what it is.
    func discard(_ paths: [String]) async {
        guard !paths.isEmpty else { return }
        _ = try? await lane.perform { SFTPRequest(before: paths.map { .perhaps(.remove($0)) }) }
    }

    // MARK: Failures

    func ask(
        _ step: SFTPTroubles.Step, _ request: @Sendable () -> SFTPRequest
    ) async throws(DeliveryFailure) -> SFTPAnswer {
        requests.one()
        do throws(SFTPLane.Trouble) { return try await lane.perform(isRepeatable: true, request) } catch {
            throw await failure(error, while: step)
        }
    }

    func failure(_ trouble: SFTPLane.Trouble, while step: SFTPTroubles.Step) async -> DeliveryFailure {
        await lane.troubles(attempt: attempt).failure(trouble, while: step)
    }

    /// Where the server only says that it failed, or hangs up while bytes are coming, its disk may be full or read-only, or a file
    /// stands where a folder must be: it is asked.
    private func uploadFailure(_ trouble: SFTPLane.Trouble, of path: String) async -> DeliveryFailure {
        guard case .server(let failure) = trouble else { return await self.failure(trouble, while: .upload) }
        if failure.isOfCommand { return await self.failure(trouble, while: .attributes) }
        let usual = await self.failure(trouble, while: .upload)
        guard !Task.isCancelled else { return usual }
        let troubles = await lane.troubles(attempt: attempt)
        switch failure.kind {
        case .cut, .refused:
            guard let space = await space() else { return usual }
            if space.isReadOnly { return troubles.readOnly(failure) }
            guard space.freeBytes < min(file.size, 1 << 20) else { return usual }
            // Half a file on a full disk is in everybody's way.
            if plan.naming != .direct { await discard([path]) }
            return troubles.full(space, failure)
        case .missing where plan.makesFolders:
            guard let path = await fileInTheWay() else { return usual }
            return DeliveryFailure(
                .quarantine, code: "folder-is-a-file", attempt: attempt, cause: failure.text,
                hint: "the file \(VisibleText.escaped(path)) has the name of one of the folders of the key")
        default: return usual
        }
    }

    private func space() async -> SFTPSpace? {
        let path = plan.base.isEmpty ? "." : plan.base
        return try? await lane.perform { SFTPRequest(before: [.freeSpace(at: path)]) }.space
    }

    /// A file under the name of one of the key's folders. It is looked for in a folder that is there.
    private func fileInTheWay() async -> String? {
        var isInFolder = await isFolder(plan.base)
        for path in names.folders(of: context.key) where isInFolder {
            if await isFolder(path) { continue }
            isInFolder = false
            let found = try? await lane.perform { SFTPRequest(.look(path: path, withTime: true)) }
            if found?.status != nil { return path }
        }
        return nil
    }

    private func isFolder(_ path: String) async -> Bool {
        let found = try? await lane.perform { SFTPRequest(.lookForFolder(path: path.isEmpty ? "." : path)) }
        return found?.status != nil
    }

    var milliseconds: Int64 {
        let took = (ContinuousClock.now - started).components
        return took.seconds * 1_000 + took.attoseconds / 1_000_000_000_000_000
    }
}

/// How many requests an attempt has made.
final class RequestCount: Sendable {
    private let count = Mutex(0)

    func one() { count.withLock { $0 += 1 } }

    var value: Int { count.withLock { $0 } }
}

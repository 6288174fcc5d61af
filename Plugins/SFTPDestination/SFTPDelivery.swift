import PouchHTTP
import PouchKit

/// One attempt at one delivery: upload under a temporary name, look, rename.
struct SFTPDelivery: Sendable {
    /// Below, starting again costs less than noting on disk that bytes are about to go out.
    static let resumableSize: Int64 = 8 << 20

    let course: SFTPCourse

    private var plan: SFTPPlan { course.plan }
    private var file: OutgoingFile { course.file }
    private var names: RemoteNames { course.names }

    func run(from checkpoint: Checkpoint?) async throws(DeliveryFailure) -> Receipt {
        let context = course.context
        let placement = Placement(course: course)
        try placement.refuseLongNames(of: context.key)
        switch try await earlier(checkpoint, placement) {
        case .done(let key): return try await placement.receipt(for: key, .byQuestion)
        case .whole(let part, let temporary): return try await placement.placed(part, from: temporary)
        case .begun(let part, let bytes): return try await uploaded(part, from: bytes, placement)
        case .nothing: break
        }
        if plan.whenTaken == .fail, try await course.exists(at: names.final(context.key)) {
            throw await placement.taken(context.key)
        }
        if plan.naming == .direct { return try await DirectUpload(course: course, placement: placement).fresh() }
        let saved = SavedUpload(.uploading, context.key, temporary: names.temporary(context.key), of: file)
        return try await uploaded(saved, from: 0, placement)
    }

    private enum Earlier {
        case nothing
        /// So many bytes of it lie there.
        case begun(SavedUpload, Int64)
        /// All of it lies under the temporary name.
        case whole(SavedUpload, String)
        case done(DeliveryKey)
    }

    /// What an earlier attempt left: asked of the server, since its answer may have been lost.
    private func earlier(_ checkpoint: Checkpoint?, _ placement: Placement) async throws(DeliveryFailure) -> Earlier {
        guard course.context.attempt > 1 || checkpoint != nil else { return .nothing }
        guard let saved = checkpoint.flatMap(SavedUpload.init) else {
            return try await placement.delivered().map { .done($0) } ?? .nothing
        }
        guard saved.isOf(file) else {
            await course.discard(saved.temporaries)
            return .nothing
        }
        guard let temporary = saved.temporary else { return try await earlierDirect(saved) }
        if saved.step == .placing {
            switch try await placement.whereabouts(of: saved) {
            case .final: return .done(saved.key)
            case .temporary, .both: return .whole(saved, temporary)
            case .nowhere: return .nothing
            }
        }
        return try await begun(saved, at: temporary)
    }

    /// The name was free when the checkpoint was saved, or its file to be replaced: what lies there now may be ours, in part or whole.
    private func earlierDirect(_ saved: SavedUpload) async throws(DeliveryFailure) -> Earlier {
        let path = names.final(saved.key)
        if plan.checksSize, try await course.look(at: path)?.size == file.size,
            try await course.isPrefix(path, size: file.size, wholly: true)
        {
            return .done(saved.key)
        }
        return try await begun(saved, at: path, isSurelyOurs: false)
    }

    /// The bytes at the server are believed when their last ones are the file's own, and all of them where they may be those of the file
    /// that is to be replaced; otherwise it is written anew.
    private func begun(
        _ saved: SavedUpload, at path: String, isSurelyOurs: Bool = true
    ) async throws(DeliveryFailure) -> Earlier {
        guard plan.resumes, let size = try await course.look(at: path)?.size, (0...file.size).contains(size) else {
            return .begun(saved, 0)
        }
        return .begun(saved, try await course.isPrefix(path, size: size, wholly: !isSurelyOurs) ? size : 0)
    }

    private func uploaded(
        _ saved: SavedUpload, from offset: Int64, _ placement: Placement
    ) async throws(DeliveryFailure) -> Receipt {
        guard let temporary = saved.temporary else {
            return try await DirectUpload(course: course, placement: placement).goOn(saved, from: offset)
        }
        if plan.resumes, file.size > Self.resumableSize { try await course.save(saved) }
        do throws(DeliveryFailure) {
            try await course.send(to: temporary, from: offset)
        } catch {
            // What can be gone on with stays; what is not the file that was claimed goes.
            if error.remedy == .sourceChanged { await course.discard([temporary]) }
            throw error
        }
        return try await placement.placed(saved, from: temporary)
    }
}

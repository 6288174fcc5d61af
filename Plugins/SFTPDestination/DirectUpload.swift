import PouchHTTP
import PouchKit

/// An upload under the final name itself, for servers that cannot rename. Whoever looks too early sees half a file.
struct DirectUpload: Sendable {
    let course: SFTPCourse
    let placement: Placement

    /// Takes the first of the delivery's names under which nothing is. Another writer may come between the look and the upload: the
    /// server offers nothing better.
    func fresh() async throws(DeliveryFailure) -> Receipt {
        for key in placement.keys(startingWith: course.context.key) {
            if course.plan.whenTaken == .replace {
                try await placement.refuseForeignSidecars(of: key)
            } else if try await placement.isTaken(key) {
                continue
            }
            let saved = SavedUpload(.uploading, key, temporary: nil, of: course.file)
            // Visible from the first byte: the delivery must be on disk before.
            try await course.save(saved)
            return try await goOn(saved, from: 0)
        }
        throw await placement.taken(course.context.key)
    }

    func goOn(_ saved: SavedUpload, from offset: Int64) async throws(DeliveryFailure) -> Receipt {
        let path = course.names.final(saved.key)
        try await course.send(to: path, from: offset)
        do throws(SFTPLane.Trouble) { try await course.verify(path, then: []) } catch {
            if case .server(let failure) = error, let meaning = await course.unverified(path, failure) {
                if failure.kind == .sizeDiffers { await course.discard([path]) }
                throw meaning
            }
            throw await course.failure(error, while: .look)
        }
        return try await placement.receipt(for: saved.key, .byAnswer)
    }
}

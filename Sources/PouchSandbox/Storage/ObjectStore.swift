import FoundationEssentials
import PouchFiles
import PouchKit
import Synchronization

/// The objects of all buckets: bytes in files, everything else in memory and in a log that is read at the start.
///
/// It survives the end of its process at any moment; it does not promise to survive a power cut, which for a sandbox would only
/// cost time.
package final class ObjectStore: Sendable {
    let bodies: BodyFiles
    private let log: StoreLog
    private let state: Mutex<StoreIndex>

    package init(folder: String) throws {
        bodies = try BodyFiles(folder: folder + "/bodies")
        var index = StoreIndex()
        log = try StoreLog.open(folder + "/objects.jsonl", into: &index)
        try bodies.removeAll(besides: Set(index.references.keys))
        state = Mutex(index)
    }

    /// Looks, without changing anything.
    package func read<Value: Sendable>(_ look: (StoreIndex) throws(Refusal) -> Value) throws(Refusal) -> Value {
        let answer = state.withLock { index -> Result<Value, Refusal> in
            Result { () throws(Refusal) in try look(index) }
        }
        return try answer.get()
    }

    package func current(_ bucket: String, _ key: ObjectKey) -> StoredObject? { state.withLock { $0.current(bucket, key) } }

    package func versions(_ bucket: String, _ key: ObjectKey) -> [StoredObject] { state.withLock { $0.versions(bucket, key) } }

    package func upload(_ id: String) -> StoredUpload? { state.withLock { $0.uploads[id] } }

    package func uploads(in bucket: String) -> [StoredUpload] {
        state.withLock { index in index.uploads.values.filter { $0.bucket == bucket } }
    }

    /// Decides and changes in one step: `decide` sees what is there and answers with what is to happen, or refuses.
    package func change<Value: Sendable>(
        _ decide: (StoreIndex) throws(Refusal) -> (changes: [StoreChange], answer: Value)
    ) throws(Refusal) -> Value {
        let outcome = state.withLock { index -> Result<(answer: Value, unused: [String]), Refusal> in
            Result { () throws(Refusal) in
                let decision = try decide(index)
                do {
                    try log.append(decision.changes)
                } catch {
                    throw Refusal.internalError("\(error)")
                }
                let unused = decision.changes.flatMap { index.apply($0) }
                return (decision.answer, unused)
            }
        }
        let (answer, unused) = try outcome.get()
        for file in unused { bodies.remove(file) }
        return answer
    }

    /// Keeps the files of a body on disk while somebody reads or copies them.
    package func lend<Value: Sendable>(_ body: StoredBody, to reader: () async throws -> Value) async throws -> Value {
        let files = body.extents.map(\.file)
        state.withLock { $0.retain(files) }
        let outcome: Result<Value, any Error>
        do { outcome = .success(try await reader()) } catch { outcome = .failure(error) }
        let unused = state.withLock { $0.release(files) }
        if !unused.isEmpty { await onBlockingThread { unused.forEach { self.bodies.remove($0) } } }
        return try outcome.get()
    }

    /// For bytes that arrived and then found no object to belong to.
    package func forgetIfUnused(_ body: StoredBody) {
        for extent in body.extents where state.withLock({ $0.references[extent.file] == nil }) { bodies.remove(extent.file) }
    }

    /// All versions of everything, for the judge.
    package func everything() -> [StoredObject] { state.withLock { $0.everything() } }
}

/// A step of the store's history.
package enum StoreChange: Sendable, Codable {
    case put(StoredObject)
    case remove(bucket: String, key: ObjectKey, version: String)
    case begin(StoredUpload)
    case part(upload: String, StoredUpload.Part)
    case end(upload: String)
}

/// What is stored where, in memory.
package struct StoreIndex: Sendable {
    private struct Bucket: Sendable {
        /// In byte order, as listings show them.
        var keys: [ObjectKey] = []
        /// Newest first.
        var versions: [ObjectKey: [StoredObject]] = [:]
    }

    private var buckets: [String: Bucket] = [:]
    package private(set) var uploads: [String: StoredUpload] = [:]
    /// How often each file is used, by objects, parts and readers.
    package private(set) var references: [String: Int] = [:]

    init() {}

    package func current(_ bucket: String, _ key: ObjectKey) -> StoredObject? { buckets[bucket]?.versions[key]?.first }

    package func versions(_ bucket: String, _ key: ObjectKey) -> [StoredObject] { buckets[bucket]?.versions[key] ?? [] }

    /// Keys with the prefix, in order, from the first that comes after `after`.
    package func keys(in bucket: String, prefix: [UInt8], after: [UInt8]?) -> ArraySlice<ObjectKey> {
        guard let keys = buckets[bucket]?.keys else { return [] }
        var start = Self.position(of: ObjectKey(bytes: prefix), in: keys)
        if let after {
            let bound = ObjectKey(bytes: after)
            var position = Self.position(of: bound, in: keys)
            if position < keys.count, keys[position] == bound { position += 1 }
            start = max(start, position)
        }
        return keys[start...].prefix { $0.hasPrefix(prefix) }
    }

    func everything() -> [StoredObject] {
        buckets.sorted { $0.key < $1.key }.flatMap { entry in
            entry.value.keys.flatMap { entry.value.versions[$0] ?? [] }
        }
    }

    /// - Returns: files that nobody uses any more.
    mutating func apply(_ change: StoreChange) -> [String] {
        switch change {
        case .put(let object):
            retain(object.body.extents.map(\.file))
            // A version of the same name is replaced: `null` where no versions are kept.
            let replaced = take(bucket: object.bucket, key: object.key, version: object.version)
            insert(object)
            return replaced.map { release($0.body.extents.map(\.file)) } ?? []
        case .remove(let bucket, let key, let version):
            return take(bucket: bucket, key: key, version: version).map { release($0.body.extents.map(\.file)) } ?? []
        case .begin(let upload):
            for part in upload.parts.values { retain(part.body.extents.map(\.file)) }
            uploads[upload.id] = upload
            return []
        case .part(let id, let part):
            guard uploads[id] != nil else { return [] }
            retain(part.body.extents.map(\.file))
            let replaced = uploads[id]?.parts.updateValue(part, forKey: part.number)
            return replaced.map { release($0.body.extents.map(\.file)) } ?? []
        case .end(let id):
            guard let upload = uploads.removeValue(forKey: id) else { return [] }
            return upload.parts.values.flatMap { release($0.body.extents.map(\.file)) }
        }
    }

    mutating func retain(_ files: [String]) {
        for file in files { references[file, default: 0] += 1 }
    }

    /// - Returns: files that nobody uses any more.
    mutating func release(_ files: [String]) -> [String] {
        files.filter { file in
            let count = (references[file] ?? 1) - 1
            references[file] = count > 0 ? count : nil
            return count == 0
        }
    }

    private mutating func insert(_ object: StoredObject) {
        var bucket = buckets.removeValue(forKey: object.bucket) ?? Bucket()
        defer { buckets[object.bucket] = bucket }
        if bucket.versions[object.key] == nil {
            bucket.keys.insert(object.key, at: Self.position(of: object.key, in: bucket.keys))
        }
        bucket.versions[object.key, default: []].insert(object, at: 0)
    }

    private mutating func take(bucket name: String, key: ObjectKey, version: String) -> StoredObject? {
        guard var versions = buckets[name]?.versions[key], let index = versions.firstIndex(where: { $0.version == version })
        else { return nil }
        let taken = versions.remove(at: index)
        if versions.isEmpty {
            buckets[name]?.versions[key] = nil
            if let keys = buckets[name]?.keys { buckets[name]?.keys.remove(at: Self.position(of: key, in: keys)) }
        } else {
            buckets[name]?.versions[key] = versions
        }
        return taken
    }

    private static func position(of key: ObjectKey, in keys: [ObjectKey]) -> Int {
        var low = 0
        var high = keys.count
        while low < high {
            let middle = (low + high) / 2
            if keys[middle] < key { low = middle + 1 } else { high = middle }
        }
        return low
    }
}

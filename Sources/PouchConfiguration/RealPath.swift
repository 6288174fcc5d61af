import Glibc

/// Where a path leads.
enum RealPath {
    /// Symbolic links are resolved in the part of the path that exists; the rest is taken as it is written.
    static func resolve(_ path: String) -> String {
        var existing = path.split(separator: "/").map(String.init)
        var rest: [String] = []
        while true {
            let candidate = "/" + existing.joined(separator: "/")
            if let real = resolveExisting(candidate) {
                return rest.reversed().reduce(real) { path, part in append(part, to: path) }
            }
            guard let last = existing.popLast() else { return path }
            rest.append(last)
        }
    }

    private static func append(_ part: String, to path: String) -> String {
        guard part == ".." else { return path == "/" ? "/" + part : path + "/" + part }
        return path.lastIndex(of: "/").map { $0 == path.startIndex ? "/" : String(path[..<$0]) } ?? "/"
    }

    /// `nil` when there is nothing, or nothing that we may see.
    private static func resolveExisting(_ path: String) -> String? {
        guard let resolved = realpath(path, nil) else { return nil }
        defer { free(resolved) }
        return String(cString: resolved)
    }
}

import Foundation

/// Whether one folder lies in another, symbolic links resolved as far as the folders exist.
enum FolderNesting {
    static func lies(_ inner: String, in outer: String) -> Bool {
        let (inner, outer) = (resolved(inner), resolved(outer))
        return inner == outer || inner.hasPrefix(outer == "/" ? "/" : outer + "/")
    }

    private static func resolved(_ path: String) -> String {
        URL(fileURLWithPath: path).resolvingSymlinksInPath().standardizedFileURL.path
    }
}

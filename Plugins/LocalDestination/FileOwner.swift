import Glibc

/// Whom a delivered file belongs to; `nil`: as it comes.
struct FileOwner: Hashable, Sendable {
    struct Unknown: Error {
        let text: String
    }

    let user: UInt32?
    let group: UInt32?

    /// `user:group`, `user`, `:group`; names or numbers.
    init(_ text: String) throws(Unknown) {
        let parts = text.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
        guard parts.contains(where: { !$0.isEmpty }), parts.count == 1 || !parts[1].isEmpty else {
            throw Unknown(text: "'\(text)' names neither user nor group")
        }
        user = parts[0].isEmpty ? nil : try Self.user(parts[0])
        group = parts.count == 2 ? try Self.group(parts[1]) : nil
    }

    private static func user(_ text: String) throws(Unknown) -> UInt32 {
        if let number = UInt32(text), number != .max { return number }
        var entry = passwd()
        var found: UnsafeMutablePointer<passwd>?
        var room = [CChar](repeating: 0, count: 16_384)
        guard getpwnam_r(text, &entry, &room, room.count, &found) == 0, found != nil else {
            throw Unknown(text: "there is no user '\(text)' on this machine")
        }
        return entry.pw_uid
    }

    private static func group(_ text: String) throws(Unknown) -> UInt32 {
        if let number = UInt32(text), number != .max { return number }
        var entry = Glibc.group()
        var found: UnsafeMutablePointer<Glibc.group>?
        // A group's entry lists its members.
        var room = [CChar](repeating: 0, count: 1 << 20)
        guard getgrnam_r(text, &entry, &room, room.count, &found) == 0, found != nil else {
            throw Unknown(text: "there is no group '\(text)' on this machine")
        }
        return entry.gr_gid
    }
}

/// Permission bits of files that are delivered, as operators write them.
public enum FileMode {
    /// Three or four octal digits, at most 0777; `nil` for anything else.
    public static func bits(octal text: String) -> UInt16? {
        guard (3...4).contains(text.utf8.count), let mode = UInt16(text, radix: 8), mode <= 0o777 else { return nil }
        return mode
    }

    /// Four octal digits.
    public static func octal(_ mode: UInt16) -> String {
        let digits = String(mode, radix: 8)
        return String(repeating: "0", count: max(0, 4 - digits.utf8.count)) + digits
    }

    /// Of the folders that are made for such files: entered by whoever may read them, and by us.
    public static func ofFolders(for mode: UInt16) -> UInt16 { 0o700 | mode & 0o066 | (mode & 0o044) >> 2 }
}

/// The name of a file that is not whole yet: `.<name>.<delivery id>.part`. The id is in it, so that nobody else has a file of that name.
public enum PartName {
    public static let ending = ".part"
    /// What file systems take for one part of a path, in bytes.
    public static let longest = 255

    /// The name is cut where it would be too long.
    ///
    /// - Parameter more: what the name goes on with, as a sidecar's does. It is never cut: the two are never one.
    public static func text(for name: String, _ more: String = "", of delivery: DeliveryID, isHidden: Bool = true) -> String {
        let ending = "\(more).\(delivery)" + ending
        var name = name
        while name.utf8.count > longest - 1 - ending.utf8.count { name.removeLast() }
        return (isHidden ? "." : "") + name + ending
    }
}

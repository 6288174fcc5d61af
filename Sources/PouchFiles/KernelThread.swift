import CLinux
import Glibc

/// A thread of this process, as the kernel knows it.
package struct KernelThread: Hashable, Sendable {
    package let number: Int32

    package init(number: Int32) { self.number = number }

    package static var current: KernelThread { KernelThread(number: pouch_thread()) }

    /// It is in a call that not even a signal ends: a disk or a server does not answer. False for a thread that has ended.
    package var waitsForADevice: Bool {
        var text = [UInt8](repeating: 0, count: 512)
        let descriptor = open("/proc/self/task/\(number)/stat", O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { return false }
        defer { close(descriptor) }
        let count = read(descriptor, &text, text.count)
        // The name in parentheses may have spaces and parentheses of its own (proc(5)).
        guard count > 0, let end = text[..<count].lastIndex(of: UInt8(ascii: ")")), end + 2 < count else { return false }
        return text[end + 2] == UInt8(ascii: "D")
    }
}

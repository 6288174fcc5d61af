import Glibc

/// Calls into the kernel, in one form: a result, or the negative error number.
enum SystemCall {
    /// Runs a call that answers -1 and sets `errno`, again for as long as a signal interrupts it.
    static func answer<Result: FixedWidthInteger & SignedInteger>(_ call: () -> Result) -> Result {
        while true {
            let result = call()
            if result >= 0 { return result }
            let code = errno
            if code != EINTR { return Result(-code) }
        }
    }

    /// Runs a shim, which answers with the negative error number itself, again for as long as a signal interrupts it.
    static func shim(_ call: () -> Int32) -> Int32 {
        while true {
            let result = call()
            if result != -EINTR { return result }
        }
    }

    /// Lends the path as C sees it. A NUL inside would silently name another file: it is refused with `EINVAL`.
    static func withPath(_ bytes: [UInt8], _ call: (UnsafePointer<CChar>) -> Int32) -> Int32 {
        guard !bytes.contains(0) else { return -EINVAL }
        return (bytes + [0]).withUnsafeBufferPointer { buffer in
            buffer.withMemoryRebound(to: CChar.self) { characters in
                // An array with at least one element has a base address.
                characters.baseAddress.map(call) ?? -EINVAL
            }
        }
    }

    /// As `withPath`, for one part of a path: a `/` is refused as well.
    static func withName(_ bytes: [UInt8], _ call: (UnsafePointer<CChar>) -> Int32) -> Int32 {
        guard !bytes.isEmpty, !bytes.contains(UInt8(ascii: "/")) else { return -EINVAL }
        return withPath(bytes, call)
    }
}

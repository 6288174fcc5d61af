import Glibc

/// The bytes of a small regular file, and who may change it.
struct FileOnDisk {
    struct Problem: Error {
        let text: String
        let hint: String?
        /// No descriptor or memory left to look.
        var isShortage = false
    }

    let bytes: [UInt8]
    private let owner: uid_t
    private let mode: mode_t

    /// Never blocks on a pipe or a device.
    ///
    /// - Throws: `Problem` when it cannot be opened or read, is no regular file, or is larger than `limit`.
    static func read(_ path: String, atMost limit: Int) throws(Problem) -> FileOnDisk {
        let opened = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY)
        guard opened >= 0 else { throw problem("could not be opened") }
        let file = Descriptor(number: opened)
        var status = stat()
        guard fstat(file.number, &status) == 0 else { throw problem("could not be examined") }
        guard status.st_mode & S_IFMT == S_IFREG else { throw Problem(text: "is not a regular file", hint: nil) }
        return FileOnDisk(bytes: try contents(of: file, atMost: limit), owner: status.st_uid, mode: status.st_mode)
    }

    private static func contents(of file: borrowing Descriptor, atMost limit: Int) throws(Problem) -> [UInt8] {
        var bytes: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: 64 << 10)
        while true {
            let count = chunk.withUnsafeMutableBytes { Glibc.read(file.number, $0.baseAddress, $0.count) }
            if count == 0 { return bytes }
            guard count > 0 else {
                if errno == EINTR { continue }
                throw problem("could not be read")
            }
            bytes += chunk[..<count]
            guard bytes.count <= limit else { throw Problem(text: "has more than \(limit) bytes", hint: "is it the right file?") }
        }
    }

    var isOpenToEverybody: Bool { mode & mode_t(S_IROTH | S_IWOTH) != 0 }

    /// Whoever can write the file can send every drop anywhere.
    func ownershipProblems(path: String) -> [ConfigurationProblem] {
        var problems: [ConfigurationProblem] = []
        let writers = [(S_IWGRP, "its group"), (S_IWOTH, "everybody")].filter { mode & mode_t($0.0) != 0 }.map(\.1)
        if !writers.isEmpty {
            problems.append(
                ConfigurationProblem(
                    file: path, mark: nil, "may be written by \(writers.joined(separator: " and "))",
                    hint: "chmod go-w \(Self.quoted(path))"))
        }
        let agent = geteuid()
        if owner != 0, owner != agent {
            problems.append(
                ConfigurationProblem(
                    file: path, mark: nil, "belongs to user \(owner), not to root or to the user of the agent (\(agent))",
                    hint: "chown \(agent) \(Self.quoted(path))"))
        }
        return problems
    }

    static func absolute(_ path: String) -> String {
        guard !path.hasPrefix("/"), let folder = getcwd(nil, 0) else { return path }
        defer { free(folder) }
        return String(cString: folder) + "/" + path
    }

    /// Empty when the machine has none that can be read.
    static func hostName() -> String {
        var name = [CChar](repeating: 0, count: 256)
        guard gethostname(&name, name.count - 1) == 0 else { return "" }
        return String(decoding: name.prefix { $0 != 0 }.map(UInt8.init(bitPattern:)), as: UTF8.self)
    }

    private static func problem(_ text: String) -> Problem {
        let cause = errno
        return Problem(
            text: "\(text): \(String(cString: strerror(cause)))", hint: nil, isShortage: [EMFILE, ENFILE, ENOMEM].contains(cause))
    }

    /// For a shell.
    static func quoted(_ path: String) -> String {
        let isPlain = path.allSatisfy { $0.isASCII && ($0.isLetter || $0.isNumber || "/._-".contains($0)) }
        return isPlain ? path : "'" + path.replacing("'", with: "'\\''") + "'"
    }
}

/// Closes what was opened.
private struct Descriptor: ~Copyable {
    let number: Int32

    deinit { close(number) }
}

/// What is to run as a child process.
package struct ChildProgram: Hashable, Sendable {
    /// Absolute; nothing is looked for in a search path.
    package var path: String
    /// Without the program's own name.
    package var arguments: [String]
    /// All of it: nothing of this process's own environment is handed on.
    package var environment: [String: String]
    /// Absolute: where it runs.
    package var folder: String
    package var limits: Limits

    package init(
        path: String, arguments: [String] = [], environment: [String: String] = [:], folder: String = "/", limits: Limits = Limits()
    ) {
        self.path = path
        self.arguments = arguments
        self.environment = environment
        self.folder = folder
        self.limits = limits
    }

    /// What the kernel lets it have. A core file, which would hold its secrets, is never written.
    package struct Limits: Hashable, Sendable {
        /// Bytes that it may allocate (`RLIMIT_DATA`: reserved address space does not count).
        package var memory: UInt64
        /// Processes and threads of its user, those of other programs included. The kernel does not hold root to it.
        package var processes: UInt64
        package var openFiles: UInt64

        package init(memory: UInt64 = 2 << 30, processes: UInt64 = 1_024, openFiles: UInt64 = 1_024) {
            self.memory = memory
            self.processes = processes
            self.openFiles = openFiles
        }
    }
}

/// How a child process ended.
package enum ChildEnding: Hashable, Sendable, CustomStringConvertible {
    case exited(Int32)
    case killed(signal: Int32)

    package var description: String {
        switch self {
        case .exited(let code): "exit code \(code)"
        case .killed(let signal): "killed by signal \(signal)"
        }
    }
}

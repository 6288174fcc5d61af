import Glibc
import Synchronization

/// A program that runs beside a test, ended with the last reference.
///
/// Foundation's `Process` learns of an end through a socket that the child inherits. sshd and ssh-agent close what they inherit: it
/// would wait for them on the one thread that watches over all children.
package final class SpawnedProgram: Sendable {
    package struct Problem: Error, CustomStringConvertible {
        package let description: String
    }

    private let identifier: pid_t
    /// What `waitpid` said once it was over.
    private let ending = Mutex<Int32?>(nil)

    /// - Parameter output: a file for what it prints; `nil`: nowhere.
    package init(
        _ program: String, _ arguments: [String], output: String? = nil, environment: [String] = []
    ) throws(Problem) {
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0)
        posix_spawn_file_actions_addopen(&actions, 1, output ?? "/dev/null", O_WRONLY | O_CREAT | O_TRUNC, 0o600)
        posix_spawn_file_actions_adddup2(&actions, 1, 2)
        // The threads of Swift's pool block signals, and a child inherits that.
        var attributes = posix_spawnattr_t()
        posix_spawnattr_init(&attributes)
        defer { posix_spawnattr_destroy(&attributes) }
        var none = sigset_t()
        sigemptyset(&none)
        posix_spawnattr_setsigmask(&attributes, &none)
        posix_spawnattr_setflags(&attributes, 0x08)  // POSIX_SPAWN_SETSIGMASK
        let words = ([program] + arguments).map { strdup($0) } + [nil]
        let variables = (["PATH=/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL=C"] + environment).map { strdup($0) } + [nil]
        defer { for text in words + variables { free(text) } }
        var identifier = pid_t()
        let code = posix_spawn(&identifier, program, &actions, &attributes, words, variables)
        guard code == 0 else { throw Problem(description: "\(program) does not start: \(String(cString: strerror(code)))") }
        self.identifier = identifier
    }

    deinit { terminate() }

    /// Runs to the end.
    ///
    /// - Throws: `Problem` unless it ends with 0.
    package static func run(
        _ program: String, _ arguments: [String], output: String? = nil, environment: [String] = []
    ) throws(Problem) {
        let status = try SpawnedProgram(program, arguments, output: output, environment: environment).wait(0)
        guard status == 0 else { throw Problem(description: "\(program) \(arguments) ended with \(status ?? -1)") }
    }

    package var isRunning: Bool { wait(WNOHANG) == nil }

    package func terminate() {
        guard isRunning else { return }
        kill(identifier, SIGTERM)
        _ = wait(0)
    }

    /// The status, or `nil` while it runs.
    private func wait(_ options: Int32) -> Int32? {
        ending.withLock { ending in
            if let ending { return ending }
            var status: Int32 = 0
            while true {
                let answer = waitpid(identifier, &status, options)
                if answer == identifier {
                    ending = status
                    return status
                }
                if answer == 0 { return nil }
                if errno != EINTR {
                    ending = -1
                    return -1
                }
            }
        }
    }
}

import Glibc
import PouchFiles

/// The state folder: made when it is missing, ours alone, locked while an agent runs.
enum StateFolder {
    /// - Throws: `AgentFailure`.
    static func lock(_ path: String) throws(AgentFailure) -> StateLock {
        let status: FileStatus
        do {
            status = try DirectoryHandle.create(path, mode: 0o700).status()
        } catch {
            throw AgentFailure("the state folder cannot be used: \(error)")
        }
        guard status.owner == geteuid() || geteuid() == 0 else {
            throw AgentFailure(
                "the state folder \(path) belongs to user \(status.owner), and the agent runs as user \(geteuid())",
                hint: "chown it, or run the agent as its owner"
            )
        }
        guard status.mode & 0o022 == 0 else {
            throw AgentFailure(
                "the state folder \(path) can be written by others (mode \(String(status.mode & 0o7777, radix: 8)))",
                hint: "chmod 700 \(path)"
            )
        }
        do {
            return try StateLock(state: path)
        } catch {
            guard case .held = error else { throw AgentFailure("\(error)") }
            throw AgentFailure(
                "\(error)",
                hint: "one agent per state folder: stop the other one, or give this one a state folder of its own",
                isInUse: true
            )
        }
    }
}

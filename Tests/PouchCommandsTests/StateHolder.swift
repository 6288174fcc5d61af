import Glibc

/// Has a state folder as a running agent has it.
final class StateHolder {
    struct Trouble: Error {}

    private let descriptor: Int32

    init(_ state: String) throws {
        chmod(state, 0o700)
        descriptor = open(state + "/lock", O_RDWR | O_CREAT | O_CLOEXEC, 0o600)
        guard descriptor >= 0, flock(descriptor, LOCK_EX | LOCK_NB) == 0 else { throw Trouble() }
    }

    func letGo() { close(descriptor) }
}

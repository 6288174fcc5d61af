import CLinux
import Glibc

/// The thread that forks one child, reads what it writes, and reaps it.
enum ChildThread {
    private static let tick = Duration.milliseconds(250)
    /// What is read at the end of a child whose pipes others still hold open.
    private static let mostAfterTheEnd = 256 << 10

    /// What a thread is handed through C.
    private final class Work: Sendable {
        let run: @Sendable () -> Void

        init(_ run: @escaping @Sendable () -> Void) { self.run = run }
    }

    static func begin(
        _ program: ChildProgram, name: String, receive: @escaping @Sendable (ChildProcess.Event) -> Void,
        started: @escaping @Sendable (Result<ChildKeeper, FileProblem>) -> Void
    ) {
        let code = startThread(Work { run(program, name, receive, started) })
        if code != 0 { started(.failure(FileProblem(operation: "start a thread for", path: program.path, errno: code))) }
    }

    private static func startThread(_ work: Work) -> Int32 {
        let handed = Unmanaged.passRetained(work)
        var thread = pthread_t()
        let code = pthread_create(
            &thread, nil,
            { argument in
                if let argument { Unmanaged<Work>.fromOpaque(argument).takeRetainedValue().run() }
                return nil
            }, handed.toOpaque())
        if code == 0 { pthread_detach(thread) } else { handed.release() }
        return code
    }

    private static func run(
        _ program: ChildProgram, _ name: String, _ receive: @Sendable (ChildProcess.Event) -> Void,
        _ started: @Sendable (Result<ChildKeeper, FileProblem>) -> Void
    ) {
        _ = pouch_name_thread(String(name.prefix(15)))
        let keeper: ChildKeeper
        do throws(FileProblem) { keeper = try fork(program) } catch { return started(.failure(error)) }
        started(.success(keeper))
        let ending = attend(keeper, receive)
        drain(keeper, receive)
        keeper.reap()
        receive(.ended(ending))
    }

    // MARK: Starting

    private static func fork(_ program: ChildProgram) throws(FileProblem) -> ChildKeeper {
        let (childInput, input) = try pipe(program.path)
        let (output, childOutput) = try pipe(program.path)
        let (errors, childErrors) = try pipe(program.path)
        for ours in [input.descriptor, output.descriptor, errors.descriptor] {
            guard fcntl(ours, F_SETFL, O_NONBLOCK) == 0 else {
                throw FileProblem(operation: "start", path: program.path, errno: errno)
            }
        }
        let bell = pouch_bell()
        guard bell >= 0 else { throw FileProblem(operation: "start", path: program.path, errno: -bell) }
        let bellFile = OpenFile(adopting: bell, path: program.path).shared()
        var pidfd: Int32 = -1
        let number = try withChild(program) { child in
            child.input = childInput.descriptor
            child.output = childOutput.descriptor
            child.errors = childErrors.descriptor
            return pouch_start_child(&child, &pidfd)
        }
        return ChildKeeper(
            number: number, pidfd: OpenFile(adopting: pidfd, path: program.path).shared(), input: input, output: output,
            errors: errors,
            bell: bellFile)
    }

    private static func pipe(_ path: String) throws(FileProblem) -> (reading: SharedFile, writing: SharedFile) {
        var ends: [Int32] = [-1, -1]
        let answer = pouch_pipe(&ends)
        guard answer >= 0 else { throw FileProblem(operation: "make a pipe for", path: path, errno: -answer) }
        return (OpenFile(adopting: ends[0], path: path).shared(), OpenFile(adopting: ends[1], path: path).shared())
    }

    /// Lends the program as C sees it.
    private static func withChild(
        _ program: ChildProgram, _ start: (inout pouch_child) -> Int32
    ) throws(FileProblem) -> Int32 {
        let texts = [program.path, program.folder] + program.arguments + program.environment.flatMap { [$0.key, $0.value] }
        guard !texts.contains(where: { $0.utf8.contains(0) }) else {
            throw FileProblem(operation: "start", path: program.path, errno: EINVAL)
        }
        let path = strdup(program.path)
        let folder = strdup(program.folder)
        var arguments = ([program.path] + program.arguments).map { strdup($0) } + [nil]
        var environment = program.environment.map { strdup("\($0.key)=\($0.value)") } + [nil]
        defer { for text in [path, folder] + arguments + environment { free(text) } }
        let answer = arguments.withUnsafeMutableBufferPointer { arguments in
            environment.withUnsafeMutableBufferPointer { environment in
                var child = pouch_child()
                child.program = UnsafePointer(path)
                child.folder = UnsafePointer(folder)
                child.arguments = UnsafePointer(arguments.baseAddress)
                child.environment = UnsafePointer(environment.baseAddress)
                child.most_memory = program.limits.memory
                child.most_processes = program.limits.processes
                child.most_files = program.limits.openFiles
                return start(&child)
            }
        }
        guard answer >= 0 else { throw FileProblem(operation: "start", path: program.path, errno: -answer) }
        return answer
    }

    // MARK: Attending

    /// Until it ends.
    private static func attend(_ keeper: ChildKeeper, _ receive: @Sendable (ChildProcess.Event) -> Void) -> ChildEnding {
        var buffer = [UInt8](repeating: 0, count: 64 << 10)
        var isOutputOpen = true
        var isErrorsOpen = true
        var nextTick = ContinuousClock.now + tick
        var wishes = keeper.wishes
        while true {
            var polled = [
                pollfd(fd: keeper.pidfd.descriptor, events: Int16(POLLIN), revents: 0),
                pollfd(fd: keeper.bellDescriptor, events: Int16(POLLIN), revents: 0),
                pollfd(fd: isOutputOpen ? keeper.output.descriptor : -1, events: Int16(POLLIN), revents: 0),
                pollfd(fd: isErrorsOpen ? keeper.errors.descriptor : -1, events: Int16(POLLIN), revents: 0),
                pollfd(fd: wishes.writing ?? -1, events: Int16(POLLOUT), revents: 0),
            ]
            _ = poll(&polled, nfds_t(polled.count), timeout(wishes, nextTick))
            let now = ContinuousClock.now
            if polled[1].revents != 0 { keeper.answerBell() }
            if polled[4].revents != 0 { keeper.flush() }
            if polled[2].revents != 0 { isOutputOpen = take(keeper.output.descriptor, &buffer) { receive(.output($0)) } != nil }
            if polled[3].revents != 0 { isErrorsOpen = take(keeper.errors.descriptor, &buffer) { receive(.errors($0)) } != nil }
            let (isOverdue, ticks) = (wishes.killAt.map { now >= $0 } ?? false, wishes.wantsTicks && now >= nextTick)
            if isOverdue { keeper.killOverdue() }
            if ticks {
                nextTick = now + tick
                receive(.tick)
            }
            // Whoever changes them elsewhere rings. Looked at each time, they would make this thread wait for one that writes.
            if polled[1].revents != 0 || polled[4].revents != 0 || isOverdue || ticks { wishes = keeper.wishes }
            if polled[0].revents != 0, let ending = keeper.ending() { return ending }
        }
    }

    /// What it wrote before it ended. Whoever else holds the pipe is not waited for.
    private static func drain(_ keeper: ChildKeeper, _ receive: @Sendable (ChildProcess.Event) -> Void) {
        keeper.kill()
        var buffer = [UInt8](repeating: 0, count: 64 << 10)
        var count = 0
        while count < mostAfterTheEnd, let more = take(keeper.output.descriptor, &buffer, { receive(.output($0)) }), more > 0 {
            count += more
        }
        while count < 2 * mostAfterTheEnd, let more = take(keeper.errors.descriptor, &buffer, { receive(.errors($0)) }), more > 0 {
            count += more
        }
    }

    /// One reading.
    ///
    /// - Returns: bytes; 0 when there are none now; `nil` when there will be none any more.
    private static func take(_ descriptor: Int32, _ buffer: inout [UInt8], _ receive: ([UInt8]) -> Void) -> Int? {
        let count = buffer.withUnsafeMutableBytes { buffer in
            SystemCall.answer { read(descriptor, buffer.baseAddress, buffer.count) }
        }
        if count == -Int(EAGAIN) { return 0 }
        guard count > 0 else { return nil }
        receive(Array(buffer[..<count]))
        return count
    }

    private static func timeout(_ wishes: ChildKeeper.Wishes, _ nextTick: ContinuousClock.Instant) -> Int32 {
        guard let soonest = [wishes.wantsTicks ? nextTick : nil, wishes.killAt].compactMap({ $0 }).min() else { return -1 }
        let rest = (soonest - ContinuousClock.now).components
        let milliseconds = rest.seconds * 1_000 + rest.attoseconds / 1_000_000_000_000_000 + 1
        return Int32(min(max(milliseconds, 0), 60_000))
    }
}

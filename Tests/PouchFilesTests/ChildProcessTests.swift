import Glibc
import PouchFiles
import PouchKit
import PouchTestSupport
import Synchronization
import Testing

/// What a child process wrote and how it ended.
private final class Told: Sendable {
    private struct State {
        var output: [UInt8] = []
        var errors: [UInt8] = []
        var ending: ChildEnding?
        var waiting: [CheckedContinuation<ChildEnding, Never>] = []
    }

    private let state = Mutex(State())

    func receive(_ event: ChildProcess.Event) {
        let (waiting, ending) = state.withLock { state -> ([CheckedContinuation<ChildEnding, Never>], ChildEnding?) in
            switch event {
            case .output(let bytes): state.output += bytes
            case .errors(let bytes): state.errors += bytes
            case .tick: break
            case .ended(let ending):
                state.ending = ending
                defer { state.waiting = [] }
                return (state.waiting, ending)
            }
            return ([], nil)
        }
        if let ending { for continuation in waiting { continuation.resume(returning: ending) } }
    }

    func ending() async -> ChildEnding {
        await withCheckedContinuation { continuation in
            let ending = state.withLock { state in
                if state.ending == nil { state.waiting.append(continuation) }
                return state.ending
            }
            if let ending { continuation.resume(returning: ending) }
        }
    }

    var output: String { state.withLock { String(decoding: $0.output, as: UTF8.self) } }
    var errors: String { state.withLock { String(decoding: $0.errors, as: UTF8.self) } }
    var outputCount: Int { state.withLock { $0.output.count } }
}

@Suite("A child process")
struct ChildProcessTests {
    private func shell(_ script: String, _ environment: [String: String] = ["PATH": "/usr/bin:/bin"]) async throws -> (
        ChildProcess, Told
    ) {
        let told = Told()
        let child = try await ChildProcess.start(
            ChildProgram(path: "/bin/sh", arguments: ["-c", script], environment: environment), name: "test", receive: told.receive)
        return (child, told)
    }

    @Test("what it writes arrives, whole, and how it ended comes last")
    func writes() async throws {
        let (child, told) = try await shell("echo out; echo err >&2; head -c 300000 /dev/zero; exit 7")
        #expect(await told.ending() == .exited(7))
        #expect(told.outputCount == 300_004 && told.output.hasPrefix("out\n") && told.errors == "err\n")
        withExtendedLifetime(child) {}
    }

    @Test("what is written to it arrives, more than a pipe holds included, and its end is the end of its input")
    func reads() async throws {
        let (child, told) = try await shell("wc -c")
        child.write([UInt8](repeating: 1, count: 500_000))
        child.end(within: .seconds(60))
        #expect(await told.ending() == .exited(0))
        #expect(told.output.contains("500000"))
    }

    @Test("one that does not read is killed before its host drowns")
    func doesNotRead() async throws {
        let (child, told) = try await shell("exec sleep 1000")
        child.write([UInt8](repeating: 1, count: 2 << 20))
        #expect(await told.ending() == .killed(signal: SIGKILL))
    }

    @Test("killed, it takes its group with it")
    func killsGroup() async throws {
        let (child, told) = try await shell("sleep 1000 & echo $!; wait")
        while !told.output.contains("\n") { await Task.yield() }
        let grandchild = try #require(pid_t(told.output.dropLast()))
        child.kill()
        #expect(await told.ending() == .killed(signal: SIGKILL))
        // It is a zombie until whoever adopted it reaps it, or gone.
        while let status = try? OpenFile.open("/proc/\(grandchild)/stat").readAll(limit: 4_096),
            !String(decoding: status, as: UTF8.self).contains(") Z ")
        {
            await Task.yield()
        }
    }

    @Test("one that does not end when its input ends is killed after the grace")
    func grace() async throws {
        let (child, told) = try await shell("exec sleep 1000")
        child.end(within: .milliseconds(50))
        #expect(await told.ending() == .killed(signal: SIGKILL))
    }

    @Test("it ends with the object that stands for it")
    func endsWithObject() async throws {
        var (child, told): (ChildProcess?, Told) = try await shell("cat")
        #expect(child != nil)
        child = nil
        #expect(await told.ending() == .exited(0))
    }

    @Test("it gets its own descriptors, environment, group, folder and limits, and no more")
    func inheritsNothing() async throws {
        let leak = open("/dev/null", O_RDONLY)
        defer { close(leak) }
        let (child, told) = try await shell(
            "ls /proc/$$/fd; env | sort; pwd; ulimit -c; ulimit -n; [ $$ = $(ps -o pgid= -p $$ | tr -d ' ') ] && echo leader",
            ["A": "b", "PATH": "/bin:/usr/bin"])
        #expect(await told.ending() == .exited(0))
        #expect(told.output == "0\n1\n2\nA=b\nPATH=/bin:/usr/bin\nPWD=/\n/\n0\n1024\nleader\n", "\(told.output)\(told.errors)")
        withExtendedLifetime(child) {}
    }

    @Test(
        "what cannot be started is said at once",
        arguments: [("/nonexistent", "ENOENT"), ("/etc/passwd", "EACCES"), ("/x\0y", "EINVAL")])
    func cannotStart(path: String, code: String) async throws {
        let problem = await #expect(throws: FileProblem.self) {
            _ = try await ChildProcess.start(ChildProgram(path: path), name: "test") { _ in }
        }
        #expect(problem?.code == code)
    }

    @Test("one that closes its output lives on")
    func closesOutput() async throws {
        let (child, told) = try await shell("exec >&- 2>&-; read line; exit 5")
        child.write(Array("go\n".utf8))
        #expect(await told.ending() == .exited(5))
    }

    @Test("a signal is no ending by exit")
    func signal() async throws {
        let (child, told) = try await shell("kill -TERM $$")
        #expect(await told.ending() == .killed(signal: SIGTERM))
        withExtendedLifetime(child) {}
    }
}

import Glibc
import PouchConfiguration
import PouchKit
import Testing

/// A folder that goes away with its last user.
private final class OwnFolder {
    let path: String

    init() throws {
        var template = Array("/tmp/pouch-configuration-XXXXXX".utf8CString)
        guard let made = mkdtemp(&template), let real = realpath(made, nil) else { throw Failed(errno: errno) }
        defer { free(real) }
        path = String(cString: real)
    }

    deinit { remove(path) }

    func write(_ text: String, to name: String, mode: mode_t = 0o600) throws -> String {
        let path = self.path + "/" + name
        guard let file = fopen(path, "w") else { throw Failed(errno: errno) }
        defer { fclose(file) }
        guard fputs(text, file) >= 0, chmod(path, mode) == 0 else { throw Failed(errno: errno) }
        return path
    }

    private func remove(_ path: String) {
        if let directory = opendir(path) {
            while let entry = readdir(directory) {
                let name = withUnsafeBytes(of: entry.pointee.d_name) { String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self) }
                let child = path + "/" + name
                guard name != ".", name != ".." else { continue }
                if entry.pointee.d_type == UInt8(DT_DIR) { remove(child) } else { unlink(child) }
            }
            closedir(directory)
        }
        rmdir(path)
    }

    private struct Failed: Error {
        let errno: Int32
    }
}

@Suite("A configuration file")
struct ConfigurationFileTests {
    private let folder: OwnFolder

    init() throws { folder = try OwnFolder() }

    private func load(_ path: String, checksOwnership: Bool = false) -> ConfigurationFile.Outcome {
        ConfigurationFile.load(path: path, environment: [:], hostName: "host-7", checksOwnership: checksOwnership)
    }

    @Test("is read, and its paths start from its own folder")
    func isRead() throws {
        let path = try folder.write(SampleConfiguration("unmatched: ignore").text, to: "agent.yaml")
        let outcome = load(path, checksOwnership: true)
        #expect(outcome.messages == "")
        #expect(outcome.configuration?.file == path)
        #expect(outcome.configuration?.agent.state.value.absolute == folder.path + "/state")
    }

    @Test("that is not there is named, without a place")
    func isMissing() {
        let path = folder.path + "/agent.yaml"
        #expect(load(path).messages == "\(path): could not be opened: No such file or directory")
        #expect(load(path).configuration == nil)
    }

    @Test("must be a regular file: neither a folder nor a pipe, which would never end")
    func isRegular() {
        #expect(load(folder.path).messages == "\(folder.path): is not a regular file")
        let pipe = folder.path + "/pipe"
        #expect(mkfifo(pipe, 0o600) == 0)
        #expect(load(pipe).messages == "\(pipe): is not a regular file")
        #expect(load("/dev/zero").messages == "/dev/zero: is not a regular file")
    }

    @Test("of more than 4 MiB is not read")
    func isSmall() throws {
        let path = try folder.write(String(repeating: "#", count: (4 << 20) + 1), to: "agent.yaml")
        #expect(load(path).messages == "\(path): has more than 4194304 bytes\nhint: is it the right file?")
    }

    @Test("that others may write is refused, with the command that mends it", arguments: [mode_t(0o664), 0o646, 0o666])
    func othersMayNotWrite(_ mode: mode_t) throws {
        let path = try folder.write(SampleConfiguration("unmatched: hold").text, to: "agent.yaml", mode: mode)
        let writers = mode == 0o664 ? "its group" : mode == 0o646 ? "everybody" : "its group and everybody"
        let outcome = load(path, checksOwnership: true)
        #expect(outcome.messages == "\(path): may be written by \(writers)\nhint: chmod go-w \(path)")
        #expect(outcome.configuration == nil)
        #expect(load(path).configuration != nil)
    }

    @Test("that belongs to somebody else is refused, together with all that is wrong in it")
    func belongsToUs() throws {
        let path = try folder.write(SampleConfiguration("unmatched: drop").text, to: "my agent.yaml")
        guard geteuid() == 0, chown(path, 12_345, 12_345) == 0 else {
            return print("only root can give a file away: nothing was tested")
        }
        #expect(
            load(path, checksOwnership: true).messages == """
                \(path): belongs to user 12345, not to root or to the user of the agent (0)
                hint: chown 0 '\(path)'
                \(path):1:12: unmatched: expected one of hold, quarantine, ignore, found 'drop'
                """)
    }

    @Test("has its watched folders compared where symbolic links lead")
    func symbolicLinks() throws {
        #expect(mkdir(folder.path + "/drop", 0o700) == 0)
        #expect(symlink("drop", folder.path + "/alias") == 0)
        let path = try folder.write(
            SampleConfiguration(
                """
                agent: { state: ./alias/deep/state }
                folders:
                  - { watch: ./drop, then: { archive: ./alias/../done } }
                  - { watch: ./alias, then: keep }
                """
            ).text, to: "agent.yaml")
        #expect(
            load(path).messages == """
                \(path):1:17: the state './alias/deep/state' lies inside the watched './drop'
                hint: files of the agent would be taken for drops: move the state elsewhere
                \(path):1:17: the state './alias/deep/state' lies inside the watched './alias'
                hint: files of the agent would be taken for drops: move the state elsewhere
                \(path):4:14: './alias' is watched already, see line 3
                hint: one folder may have several routes
                """)
    }

    @Test("is checked by others too, with the parts that are sound, and all is told in the order of the lines")
    func furtherChecks() {
        let outcome = SampleConfiguration(
            """
            folders:
              - { watch: ./drop, then: keep, ignore: ["["] }
              - { watch: ./other, then: nothing }
            unmatched: drop
            """
        ).read { parts in
            #expect(parts.folders.map(\.watch.value.written) == ["./drop"])
            #expect(parts.partners.map(\.name.value.description) == ["acme"])
            return parts.folders.flatMap { $0.ignore ?? [] }.map {
                parts.decoder.problem(at: $0.mark, "a bracket that is not closed")
            }
        }
        #expect(outcome.problems.map { $0.mark?.line } == [2, 3, 4])
        #expect(outcome.problems.first?.description == "agent.yaml:2:43: a bracket that is not closed")
        #expect(outcome.configuration == nil)
    }

    @Test("is told where a destination would write into a watched folder")
    func destinationInFolder() throws {
        let outcome = SampleConfiguration("unmatched: hold").read { parts in
            ["./drop/inbox", ".", "./inbox"].flatMap { path in
                (try? SettingsPath(path, in: parts.decoder.folder)).map {
                    parts.conflicts(of: $0, at: parts.partners[0].adapter.mark, called: "the folder of acme")
                } ?? []
            }
        }
        #expect(
            outcome.problems.map(\.text) == [
                "the folder of acme './drop/inbox' lies inside the watched './drop'",
                "the folder of acme '.' contains the watched './drop'",
            ])
        #expect(outcome.problems.first?.mark == Mark(line: 4, column: 38))
    }

    @Test("is refused when only the check of another module fails, and taken with a mere warning")
    func checksDecide() {
        let sample = SampleConfiguration("unmatched: hold")
        let refused = sample.read { [$0.decoder.problem(at: .start, "no")] }
        #expect(refused.configuration == nil)
        let taken = sample.read { [$0.decoder.problem(.warning, at: .start, "well")] }
        #expect(taken.configuration != nil)
        #expect(taken.messages == "agent.yaml:1:1: warning: well")
    }
}

@Suite("A secret in a file")
struct SecretFileTests {
    private let folder: OwnFolder

    init() throws { folder = try OwnFolder() }

    @Test("is the first line")
    func firstLine() throws {
        let path = try folder.write("user:hunter2\r\nmore\n", to: "secret")
        #expect(try SecretFile.read(path).reveal() == "user:hunter2")
    }

    @Test("that everybody can read, that is empty, or that is missing, is not used")
    func refused() throws {
        func problem(_ path: String) -> String? {
            do throws(SettingsProblem) {
                _ = try SecretFile.read(path)
                return nil
            } catch {
                return error.description
            }
        }
        let open = try folder.write("hunter2", to: "open", mode: 0o644)
        #expect(problem(open) == "the secret in '\(open)' is open to everybody\nhint: chmod o= \(open)")
        let empty = try folder.write("\nhunter2", to: "empty")
        #expect(problem(empty) == "the first line of '\(empty)' is no secret: it is empty or not text")
        let missing = folder.path + "/missing"
        #expect(
            problem(missing)
                == "the secret in '\(missing)' cannot be used: the file could not be opened: No such file or directory")
    }
}

@Suite("The example beside the sources")
struct ExampleTests {
    @Test("is a sound configuration")
    func isSound() throws {
        // `Tests/PouchConfigurationTests/` lies two folders below it.
        let file = try #require(realpath(#filePath, nil))
        defer { free(file) }
        let root = "/" + String(cString: file).split(separator: "/").dropLast(3).joined(separator: "/")
        let outcome = ConfigurationFile.load(path: root + "/agent.yaml", environment: [:], checksOwnership: false)
        #expect(outcome.messages == "")
        #expect(outcome.configuration != nil)
    }
}

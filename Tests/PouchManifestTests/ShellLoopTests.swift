import Foundation
import PouchManifest
import PouchTestSupport
import Testing

struct ShellLoopTests {
    private let folder: TemporaryFolder

    init() throws { folder = try TemporaryFolder("manifest") }

    /// The loop that docs/manifest.md prints, run as it is.
    private func runLoop() throws -> (status: Int32, output: String) {
        let checkout = URL(fileURLWithPath: #filePath).resolvingSymlinksInPath().deletingLastPathComponent()
            .deletingLastPathComponent().deletingLastPathComponent()
        let page = try String(contentsOf: checkout.appendingPathComponent("docs/manifest.md"), encoding: .utf8)
        let script = try #require(page.split(separator: "```sh\n").last?.split(separator: "```").first)
        let shell = Process()
        let output = Pipe()
        shell.executableURL = URL(fileURLWithPath: "/bin/sh")
        shell.arguments = ["-c", String(script)]
        shell.currentDirectoryURL = URL(fileURLWithPath: folder.path)
        shell.standardOutput = output
        try shell.run()
        let text = String(decoding: output.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
        shell.waitUntilExit()
        return (shell.terminationStatus, text)
    }

    @Test("the loop of the documentation accepts a good manifest and gives its anchor")
    func acceptsGood() throws {
        let lines = try Specimens.lines(5)
        try folder.write(Specimens.bytes(lines), to: "manifest.jsonl")
        let (status, output) = try runLoop()
        #expect(status == 0)
        #expect(output == "5 lines, the chain is whole; SHA-256 of the last one: \(ManifestEntry.digest(of: lines[4].bytes))\n")
    }

    @Test("the loop of the documentation finds what was changed, removed and moved", arguments: 0..<3)
    func findsChanges(_ change: Int) throws {
        var lines = try Specimens.lines(5)
        switch change {
        case 0:
            let text = String(decoding: lines[2].bytes, as: UTF8.self).replacing("edge-01", with: "edge-02")
            lines[2] = ManifestFile.Line(sequence: 3, bytes: Array(text.utf8))
        case 1: lines.remove(at: 3)
        default: lines.swapAt(2, 3)
        }
        try folder.write(Specimens.bytes(lines), to: "manifest.jsonl")
        let (status, output) = try runLoop()
        #expect(status == 1)
        #expect(output == "line \(change == 2 ? 3 : 4) does not follow the line before it\n")
    }
}

import ArgumentParser
import PouchFiles
import PouchKit
import PouchPluginKit

/// `pouch plugin new NAME`
struct PluginNewCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "new",
        abstract: "Begins a plugin: a program that delivers into a folder and keeps every promise, to be changed.",
        discussion: """
            Makes a new folder; nothing is overwritten. Python needs its standard library only, sh needs jq and attr, Swift a compiler.

            Examples:
              pouch plugin new letterbox --language python
              pouch plugin new letterbox --language sh --in /etc/pouch/plugins
            """
    )

    @Argument(help: "Lower-case letters, digits and dashes.") var name: String
    @Option(help: "swift, python or sh.") var language: Language
    @Option(name: .customLong("in"), help: "The folder to make it in.") var parent = "."

    func run() async throws {
        let name: AdapterName
        do { name = try AdapterName(self.name) } catch { throw Refusal("\(error)").told() }
        let path = "\(parent)/\(name)"
        do throws(FileProblem) { try Skeleton(name, in: language.skeleton).write(to: path) } catch {
            throw Refusal(
                error.isTaken ? "\(path) exists; nothing was written" : "\(error)",
                hint: error.isTaken ? "choose another name" : nil
            ).told()
        }
        Terminal.print(Style.output.good("\(path) is there"))
        Terminal.print("try it:   pouch plugin test \(path)")
        Terminal.print("use it:   deliver: { with: process, plugin: \(path), settings: { folder: /srv/inbox } }")
        Terminal.print("read:     docs/writing-a-destination.md, docs/plugin-protocol.md")
    }

    enum Language: String, ExpressibleByArgument, CaseIterable {
        case swift, python, sh

        var skeleton: Skeleton.Language {
            switch self {
            case .swift: .swift
            case .python: .python
            case .sh: .sh
            }
        }
    }
}

import ArgumentParser
import Foundation
import PouchHTTP
import PouchKit

/// `pouch sandbox objects`
struct SandboxObjectsCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "objects",
        abstract: "Lists what a running sandbox holds, with digests computed from the stored bytes."
    )

    @Option(help: "The folder of the running sandbox.", completion: .directory) var folder = "state/sandbox"
    @Option(help: "Only this bucket.") var bucket: String?
    @Option(help: "Only keys that contain this.") var matching: String?
    @Flag(help: "One JSON object a line.") var json = false

    private struct Object: Decodable {
        let bucket: String
        let key: String
        let size: Int64
        let sha256: String?
        let owner: String
        let keyARN: String?
        let isDeleteMarker: Bool
    }

    func run() async throws {
        let body = try await fetch()
        let all = try JSONSerialization.jsonObject(with: body) as? [[String: Any]] ?? []
        let shown = all.filter { object in
            let key = object["key"] as? String ?? ""
            return (bucket == nil || object["bucket"] as? String == bucket) && (matching.map { key.contains($0) } ?? true)
        }
        if json {
            for object in shown {
                let line = try JSONSerialization.data(withJSONObject: object, options: [.sortedKeys, .withoutEscapingSlashes])
                Terminal.print(String(decoding: line, as: UTF8.self))
            }
            return
        }
        let objects = try JSONDecoder().decode([Object].self, from: JSONSerialization.data(withJSONObject: shown))
        for object in objects where !object.isDeleteMarker {
            Terminal.print(Style.output.bold("s3://\(object.bucket)/\(VisibleText.escaped(object.key))"))
            Terminal.print("    \(object.size) bytes, sha256 \(object.sha256 ?? "-")")
            Terminal.print("    owner \(object.owner), key \(object.keyARN ?? "none")")
        }
        Terminal.print("\(objects.count) objects")
    }

    private func fetch() async throws -> Data {
        let folder = URL(fileURLWithPath: folder).standardizedFileURL.path
        let endpoint: String
        let token: String
        do {
            endpoint = try Self.line(of: SandboxFolderNames.endpoint(in: folder))
            token = try Self.line(of: folder + "/token")
        } catch {
            throw Refusal("no sandbox has run in \(folder)", hint: "start one: pouch sandbox --folder \(folder)").told()
        }
        let engine = HTTPEngine(network: HTTPNetwork(caFile: folder + "/ca.pem"), maximumConnections: 1)
        defer { engine.shutdown() }
        do {
            let request = HTTPRequest(
                method: "GET",
                url: endpoint + "/_sandbox/objects",
                headers: [("Authorization", "Bearer \(token)")],
                maximumResponseBody: 256 << 20
            )
            let response = try await engine.send(request)
            guard response.status == 200 else {
                throw Refusal("the sandbox answered \(response.status): \(VisibleText.escaped(response.body))").told()
            }
            return Data(response.body)
        } catch let failure as HTTPFailure {
            throw Refusal("the sandbox at \(endpoint) does not answer: \(failure)").told()
        }
    }

    private static func line(of path: String) throws -> String {
        try String(contentsOfFile: path, encoding: .utf8).trimmingCharacters(in: .whitespacesAndNewlines)
    }
}

import Foundation
import PouchPartnerKit
import PouchTestSupport
import Testing

@Suite("a kit's Terraform")
struct TerraformTests {
    @Test("is formatted as terraform formats it, and valid where its provider can be had")
    func isValid() async throws {
        guard let terraform = Self.terraform else { return print("not tried: there is no terraform on this machine") }
        var kit = try KitHouse.kit { choices in
            choices.handsOverOwnership = true
            choices.joinsSegments = true
        }
        kit.queue = EventQueue(arn: "arn:aws:sqs:eu-west-1:111111111111:pouch-published")
        kit.newUsers = ["pouch-edge", "pouch-publisher"]
        let folder = try TemporaryFolder("terraform")
        for file in kit.files { try folder.write(file.text, to: file.path) }
        for side in ["org-a", "org-b"] {
            let place = folder.path(side)
            let format = try Self.run(terraform, ["fmt", "-check", "-diff", "-no-color"], in: place)
            #expect(format.status == 0, "\(format.output)")
            guard try Self.run(terraform, ["init", "-backend=false", "-no-color"], in: place).status == 0 else {
                print("not validated: terraform cannot get the provider hashicorp/aws here")
                continue
            }
            let validation = try Self.run(terraform, ["validate", "-no-color"], in: place)
            #expect(validation.status == 0, "\(validation.output)")
        }
    }

    private static var terraform: URL? {
        let path = ProcessInfo.processInfo.environment["PATH"] ?? ""
        return path.split(separator: ":").map { URL(fileURLWithPath: String($0)).appendingPathComponent("terraform") }
            .first { FileManager.default.isExecutableFile(atPath: $0.path) }
    }

    private static func run(_ program: URL, _ arguments: [String], in folder: String) throws -> (status: Int32, output: String) {
        let process = Process()
        let pipe = Pipe()
        process.executableURL = program
        process.arguments = arguments
        process.currentDirectoryURL = URL(fileURLWithPath: folder)
        process.standardOutput = pipe
        process.standardError = pipe
        process.standardInput = FileHandle.nullDevice
        try process.run()
        let output = pipe.fileHandleForReading.readDataToEndOfFile()
        process.waitUntilExit()
        return (process.terminationStatus, String(decoding: output, as: UTF8.self))
    }
}

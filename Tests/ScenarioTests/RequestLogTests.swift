import Foundation
import Testing

extension Scenarios.SecureInbox {
    /// What the sandbox wrote down of three deliveries.
    @Suite("the request log of a delivery", .serialized)
    struct RequestLogTests {
        private static let size = 200_000

        /// The S3 requests of one run, by who sent them.
        private func requests() async throws -> (generator: [SandboxProcess.Request], publisher: [SandboxProcess.Request]) {
            let inbox = try SecureInboxWorkshop()
            try inbox.workshop.feed(3, sizes: Self.size...Self.size)
            let before = try inbox.sandbox.requests().count
            try await inbox.expectEverythingDelivered(3)
            let mine = try inbox.sandbox.requests().dropFirst(before).filter { $0.service == "s3" }
            let generator = mine.filter { $0.caller?.contains("/generator/") == true }
            let publisher = mine.filter { $0.caller?.contains("/publisher/") == true }
            try #require(generator.count + publisher.count == mine.count, "somebody else called")
            return (generator, publisher)
        }

        @Test("the generator only puts, and nothing of it needs Decrypt")
        func generatorCannotOpen() async throws {
            let (generator, _) = try await requests()
            #expect(generator.map(\.action) == Array(repeating: "PutObject", count: 3))
            #expect(Set(generator.flatMap(\.permissions)).isSubset(of: ["s3:PutObject", "kms:GenerateDataKey"]))
            #expect(Set(generator.flatMap { $0.kms.map(\.action) }) == ["kms:GenerateDataKey"])
        }

        @Test("every request names the owner that it expects, of the source too")
        func expectedOwners() async throws {
            let (generator, publisher) = try await requests()
            #expect(Set(generator.map(\.expectedOwner)) == ["111111111111"])
            #expect(Set(publisher.map(\.expectedOwner)) == ["222222222222"])
            #expect(Set(publisher.filter { $0.action == "CopyObject" }.map(\.sourceExpectedOwner)) == ["111111111111"])
        }

        @Test("the publisher copies, and no byte of a file passes it")
        func publisherSeesNothing() async throws {
            let (generator, publisher) = try await requests()
            #expect(publisher.map(\.action) == Array(repeating: "CopyObject", count: 3))
            #expect(publisher.allSatisfy { $0.bytesIn == 0 })
            // The answer of a copy is a little XML.
            #expect(publisher.allSatisfy { $0.bytesOut < 1_000 })
            #expect(generator.allSatisfy { $0.bytesIn > Int64(Self.size) && $0.bytesOut == 0 })
        }
    }
}

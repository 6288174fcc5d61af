import Glibc
import PouchKit
import PouchSandbox
import PouchTestSupport
import Testing

@Suite("The sandbox as a server")
struct SandboxServerTests {
    @Test("it listens with and without TLS, answers, invites bodies, and stops when it is told")
    func serves() async throws {
        let folder = try TemporaryFolder("server")
        let (ports, found) = AsyncStream<Sandbox.Ports>.makeStream()
        let sandbox = try Sandbox(
            configuration: SandboxConfiguration(
                folder: folder.path("s"), port: 0, plainPort: 0, scenario: .twoOrganisations, showsArrivals: false),
            ready: { found.yield($0) })
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await sandbox.run() }
            var iterator = ports.makeAsyncIterator()
            let port = try #require(await iterator.next())
            #expect(port.tls != port.plain)
            let plain = try #require(port.plain)
            let unsigned = try RawConnection(port: plain).exchange(
                "GET /acme-inbox/k HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
            #expect(unsigned.hasPrefix("HTTP/1.1 403") && unsigned.contains("<Code>AccessDenied</Code>"))
            let invited = try RawConnection(port: plain).exchange(
                "PUT /acme-inbox/k HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 2\r\nConnection: close\r\n\r\nab")
            #expect(invited.hasPrefix("HTTP/1.1 100"))
            #expect(invited.contains("HTTP/1.1 403"))
            let head = try RawConnection(port: plain).exchange(
                "HEAD /acme-inbox/k HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
            #expect(head.hasPrefix("HTTP/1.1 403") && head.hasSuffix("\r\n\r\n"))
            group.cancelAll()
            try await group.waitForAll()
        }
        #expect(try folder.text("s/ca.pem").hasPrefix("-----BEGIN CERTIFICATE-----"))
    }

    @Test("what arrives is shown under its bucket, one line each")
    func console() throws {
        let folder = try TemporaryFolder("console")
        let descriptor = open(folder.path("out"), O_WRONLY | O_CREAT, 0o600)
        defer { close(descriptor) }
        let console = ArrivalConsole(scenario: try .twoOrganisations, descriptor: descriptor)
        for (bucket, owner) in [
            ("orga-repository", "111111111111"), ("acme-inbox", "222222222222"), ("acme-inbox", "222222222222"),
        ] {
            var attributes = ObjectAttributes()
            attributes.encryption = .kms(key: House.key, bucketKey: false, context: [:])
            console.show(
                StoredObject(
                    bucket: bucket, key: ObjectKey("a\nb"), version: "1",
                    body: StoredBody(extents: [Extent(file: "f", offset: 0, length: 12_345_678, crc64nvme: CRC64NVME(0))]),
                    etag: "",
                    modified: House.now, owner: owner, writer: "w", attributes: attributes, checksum: nil))
        }
        let expected = """

            org A · orga-repository
              12:00:00  a\\u{a}b  12.3 MB  under \(House.key)  owned by org A

            org B · acme-inbox
              12:00:00  a\\u{a}b  12.3 MB  under \(House.key)  owned by org B
              12:00:00  a\\u{a}b  12.3 MB  under \(House.key)  owned by org B

            """
        #expect(try folder.text("out") == expected)
    }
}

/// A connection that sends exactly what it is told and reads until the other side closes.
private struct RawConnection {
    private let descriptor: Int32

    init(port: Int) throws {
        descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = UInt16(port).bigEndian
        address.sin_addr.s_addr = inet_addr("127.0.0.1")
        let answer = withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
            }
        }
        #expect(answer == 0)
    }

    func exchange(_ text: String) throws -> String {
        defer { close(descriptor) }
        let bytes = Array(text.utf8)
        #expect(write(descriptor, bytes, bytes.count) == bytes.count)
        var answer: [UInt8] = []
        var block = [UInt8](repeating: 0, count: 4_096)
        while true {
            let count = read(descriptor, &block, block.count)
            guard count > 0 else { break }
            answer += block[..<count]
        }
        return String(decoding: answer, as: UTF8.self)
    }
}

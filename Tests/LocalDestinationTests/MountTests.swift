import LocalDestination
import PouchFiles
import PouchKit
import PouchTestSupport
import Testing

@Suite("A local destination on a mounted share")
struct MountTests {
    @Test("delivers nothing beside a share that is not mounted, and goes on when it is", .enabled(if: TemporaryFolder.mayMount))
    func waitsForMount() async throws {
        let inbox = try Inbox()
        let share = try TemporaryFolder("share")
        let mount = try share.makeFolder("mnt")
        let destination = try inbox.destination(path: mount + "/acme", mount: mount)
        let file = try Consignor(inbox)
        let failure = try await file.failure(to: destination)
        #expect(failure?.remedy == .retry(after: .seconds(30)) && failure?.code == "ENODEV")
        #expect(failure?.hint?.contains("mount it") == true, "\(failure?.description ?? "")")
        #expect(try share.files() == [] && !share.exists("mnt/acme"))
        #expect(await destination.check().contains { $0.severity == .failure && $0.text.contains("find a mounted file system") })

        try share.mountSmall(on: "mnt")
        _ = try await file.send(to: destination, attempt: 2)
        #expect(try share.text("mnt/acme/file.csv") == "contents")
        #expect(await !destination.check().contains { $0.severity == .failure })

        share.unmount("mnt")
        // What the share hides may well have the folder, too.
        try share.makeFolder("mnt/acme")
        #expect(try await Consignor(inbox).failure(to: destination)?.code == "ENODEV")
        #expect(try share.files() == [])
    }

    @Test("names a folder above its own as the mount point", arguments: ["/", "/srv/inboxes", "/srv/inbox/a/b", "/mnt"])
    func badMounts(mount: String) {
        #expect(throws: RefusedSettings.self) {
            try LocalDestination.make(LocalSettings(path: "/srv/inbox/a", mount: mount), relativeTo: "/")
        }
    }

    @Test("that is not synced says so in the receipt, and its check says what that costs")
    func unsynced() async throws {
        let inbox = try Inbox()
        let destination = try inbox.destination(fsync: false)
        let receipt = try await Consignor(inbox).send(to: destination, as: "a/file.csv")
        #expect(receipt.stages[0].facts["fsync"] == "off" && inbox.text("a/file.csv") == "contents")
        let findings = await destination.check()
        #expect(findings.contains { $0.severity == .note && $0.text.contains("power cut") })
        #expect(try await Consignor(inbox).send(to: inbox.destination()).stages[0].facts["fsync"] == nil)
        #expect(try await !inbox.destination().check().contains { $0.text.contains("power cut") })
    }
}

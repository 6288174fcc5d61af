import PouchConformance
import PouchTestSupport
import Testing

extension Scenarios {
    @Suite("under a service manager", .serialized)
    struct SupervisionTests {
        #if DEBUG
            @Test(
                "an agent one of whose loops is stuck says which, gives no sign of life from then on, and still ends when it is told to",
                arguments: ["housekeeping", "lane desk", "journal", "manifest"])
            func stuck(_ loop: String) async throws {
                let workshop = try Workshop()
                let folder = try TemporaryFolder("notify")
                let socket = try NotifySocket(folder.path("socket"))
                var pouch = workshop.pouch()
                pouch.environment = [
                    "NOTIFY_SOCKET": socket.name, "WATCHDOG_USEC": "4000000", "POUCH_STUCK_LOOP": loop,
                ]
                let ending = try await pouch.serve("run") { _ in
                    let messages = await socket.messages(upTo: "STATUS=stuck")
                    #expect(messages.contains("READY=1"), "\(messages)")
                    // On a busy machine others may be slow at that moment, too.
                    #expect(messages.last?.contains(loop) == true, "\(messages)")
                }
                #expect(ending.status == 0, "\(ending.errors)")
                let rest = await socket.rest()
                #expect(!rest.contains("WATCHDOG=1") && rest.contains("STOPPING=1"), "\(rest)")
                #expect(ending.errors.contains("the agent stands still ("), "\(ending.errors)")
            }
        #endif
    }
}

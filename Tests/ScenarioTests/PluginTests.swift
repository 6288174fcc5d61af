import Foundation
import PouchKit
import Testing

extension Scenarios {
    /// The crash rule holds as well where a program that others wrote delivers.
    @Suite("a partner behind a plugin", .serialized)
    struct PluginTests {
        @Test("gets every file once, and check, doctor and explain say through what")
        func deliversOnce() async throws {
            let workshop = try await pluggedWorkshop()
            let check = try await workshop.pouch().run("check")
            #expect(check.status == 0 && check.errors.contains("does not pin its program"), "\(check.errors)")
            let doctor = try await workshop.pouch().run("doctor")
            #expect(
                doctor.status == 0 && doctor.output.contains("runs and speaks pouch-plugin/1"), "\(doctor.output)\(doctor.errors)")
            try workshop.feed(20)
            try await workshop.expectEverythingDelivered(20)
            let facts = try #require(try workshop.manifest().first)
            #expect(facts.contains("\"plugin\":\"letterbox 1.0\""))
        }

        @Test("the agent is killed at any step", arguments: [CrashPoint.begun, .saved, .delivered, .completed])
        func agentKilled(at point: CrashPoint) async throws {
            let workshop = try await pluggedWorkshop()
            try workshop.feed(5)
            let killed = try await workshop.pouch(crashAt: point, count: point.deadlyCount).run("run", "--once")
            #expect(killed.wasKilled, "the process was to die at \(point): \(killed.errors)")
            try await eventually("the plugin died with the agent") { Self.plugins(of: workshop).isEmpty }
            #expect(try workshop.judge(isOver: false) == Workshop.Verdict())
            try await workshop.expectEverythingDelivered(5)
        }

        @Test("the plugin is killed again and again")
        func pluginKilled() async throws {
            let workshop = try await pluggedWorkshop()
            try workshop.feed(40)
            let ending = try await workshop.pouch().run("run", "--once", "--log-level", "error") { running in
                var killed: Set<Int32> = []
                while killed.count < 4, !running.isOver {
                    for number in Self.plugins(of: workshop) where killed.insert(number).inserted { kill(number, SIGKILL) }
                    await Task.yield()
                }
            }
            #expect(ending.status == 0, "\(ending.errors)")
            #expect(try workshop.judge() == Workshop.Verdict())
            try await workshop.expectEverythingDelivered(40)
        }

        @Test("a plugin that dies between placing a file and tidying up leaves nothing, though the file need not be sent again")
        func diesWhileItTidies() async throws {
            let workshop = try await pluggedWorkshop {
                $0.replacing(
                    "        os.unlink(part)\n        return True",
                    with: """
                                die_once(self.folder + "/../died")
                                os.unlink(part)
                                return True
                        """
                ).replacing(
                    "\n\ndef failure(error):",
                    with: """


                        def die_once(note):
                            try:
                                os.close(os.open(note, os.O_CREAT | os.O_EXCL))
                            except FileExistsError:
                                return
                            os.kill(os.getpid(), 9)


                        def failure(error):
                        """)
            }
            try workshop.feed(1)
            try await workshop.expectEverythingDelivered(1)
            #expect(FileManager.default.fileExists(atPath: workshop.folder.appendingPathComponent("died").path))
        }

        @Test("a plugin that lies holds its partner, the file is kept, and the status says why")
        func liar() async throws {
            let workshop = try await pluggedWorkshop {
                $0.replacing("return delivery.arrival(key,", with: "return self.lie(delivery.arrival(key,").replacing(
                    "path=path)", with: "path=path))"
                ).replacing(
                    "    def abandon(",
                    with: "    def lie(self, arrival):\n        return {**arrival, \"sha256\": \"0\" * 64}\n\n    def abandon(")
            }
            try workshop.feed(1)
            let ending = try await workshop.pouch().run("run", "--once", "--patience", "5", "--log-level", "error")
            #expect(ending.status == 1)
            let status = try await workshop.pouch().run("status")
            #expect(status.output.contains("the plugin says that"), "\(status.output)")
            #expect(workshop.files("state/claims").count == 1)
        }

        /// A workshop whose partner gets its files through what `pouch plugin new` writes.
        private func pluggedWorkshop(change: (String) -> String = { $0 }) async throws -> Workshop {
            let workshop = try Workshop(
                partners:
                    "desk: { deliver: { with: process, plugin: ./letterbox, settings: { folder: ./inbox } }, limits: { at-once: 8 } }"
            )
            let made = try await workshop.pouch().run("plugin", "new", "letterbox", "--language", "python")
            #expect(made.status == 0, "\(made.errors)")
            let again = try await workshop.pouch().run("plugin", "new", "letterbox", "--language", "python")
            #expect(again.status == 1 && again.errors.contains("nothing was written"))
            let program = workshop.folder.appendingPathComponent("letterbox/letterbox.py")
            let text = try String(contentsOf: program, encoding: .utf8)
            let handle = try FileHandle(forWritingTo: program)
            try handle.truncate(atOffset: 0)
            try handle.write(contentsOf: Data(change(text).utf8))
            try handle.close()
            return workshop
        }

        /// The processes that run a plugin of this workshop.
        private static func plugins(of workshop: Workshop) -> [Int32] {
            let names = (try? FileManager.default.contentsOfDirectory(atPath: "/proc")) ?? []
            return names.compactMap { Int32($0) }.filter { number in
                let arguments = FileManager.default.contents(atPath: "/proc/\(number)/cmdline").map {
                    String(decoding: $0, as: UTF8.self)
                }
                return arguments?.contains(workshop.folder.lastPathComponent + "/letterbox/letterbox.py") == true
            }
        }
    }
}

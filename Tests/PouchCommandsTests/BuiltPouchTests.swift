import Foundation
import PouchAgent
import PouchJournal
import PouchKit
import PouchTestSupport
import Testing

@Suite("the built pouch")
struct BuiltPouchTests {
    @Test("checks a sound configuration, and says what it would do with it")
    func checksSound() async throws {
        let pouch = try BuiltPouch()
        let answer = try await pouch("check")
        #expect(answer.code == 0)
        #expect(answer.errors == "")
        #expect(
            answer.output == """
                agent.yaml is good
                  folder   \(pouch.folder.path)/drop  files are archived in \(pouch.folder.path)/archive, kept for ever
                  partner  acme\(String(repeating: " ", count: pouch.folder.path.count + 1))  place in file://\(pouch.folder.path)/inbox/
                  route    reports\(String(repeating: " ", count: pouch.folder.path.count - 2))  to acme
                  route    pictures\(String(repeating: " ", count: pouch.folder.path.count - 3))  to acme

                """)
        #expect(!pouch.folder.exists("state"), "it touches nothing")
    }

    @Test("ends with 78 when the configuration is wrong, whatever it was asked", arguments: ["check", "run", "status", "doctor"])
    func refusesWrong(_ command: String) async throws {
        let pouch = try BuiltPouch(partners: "{ acme: { deliver: { with: ftp } } }")
        let answer = try await pouch(command)
        #expect(answer.code == 78)
        #expect(answer.output == "")
        #expect(answer.errors.hasPrefix("agent.yaml:2:38: with: there is no destination called 'ftp'\nhint: "), "\(answer.errors)")
    }

    @Test("has no way to walk for the doctor where files are only published, and says so")
    func doctorOfPublisher() async throws {
        let pouch = try BuiltPouch()
        let key = "arn:aws:kms:eu-west-1:222222222222:key/11112222-3333-4444-5555-666677778888"
        try pouch.folder.write(
            """
            publish: { queue: "https://sqs.eu-west-1.amazonaws.com/111111111111/pouch-events", as: publisher }
            agent: { name: publisher-01, state: ./state }
            identities: { publisher: { role: "arn:aws:iam::111111111111:role/publisher", from: { environment: true } } }
            partners:
              acme:
                deliver:
                  with: s3-secure-inbox
                  repository: { bucket: orga-repository, region: eu-west-1, prefix: acme/, key: "\(key)", as: generator }
                  inbox: { bucket: acme-inbox, region: eu-west-1, owner: "222222222222", prefix: from-orga/, key: "\(key)", as: publisher }

            """, to: "agent.yaml")
        let answer = try await pouch("doctor")
        #expect(answer.code == 1 && answer.output == "")
        #expect(answer.errors.contains("agent.yaml has no folders and no routes: it is a publisher's"), "\(answer.errors)")
    }

    @Test("delivers what is there once, and tells its story, its state and its proof")
    func runsOnce() async throws {
        let pouch = try BuiltPouch()
        try pouch.folder.write("a,b\n", to: "drop/reports/2026/north.csv")
        let run = try await pouch("run", "--once")
        #expect(run.code == 0, "\(run.errors)")
        #expect(run.output == "1 delivered, nothing left to do\n")
        #expect(try pouch.folder.text("inbox/2026/north.csv") == "a,b\n")
        for line in run.errors.split(separator: "\n") {
            #expect((try? JSONSerialization.jsonObject(with: Data(line.utf8))) != nil, "\(line)")
        }
        #expect(run.errors.contains("\"message\":\"delivered\""))

        let status = try await pouch("status")
        #expect(status.code == 0)
        #expect(status.output.hasPrefix("edge-01  not running (this is from its journal)\n  partner  waiting"))
        #expect(status.output.hasSuffix("\n  unaccounted: 0\n"))
        let json = try await pouch("status", "--json")
        let document = try #require(try JSONSerialization.jsonObject(with: Data(json.output.utf8)) as? [String: Any])
        #expect(document["unaccounted"] as? Int == 0)
        #expect(try JSONDecoder().decode(AgentStatus.self, from: Data(json.output.utf8)).journal.total.delivered == 1)

        let trace = try await pouch("trace", "north.csv")
        #expect(trace.code == 0)
        #expect(trace.output.hasPrefix("reports/2026/north.csv to acme: delivered\n"))
        #expect(trace.output.contains("  manifest  line 1\n"))
        let stories = try await pouch("trace", "north.csv", "--json")
        #expect((try JSONSerialization.jsonObject(with: Data(stories.output.utf8)) as? [Any])?.count == 1)
        let nothing = try await pouch("trace", "south.csv")
        #expect(nothing.code == 1)
        #expect(nothing.errors.hasPrefix("error: the journal knows nothing of 'south.csv'\nhint: "))
    }

    @Test("shows and verifies the manifest, and finds the line that somebody changed")
    func verifiesManifest() async throws {
        let pouch = try BuiltPouch()
        for name in ["a.png", "b.png", "c.png"] { try pouch.folder.write(name, to: "drop/" + name) }
        #expect(try await pouch("run", "--once").code == 0)
        let shown = try await pouch("manifest", "show", "--last", "2")
        #expect(shown.output.split(separator: "\n").count == 2)
        #expect(shown.output.contains("  delivered  "))
        #expect(try await pouch("manifest", "show", "--matching", "b.png").output.contains("b.png (5 B)"))
        #expect(try await pouch("manifest", "show", "--outcome", "quarantined").output == "")
        #expect(try await pouch("manifest", "show", "--partner", "globex").output == "")
        let lines = try await pouch("manifest", "show", "--json").output
        let good = try await pouch("manifest", "verify")
        #expect(good.code == 0)
        #expect(good.output == "the manifest is good: 3 lines, the journal agrees\n")
        try pouch.folder.write(lines, to: "copy.jsonl")
        let alone = try await pouch("manifest", "verify", "--file", "copy.jsonl")
        #expect(alone.output == "the manifest is good: 3 lines, unanchored: there was no journal to compare with\n")
        // Not the last line: a change there shows only in comparison with the journal.
        let first = try #require(lines.split(separator: "\n").first)
        let changed = first.replacingOccurrences(of: ".png", with: ".jpg")
        try pouch.folder.write(lines.replacingOccurrences(of: first, with: changed), to: "copy.jsonl")
        let altered = try await pouch("manifest", "verify", "--file", "copy.jsonl")
        #expect(altered.code == 1)
        #expect(altered.errors.contains("the manifest does not verify"))
    }

    @Test("explains what would become of a file, rule by rule, and touches nothing")
    func explains() async throws {
        let pouch = try BuiltPouch()
        try pouch.folder.write("a,b\n", to: "drop/reports/2026/north.csv")
        let taken = try await pouch("explain", "drop/reports/2026/north.csv")
        #expect(taken.code == 0)
        #expect(taken.output.contains("takes it  reports"))
        #expect(taken.output.contains("does not  pictures"))
        #expect(taken.output.contains("to acme, by reports\n  key  2026/north.csv\n  1. place"))
        let large = try await pouch("explain", "drop/reports/2026/south.csv", "--size", "1000000")
        #expect(large.output.contains("is not there"))
        #expect(large.output.contains("no route takes it: it stays where it is, is counted, and somebody is told"))
        #expect(try await pouch("explain", "drop/a.tmp").output.contains("is ignored: "))
        let elsewhere = try await pouch("explain", "agent.yaml")
        #expect(elsewhere.code == 1)
        #expect(elsewhere.errors.contains("lies in no watched folder"))
        #expect(!pouch.folder.exists("state"))
    }

    @Test("holds, sends, releases and retries without a running agent")
    func stepsIn() async throws {
        let pouch = try BuiltPouch()
        try pouch.folder.write("contract", to: "2026.pdf")
        #expect(try await pouch("hold", "acme", "--reason", "tonight").output.hasPrefix("acme is held"))
        let queued = try await pouch("send", "2026.pdf", "--to", "acme")
        #expect(queued.code == 1)
        #expect(queued.errors.contains("but acme is held: tonight"), "\(queued.errors)")
        #expect(try await pouch("status").output.contains("acme is held since "))
        #expect(try await pouch("release", "acme").code == 0)
        let sent = try await pouch("send", "2026.pdf", "--to", "acme")
        #expect(sent.code == 0, "\(sent.errors)")
        #expect(sent.output.contains("delivered: file://"))
        #expect(try pouch.folder.text("2026.pdf") == "contract")
        #expect(try await pouch("retry", "--all").output == "nothing is held or quarantined\n")
        let unknown = try await pouch("release", "globex")
        #expect(unknown.code == 1)
        #expect(unknown.errors == "error: there is no partner 'globex'\nhint: partners: acme\n")
        #expect(try await pouch("release", "Not A Name").code == 64)
    }

    @Test("asks the destinations what they would refuse")
    func looksAround() async throws {
        let pouch = try BuiltPouch()
        let doctor = try await pouch("doctor")
        #expect(doctor.code == 0, "\(doctor.output)")
        #expect(doctor.output.hasPrefix("acme  local\n"))
        let broken = try BuiltPouch(partners: "{ acme: { deliver: { with: local, path: ./file/inbox } } }")
        try broken.folder.write("", to: "file")
        let failing = try await broken("doctor", "acme")
        #expect(failing.code == 1)
        #expect(failing.output.contains("FAILURE"))
        #expect(try await pouch("doctor", "globex").errors.hasPrefix("error: there is no partner 'globex'"))
    }

    @Test("makes kits for partners with a secure inbox only, and says so")
    func refusesKits() async throws {
        let pouch = try BuiltPouch()
        let local = try await pouch("partner", "kit", "acme")
        #expect(local.code == 1)
        #expect(
            local.errors == """
                error: acme is delivered to with local, for which there is no kit
                hint: kits are for partners with: s3-secure-inbox

                """)
        #expect(try await pouch("partner", "kit", "globex").errors.hasPrefix("error: there is no partner 'globex'"))
        #expect(try await pouch("partner", "kit", "acme", "--trust-anchor", "arn").code == 64)
        #expect(!pouch.folder.exists("kit-acme"))
    }

    private static let key = "arn:aws:kms:eu-west-1:222222222222:key/11112222-3333-4444-5555-666677778888"

    private static func inbox(
        generator: String = "generator", repository: String = "orga-repository", more: String = ""
    ) throws -> BuiltPouch {
        try BuiltPouch(
            partners: """
                { acme: { deliver: { with: s3-secure-inbox, \(more)
                  repository: { bucket: "\(repository)", region: eu-west-1, prefix: acme/, key: "\(key)", as: \(generator) },
                  inbox: { bucket: acme-inbox, region: eu-west-1, owner: "222222222222", prefix: in/, key: "\(key)", as: publisher } } } }
                identities:
                  generator: { role: "arn:aws:iam::111111111111:role/generator", from: { profile: edge } }
                  publisher: { role: "arn:aws:iam::111111111111:role/publisher", from: { profile: edge } }
                """)
    }

    @Test("refuses a kit with which no file could arrive, or two hosts would be one")
    func refusesUselessKits() async throws {
        let queue = ["--queue", "arn:aws:sqs:eu-west-1:111111111111:pouch-published"]
        let edge = "arn:aws:iam::111111111111:user/edge"
        let pouch = try Self.inbox()
        let single = try await Self.inbox(generator: "publisher")("partner", "kit", "acme")
        #expect(single.errors.contains("both stores and publishes"), "\(single.errors)")
        let point = try await Self.inbox(repository: "arn:aws:s3:eu-west-1:111111111111:accesspoint/acme")("partner", "kit", "acme")
        #expect(point.errors.contains("is an access point, and a kit is the policy of a bucket"), "\(point.errors)")
        let silent = try await pouch("partner", "kit", "acme", queue[0], queue[1], "--no-ask")
        #expect(silent.errors.contains("must be allowed to ask the inbox"), "\(silent.errors)")
        let shared = try await pouch("partner", "kit", "acme", queue[0], queue[1], "--edge", edge, "--publisher-edge", edge)
        #expect(shared.errors.contains("both roles would be entered by \(edge)"), "\(shared.errors)")
        for answer in [single, point, silent, shared] { #expect(answer.code == 1) }
        #expect(!pouch.folder.exists("kit-acme"))
    }

    @Test("makes a kit for a publisher elsewhere that has a principal of its own, may ask, and is told what that costs")
    func kitElsewhere() async throws {
        let pouch = try Self.inbox(more: "publish: elsewhere, receipts: { as: generator },")
        let made = try await pouch(
            "partner", "kit", "acme", "--segments", "--queue", "arn:aws:sqs:eu-west-1:111111111111:pouch-published")
        #expect(made.code == 0, "\(made.errors)")
        #expect(made.output.contains("the publisher can read the inbox"))
        #expect(try pouch.folder.text("kit-acme/org-a/publisher-policy.json").contains("AskWhoseAnObjectIs"))
        #expect(try pouch.folder.text("kit-acme/org-a/generator-policy.json").contains("ReadReceipts"))
        #expect(try pouch.folder.text("kit-acme/org-a/generator-trust.json").contains(":user/pouch-edge"))
        #expect(try pouch.folder.text("kit-acme/org-a/publisher-trust.json").contains(":user/pouch-publisher"))
        let rehearsal = try pouch.folder.text("kit-acme/rehearsal.json")
        #expect(rehearsal.contains("pouch-edge") && rehearsal.contains("pouch-publisher"))
    }

    @Test("takes what a kit grants from the way that files are stored")
    func kitOfParts() async throws {
        let pouch = try Self.inbox(repository: #"orga-repository", upload: multipart, owner: "111111111111"#)
        #expect(try await pouch("partner", "kit", "acme").code == 0)
        #expect(try pouch.folder.text("kit-acme/org-a/generator-policy.json").contains("ReopenOwnParts"))
        #expect(try pouch.folder.text("kit-acme/org-b/key-policy.json").contains("GeneratorReopensParts"))
    }

    @Test("ends with 75 when another agent has the state, and with words when there is none")
    func respectsLock() async throws {
        let pouch = try BuiltPouch()
        let absent = try await pouch("status")
        #expect(absent.code == 1)
        #expect(absent.errors.contains("there is no journal in "))
        #expect(absent.errors.contains("hint: it is made by the first `pouch run`"))
        try pouch.folder.makeFolder("state")
        let held = try StateHolder(pouch.folder.path("state"))
        let second = try await pouch("run", "--once")
        held.letGo()
        #expect(second.code == 75)
        #expect(second.errors.contains("one agent per state folder"))
    }

    @Test("says how a run ended that did not deliver everything")
    func tellsRest() async throws {
        let pouch = try BuiltPouch()
        try pouch.folder.write("text", to: "drop/notes.txt")
        let run = try await pouch("run", "--once", "--log-level", "error")
        #expect(run.code == 1)
        #expect(run.output == "")
        #expect(run.errors.contains("0 delivered, 1 unmatched\nhint: `pouch status` says what waits"))
    }
}

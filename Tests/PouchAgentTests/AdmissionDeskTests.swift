import PouchAgent
import PouchJournal
import PouchKit
import PouchManifest
import PouchRouting
import Testing

@Suite("the desk that admits drops")
struct AdmissionDeskTests {
    private func desk(_ rules: [RouteRule], _ partners: [PartnerName: ScriptedDestination]) -> AdmissionDesk {
        AdmissionDesk(
            agent: "edge-test",
            router: Router(rules: rules),
            partners: partners.reduce(into: [:]) { plans, entry in
                plans[entry.key] = PartnerPlan(name: entry.key, destination: entry.value, limits: TransferBudget.Limits())
            }
        )
    }

    private func deliveries(_ desk: AdmissionDesk, of path: DropPath, size: Int64 = 8) -> [AdmittedDelivery] {
        desk.deliveries(
            of: DropFacts(folder: "/drop", path: path, size: size, admitted: Specimen.time),
            identity: Specimen.identity(size: size),
            at: Specimen.time
        )
    }

    @Test("makes a delivery for every partner of every route that takes the drop, with its key and target frozen")
    func makesDeliveries() throws {
        let desk = desk(
            [
                RouteRule(
                    name: RouteName(unchecked: "reports"), path: try PathPattern("*.csv"),
                    partners: [Specimen.acme, Specimen.globex],
                    template: try KeyTemplate("{date:yyyy}/{name}")),
                RouteRule(name: RouteName(unchecked: "pictures"), path: try PathPattern("*.png"), partners: [Specimen.acme]),
            ],
            [Specimen.acme: ScriptedDestination(target: "one"), Specimen.globex: ScriptedDestination(target: "two")]
        )
        let made = deliveries(desk, of: try DropPath("seeds.csv"))
        #expect(made.map(\.partner) == [Specimen.acme, Specimen.globex])
        #expect(made.map(\.key.description) == ["2026/seeds.csv", "2026/seeds.csv"])
        #expect(made.map(\.target) == [TargetFingerprint("one"), TargetFingerprint("two")])
        #expect(Set(made.map(\.id)).count == 2)
        #expect(made.allSatisfy { if case .waiting = $0.start { true } else { false } })
        #expect(deliveries(desk, of: try DropPath("notes.txt")).isEmpty)
    }

    @Test("holds a file alone that is larger than its destination takes")
    func holdsTooLarge() throws {
        let desk = desk(
            [RouteRule(name: Specimen.route, partners: [Specimen.acme])], [Specimen.acme: ScriptedDestination(largestFile: 8)])
        guard case .waiting = try #require(deliveries(desk, of: try DropPath("a"), size: 8).first).start else {
            Issue.record("eight bytes are not too many")
            return
        }
        guard case .held("too-large", let reason) = try #require(deliveries(desk, of: try DropPath("a"), size: 9).first).start
        else {
            Issue.record("nine bytes are too many")
            return
        }
        #expect(reason == "the file has 9 bytes, and memory takes at most 8 at once in this version")
    }

    @Test("holds what goes to a partner that the configuration does not have any more")
    func holdsForNobody() throws {
        let desk = desk([RouteRule(name: Specimen.route, partners: [Specimen.acme])], [:])
        guard case .held("partner-gone", _) = try #require(deliveries(desk, of: try DropPath("a")).first).start else {
            Issue.record("there is nobody to deliver to")
            return
        }
    }

    @Test("quarantines a drop that can have no key, with a line of the manifest that can be read")
    func quarantinesWithoutKey() throws {
        let desk = desk([RouteRule(name: Specimen.route, partners: [Specimen.acme])], [Specimen.acme: ScriptedDestination()])
        let path = try DropPath(bytes: [0x61, 0xFF, 0x62])
        let made = try #require(deliveries(desk, of: path).first)
        guard case .quarantined(let failure, let entry) = made.start else {
            Issue.record("a name that is no text makes no key")
            return
        }
        #expect(failure.remedy == .quarantine)
        #expect(failure.attempt == "name a\\xffb for acme")
        #expect(made.key == .standIn(for: made.id))
        let line = entry(ManifestPosition(sequence: 7, previous: ManifestEntry.origin))
        let read = try ManifestEntry(line: line.bytes)
        #expect(line.sequence == 7)
        #expect(line.digest == ManifestEntry.digest(of: line.bytes))
        #expect(read.sequence == 7)
        #expect(read.outcome == .quarantined)
        #expect(read.delivery == made.id)
        #expect(read.file.path == path)
        #expect(read.file.sha256 == nil)
        #expect(read.attempts == 0)
        #expect(read.destination.description == "memory")
        #expect(read.reason?.code == failure.code)
        #expect(read.reason?.text == failure.description)
    }
}

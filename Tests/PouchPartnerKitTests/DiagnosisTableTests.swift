import Glibc
import PouchKit
import PouchPartnerKit
import PouchTestSupport
import S3SecureInbox
import Testing

@Suite("what goes wrong between two organisations")
struct DiagnosisTableTests {
    @Test("is named by doctor and by the delivery that fails, with the fix", arguments: Trouble.all)
    func isNamed(_ trouble: Trouble) async throws {
        let house = try await house(with: trouble)
        let destination = try house.destination(
            clock: trouble.skew.map { SkewedClock(skew: $0) } ?? SystemClock()
        ) { settings in
            trouble.variant.adapt(&settings)
            trouble.settings(&settings)
        }
        await judgeDoctor(destination, trouble)
        try await judgeDelivery(house, destination, trouble)
    }

    @Test("is in the table once, and what cannot be produced has a reason")
    func isComplete() {
        let symptoms = Trouble.all.map(\.symptom) + Trouble.beyondReach.map(\.symptom)
        #expect(Set(symptoms).count == symptoms.count)
        #expect(Trouble.beyondReach.allSatisfy { !$0.reason.isEmpty })
        print("diagnoses that cannot be produced here:")
        for row in Trouble.beyondReach { print("  \(row.symptom): \(row.reason)") }
    }

    private func house(with trouble: Trouble) async throws -> KitHouse {
        let house = try KitHouse(trouble.variant.kit(), without: trouble.without) { scenario in trouble.scenario(&scenario) }
        let credentials = try house.folder.text("sandbox/credentials")
        let changed = trouble.credentials(credentials)
        if changed != credentials {
            let path = try house.folder.write(changed, to: "sandbox/credentials")
            try #require(chmod(path, 0o600) == 0)
        }
        if trouble.isTaken {
            _ = try await house.deliver(house.destination())
        }
        if let fault = trouble.fault { try await house.spoil(fault) }
        if let network = trouble.network { house.transport.breaks(network.host, network.kind, "made to fail") }
        return house
    }

    private func judgeDoctor(_ destination: S3SecureInbox, _ trouble: Trouble) async {
        let findings = await destination.check()
        let first = findings.firstFailure
        #expect(first?.step == trouble.words.step, "\(findings.story)")
        if let first {
            let said = "\(first.text)\n\(first.hint ?? "")"
            #expect(said.contains(trouble.words.doctor), "\(said)")
            #expect(first.hint != nil, "somebody must act: \(first.text)")
        } else {
            #expect(findings.contains { $0.text.contains(trouble.words.doctor) }, "\(findings.story)")
        }
    }

    private func judgeDelivery(_ house: KitHouse, _ destination: S3SecureInbox, _ trouble: Trouble) async throws {
        guard let remedy = trouble.words.remedy else {
            _ = try await house.deliver(destination, size: trouble.variant.fileSize)
            #expect(house.delivered().count == 1)
            return
        }
        let failure = await #expect(throws: DeliveryFailure.self) {
            try await house.deliver(destination, size: trouble.variant.fileSize)
        }
        #expect(failure?.remedy == remedy, "\(failure?.description ?? "")")
        #expect(failure?.code == trouble.words.code, "\(failure?.description ?? "")")
        #expect(failure?.description.contains(trouble.words.delivery) == true, "\(failure?.description ?? "")")
        #expect(house.delivered().count == (trouble.isTaken ? 1 : 0))
    }
}

import PouchJournal
import PouchKit
import Testing

@Suite("Conservation")
struct ConservationTests {
    private static let partners = [Sample.acme, Sample.globex, PartnerName(unchecked: "initech")]
    private static let folders = ["/srv/drop", "/srv/other"]

    @Test(
        "whatever happens in whatever order, the journal is what a plain model says, and nothing is unaccounted",
        arguments: [1, 2, 3, 4] as [UInt64])
    func agreesWithModel(seed: UInt64) async throws {
        let folder = try JournalFolder()
        var run = Run(journal: try await folder.open(), seed: seed)
        for round in 0..<12 {
            for _ in 0..<40 { try run.step() }
            try await run.settle()
            try await run.compare()
            if round.isMultiple(of: 4) {
                await run.journal.close()
                run.journal = try await folder.open()
                run.model.restart()
                try await run.compare()
            }
        }
        await run.journal.close()
    }

    /// One random history, told to the journal and to the model at the same time.
    private struct Run {
        var journal: Journal
        var model = JournalModel()
        private var random: SeededGenerator
        private var expected: [@Sendable () async -> Outcome] = []
        private var clock: Int64 = 0

        private struct Outcome {
            let got: JournalFailure.Kind?
            let wanted: JournalFailure.Kind?
            let what: String
        }

        init(journal: Journal, seed: UInt64) {
            self.journal = journal
            random = SeededGenerator(seed: seed)
        }

        /// One operation, not waited for.
        mutating func step() throws {
            clock += 1
            let now = Sample.time(clock)
            guard let index = model.deliveries.indices.randomElement(using: &random), Int.random(in: 0..<5, using: &random) > 0
            else {
                return try admit()
            }
            let delivery = model.deliveries[index]
            let id = delivery.id
            switch Int.random(in: 0..<14, using: &random) {
            case 0...2:
                let stage: DeliveryState = Bool.random(using: &random) ? .storing : .publishing
                let attempt = delivery.attempts + 1
                expect(
                    journal.begin(id, attempt: attempt, stage: stage, at: now), model.begin(index, attempt: attempt, stage: stage),
                    "begin")
            case 3, 4:
                let state = [DeliveryState.storing, .stored, .publishing].randomElement(using: &random) ?? .stored
                let checkpoint = Sample.checkpoint("\(clock)")
                expect(journal.save(checkpoint, of: id, state: state, at: now), model.save(index, checkpoint, state: state), "save")
            case 5, 6: expect(journal.complete(id, at: clock), model.complete(index), "complete")
            case 7: expect(journal.quarantine(id), model.quarantine(index), "quarantine")
            case 8:
                let ticket = journal.fail(id, failure: Sample.failure(.hold), at: now, next: .held)
                expect(ticket, model.hold(index), "hold")
            case 9:
                let time = Sample.time(clock + Int64.random(in: 0..<60, using: &random))
                let ticket = journal.fail(id, failure: Sample.failure(), at: now, next: .retry(at: time))
                expect(ticket, model.retryLater(index, at: time), "retry later")
            case 10:
                let new = DeliveryID(high: random.next(), low: random.next())
                expect(journal.retry(id, as: new, at: now), model.retry(index, as: new), "retry")
            case 11:
                model.retake(delivery.file)
                expect(journal.retake(file: Int64(delivery.file + 1), identity: Sample.identity(), at: now), nil, "retake")
            case 12:
                expect(journal.finish(file: Int64(delivery.file + 1), at: now), model.finish(delivery.file), "finish")
            default: partnerStep(delivery.partner, now)
            }
        }

        /// Waits for everything and looks at how it ended.
        mutating func settle() async throws {
            for outcome in expected {
                let outcome = await outcome()
                #expect(outcome.got == outcome.wanted, "\(outcome.what)")
            }
            expected = []
        }

        func compare() async throws {
            let now = Sample.time(clock)
            let snapshot = try await journal.snapshot(now: now)
            #expect(snapshot.total.unaccounted == 0)
            #expect(snapshot.folders.allSatisfy { $0.files.unaccounted == 0 && $0.deliveries.unaccounted == 0 })
            #expect(snapshot.folders.map(\.files.admitted).reduce(0, +) == model.files.count)
            for summary in snapshot.partners {
                let partner = summary.partner
                #expect(summary.counts.unaccounted == 0)
                #expect(summary.counts.admitted == model.deliveries.count { $0.partner == partner })
                #expect(summary.counts.waiting == model.count(.waiting, partner))
                #expect(summary.counts.storing == model.count(.storing, partner))
                #expect(summary.counts.stored == model.count(.stored, partner))
                #expect(summary.counts.publishing == model.count(.publishing, partner))
                #expect(summary.counts.delivered == model.count(.delivered, partner))
                #expect(summary.counts.held == model.count(.held, partner))
                #expect(summary.counts.quarantined == model.count(.quarantined, partner))
                #expect(summary.counts.retried == model.deliveries.count { $0.partner == partner && $0.wasRetried })
                #expect(try await journal.due(partner: partner, now: now, limit: 9_999).map(\.id) == model.due(partner, now: now))
            }
            for folder in snapshot.folders {
                let delivered = model.files.indices.count { file in
                    let states = model.counting(file).map(\.state)
                    return model.files[file].folder == folder.folder && !states.isEmpty && states.allSatisfy { $0 == .delivered }
                }
                #expect(folder.files.delivered == delivered)
            }
            #expect(Set(try await journal.heldPartners().map(\.partner)) == model.held)
            #expect(try await journal.openFiles(limit: 9_999).count == model.files.count { !$0.isFinished })
            #expect(try await journal.head().sequence == Int64(model.lines + 1))
            #expect(try await journal.outbox(limit: 9_999).map(\.sequence) == Array(1...Int64(model.lines + 1)).dropLast())
            for wanted in model.deliveries {
                let found = try await journal.delivery(wanted.id)
                #expect(found?.state == wanted.state && found?.checkpoint == wanted.checkpoint && found?.retries == wanted.retries)
                #expect(found?.attempts == wanted.attempts)
            }
        }

        private mutating func admit() throws {
            let folder = ConservationTests.folders.randomElement(using: &random) ?? ""
            var planned: [(id: DeliveryID, partner: PartnerName, state: DeliveryState)] = []
            for partner in ConservationTests.partners.shuffled(using: &random).prefix(Int.random(in: 0...3, using: &random)) {
                let state =
                    [DeliveryState.waiting, .waiting, .waiting, .held, .quarantined].randomElement(using: &random) ?? .waiting
                planned.append((DeliveryID(high: random.next(), low: random.next()), partner, state))
            }
            let deliveries = try planned.map { id, partner, state in
                let start: AdmittedDelivery.Start =
                    switch state {
                    case .held: .held(code: "too-large", reason: "it is")
                    case .quarantined: .quarantined(Sample.failure(.quarantine), entry: Sample.entry)
                    default: .waiting
                    }
                return try Sample.delivery(id, to: partner, start: start)
            }
            let claim = "claim-\(model.files.count)"
            let admission = try Sample.admission("file-\(model.files.count)", folder: folder, claim: claim, deliveries)
            model.admit(folder, planned)
            expect(journal.admit(admission), nil, "admit")
            // The same claim once more changes nothing.
            if Bool.random(using: &random) { expect(journal.admit(admission), nil, "admit again") }
        }

        private mutating func partnerStep(_ partner: PartnerName, _ now: Timestamp) {
            if Bool.random(using: &random) {
                model.held.insert(partner)
                expect(journal.hold(partner, code: "AccessDenied", reason: "no key", at: now), nil, "hold the partner")
            } else {
                let wanted = model.release(partner)
                let ticket = journal.release(partner, at: now)
                expect(ticket, nil, "release the partner") { $0 == wanted }
            }
        }

        private mutating func expect<Value: Sendable>(
            _ ticket: Ticket<Value>,
            _ wanted: JournalFailure.Kind?,
            _ what: String,
            where isRight: @escaping @Sendable (Value) -> Bool = { _ in true }
        ) {
            expected.append {
                do throws(JournalFailure) {
                    let value = try await ticket.value()
                    return Outcome(got: isRight(value) ? nil : .other, wanted: wanted, what: what)
                } catch {
                    return Outcome(got: error.kind, wanted: wanted, what: "\(what): \(error)")
                }
            }
        }
    }
}

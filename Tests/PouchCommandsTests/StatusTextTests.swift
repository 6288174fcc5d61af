import PouchAgent
import PouchCommands
import PouchJournal
import PouchKit
import Testing

/// A moment in the life of an agent to which everything has happened.
private enum Eventful {
    static let now = Timestamp(seconds: 1_795_442_709)
    static let acme = PartnerName(unchecked: "acme")
    static let globex = PartnerName(unchecked: "globex")

    static func ago(_ seconds: Int) -> Timestamp { now.advanced(by: .seconds(-seconds)) }

    static func delivery(
        _ number: UInt64,
        _ path: String,
        to partner: PartnerName,
        _ state: DeliveryState,
        size: Int64 = 2_048,
        ended: Timestamp? = nil,
        failure: RecordedFailure? = nil
    ) throws -> DeliverySummary {
        DeliverySummary(
            sequence: Int64(number),
            id: DeliveryID(high: number << 32, low: 0),
            partner: partner,
            route: RouteName(unchecked: "everything"),
            folder: "/srv/drop",
            path: path,
            size: size,
            key: try DeliveryKey(path),
            state: state,
            attempts: 1,
            ended: ended,
            failure: failure
        )
    }

    static func counts(_ change: (inout DeliveryCounts) -> Void) -> DeliveryCounts {
        var counts = DeliveryCounts()
        change(&counts)
        return counts
    }

    static func journal() throws -> JournalSnapshot {
        JournalSnapshot(
            at: now,
            agent: "edge-01",
            total: counts {
                $0.admitted = 1_010
                $0.delivered = 1_000
                $0.waiting = 4
                $0.publishing = 1
                $0.held = 2
                $0.quarantined = 2
            },
            partners: [
                PartnerSummary(
                    partner: acme,
                    counts: counts {
                        $0.waiting = 4
                        $0.publishing = 1
                        $0.delivered = 990
                        $0.held = 1
                        $0.quarantined = 2
                        $0.retried = 1
                    },
                    oldestWaiting: ago(300),
                    nextAttempt: nil
                ),
                PartnerSummary(
                    partner: globex,
                    counts: counts {
                        $0.delivered = 10
                        $0.held = 1
                    },
                    oldestWaiting: nil,
                    nextAttempt: nil
                ),
            ],
            folders: [],
            heldPartners: [
                HeldPartner(
                    partner: acme, code: "AccessDenied",
                    reason: "could not store a.csv: AccessDenied (403)\nhint: acme's key policy lacks the generator", since: ago(60)
                )
            ],
            lastDelivered: [try delivery(1, "last.csv", to: globex, .delivered, size: 12_345_678, ended: ago(5))],
            held: [
                try delivery(2, "behind.csv", to: acme, .held),
                try delivery(
                    3, "large.bin", to: globex, .held,
                    failure: RecordedFailure(at: ago(9), code: "too-large", attempt: "admit", cause: "6 GB are too many", hint: nil)
                ),
            ],
            quarantined: [
                try delivery(
                    4, "bad\\u{a}name.csv", to: acme, .quarantined,
                    failure: RecordedFailure(
                        at: ago(9), code: "KeyTooLong", attempt: "store", cause: "the key has 1,100 bytes",
                        hint: "shorten the prefix"))
            ],
            manifest: ManifestPosition.first,
            unwrittenLines: 0
        )
    }

    static let seal = SealStatus(
        recipients: [
            SealStatus.Recipient(
                words: "CN=acme (RSA 3072, until 2026-12-01)",
                notice: SealNotice(
                    code: "seal-certificate-expires-in-30-days", text: "the certificate of CN=acme expires in 8 days", hint: nil,
                    isBlocking: false)),
            SealStatus.Recipient(words: "CN=archive (EC P-256, until 2030-01-01)", notice: nil),
        ])

    static func status() throws -> AgentStatus {
        var account = Account()
        account.strangers = ["/state/claims/1/a.csv"]
        account.missing = ["/srv/drop/b.csv"]
        return AgentStatus(
            isRunning: true,
            at: now,
            journal: try journal(),
            folders: [
                FolderStatus(
                    folder: "/srv/drop", isThere: true, sweptAt: ago(12), files: 3, unsettled: 2, unmatched: 1,
                    ignored: ["temporary name": 4, "a link": 1], notices: ["the watch limit was reached"]),
                FolderStatus(
                    folder: "/srv/other", isThere: true, sweptAt: nil, files: 0, unsettled: 0, unmatched: 0, ignored: [:],
                    notices: []),
            ],
            lanes: [
                LaneStatus(partner: acme, hold: nil, breaker: "closed", seal: seal),
                LaneStatus(partner: globex, hold: nil, breaker: "it did not answer; the next try is in 12 s"),
            ],
            running: [
                ProgressBoard.Entry(
                    delivery: DeliveryID(high: 9, low: 9), partner: acme, path: "big.bin", size: 100_000_000, sent: 25_000_000,
                    began: ago(3)),
                ProgressBoard.Entry(
                    delivery: DeliveryID(high: 9, low: 8), partner: globex, path: "empty", size: 0, sent: 0, began: ago(1)),
                ProgressBoard.Entry(
                    delivery: DeliveryID(high: 9, low: 7), partner: acme, path: "secret.bin", size: 100_000_000, sent: 0,
                    sealed: 40_000_000, began: ago(1)),
            ],
            account: account,
            troubles: ["nothing is taken in: the disk is full\nhint: make room"]
        )
    }
}

@Suite("a status for people")
struct StatusTextTests {
    @Test("tells everything in its order: troubles, partners, what stands still and why, what runs, the accounts")
    func tellsEverything() throws {
        let text = StatusText(status: try Eventful.status(), style: Style(isOn: false)).text
        let expected = """
            edge-01  running
              trouble: nothing is taken in: the disk is full
                hint: make room
              partner  waiting  running  delivered  held  quarantined  oldest waiting
              acme     4        1        990        1     1            5 min
              globex   0        0        10         1     0            -

              acme is held since 2026-11-23T14:04:09.000Z: AccessDenied
                could not store a.csv: AccessDenied (403)
                hint: acme's key policy lacks the generator
                after the fix: pouch release acme

              held: large.bin for globex
                6 GB are too many
                to try again: pouch retry 00000003
              globex: it did not answer; the next try is in 12 s
              acme: sealed to CN=acme (RSA 3072, until 2026-12-01) and CN=archive (EC P-256, until 2030-01-01)
                the certificate of CN=acme expires in 8 days

              under way
                big.bin     to acme    25 %  25.0 MB of 100 MB
                empty       to globex        0 B of 0 B
                secret.bin  to acme    40 %  40.0 MB of 100 MB, being sealed

              /srv/drop: 2 unsettled, 1 unmatched, 1 ignored (a link), 4 ignored (temporary name); swept 12 s ago
                the watch limit was reached

              /srv/other: 0 unsettled, 0 unmatched; not swept yet

              quarantined: bad\\u{a}name.csv for acme
                KeyTooLong: the key has 1,100 bytes
                hint: shorten the prefix
                to try again: pouch retry 00000004

              last delivered
                2026-11-23T14:05:04.000Z  last.csv  to globex  12.3 MB

              unaccounted: 3
                not in the journal: /state/claims/1/a.csv
                not on disk: /srv/drop/b.csv
            """
        #expect(text == expected)
    }

    @Test("says why something waits for its next attempt")
    func tellsRetrying() throws {
        let failure = RecordedFailure(
            at: Eventful.now, code: "ENODEV", attempt: "deliver", cause: "no file system is mounted", hint: "mount it")
        let partner = PartnerSummary(
            partner: Eventful.acme, counts: Eventful.counts { $0.waiting = 1 }, oldestWaiting: nil, nextAttempt: nil,
            retrying: try Eventful.delivery(7, "small.csv", to: Eventful.acme, .waiting, failure: failure))
        let journal = JournalSnapshot(
            at: Eventful.now, agent: "edge-01", total: DeliveryCounts(), partners: [partner], folders: [], heldPartners: [],
            lastDelivered: [], held: [], quarantined: [], manifest: ManifestPosition.first, unwrittenLines: 0)
        let text = StatusText(
            status: AgentStatus(isRunning: false, at: Eventful.now, journal: journal), style: Style(isOn: false)
        ).text
        #expect(text.contains("small.csv for acme\n    no file system is mounted\n    hint: mount it\n"), "\(text)")
    }

    @Test("says of an agent that never delivered that there is nothing, and that it does not run")
    func tellsNothing() {
        let empty = JournalSnapshot(
            at: Eventful.now, agent: "edge-01", total: DeliveryCounts(), partners: [], folders: [], heldPartners: [],
            lastDelivered: [], held: [], quarantined: [], manifest: ManifestPosition.first, unwrittenLines: 0)
        let status = AgentStatus(isRunning: false, at: Eventful.now, journal: empty)
        #expect(
            StatusText(status: status, style: Style(isOn: false)).text == """
                edge-01  not running (this is from its journal)
                  nothing was delivered yet

                  unaccounted: 0
                """)
    }

    @Test("is coloured on a terminal only, and says the same there")
    func isColoured() throws {
        let status = try Eventful.status()
        let coloured = StatusText(status: status, style: Style(isOn: true)).text
        let plain = StatusText(status: status, style: Style(isOn: false)).text
        #expect(coloured.contains("\u{1B}[31m  unaccounted: 3\u{1B}[0m") || coloured.contains("\u{1B}[31munaccounted: 3\u{1B}[0m"))
        #expect(!plain.contains("\u{1B}"))
        #expect(coloured.replacing(/\u{1B}\[[0-9]+m/, with: "") == plain)
    }
}

@Suite("a story for people")
struct StoryTextTests {
    @Test("tells a delivered file's way, and the proof of each stage")
    func tellsDelivered() throws {
        let story = DeliveryStory(
            summary: try Eventful.delivery(7, "seeds.csv", to: Eventful.acme, .delivered, ended: Eventful.now),
            pathBytes: nil,
            admitted: Eventful.ago(9),
            digests: FileDigests(
                sha256: try #require(SHA256Digest(bytes: [UInt8](repeating: 0xAB, count: 32))), crc64nvme: CRC64NVME(1)),
            seal: SealRecord(
                size: 3_072,
                digests: FileDigests(
                    sha256: try #require(SHA256Digest(bytes: [UInt8](repeating: 0xCD, count: 32))), crc64nvme: CRC64NVME(2)),
                recipients: [try #require(SHA256Digest(bytes: [UInt8](repeating: 0xEF, count: 32)))]),
            retries: DeliveryID(high: 1, low: 1),
            retriedBy: nil,
            nextAttempt: nil,
            checkpointStage: nil,
            receipt: Receipt(
                location: "s3://acme-inbox/seeds.csv",
                key: "seeds.csv",
                confirmation: .byQuestion,
                stages: [
                    StageRecord(
                        stage: .store, identity: IdentityName(unchecked: "generator"), facts: ["version": "v1", "bucket": "orga"],
                        requests: 1, milliseconds: 12),
                    StageRecord(stage: .place, identity: nil, facts: ["\u{1B}[2J": "x"], requests: 1, milliseconds: 3),
                ]
            ),
            manifestSequence: 41,
            events: [StoryEvent(at: Eventful.ago(9), kind: .admitted, detail: "to acme")]
        )
        #expect(
            StoryText.text(story, style: Style(isOn: false)) == """
                seeds.csv to acme: delivered
                  delivery  00000007000000000000000000000000
                  route     everything, key seeds.csv
                  file      2048 B, sha256 \(String(repeating: "ab", count: 32))
                  sealed    3072 B, sha256 \(String(repeating: "cd", count: 32))
                            for the certificate with sha256 \(String(repeating: "ef", count: 32))
                  retries   00000000000000010000000000000001
                  manifest  line 41
                  story
                    2026-11-23T14:05:00.000Z  admitted  to acme
                  proof     s3://acme-inbox/seeds.csv (by-question)
                    store as generator, 12 ms
                      bucket: orga
                      version: v1
                    place, 3 ms
                      \\u{1b}[2J: x
                """)
    }

    @Test("tells of a waiting file when it is tried again, and escapes what others wrote")
    func tellsWaiting() throws {
        let story = DeliveryStory(
            summary: try Eventful.delivery(7, "seeds.csv", to: Eventful.acme, .waiting),
            pathBytes: nil,
            admitted: Eventful.ago(9),
            digests: nil,
            retries: nil,
            retriedBy: nil,
            nextAttempt: Eventful.now,
            checkpointStage: .store,
            receipt: nil,
            manifestSequence: nil,
            events: [StoryEvent(at: Eventful.ago(9), kind: .failed, detail: "\u{1B}[2J gone")]
        )
        let text = StoryText.text(story, style: Style(isOn: false))
        #expect(text.hasSuffix("  next attempt 2026-11-23T14:05:09.000Z"))
        #expect(text.contains("\\u{1b}[2J gone"))
        #expect(!text.contains("\u{1B}"))
    }
}

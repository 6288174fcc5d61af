import FoundationEssentials
import PouchAWS
import PouchHTTP
import PouchKit
import S3SecureInbox
import Synchronization
import Testing

@Suite("A delivery through repository and inbox")
struct S3SecureInboxTests {
    private static let suffixed = "2026/%C3%BC%20report~01234567.csv"

    @Test("stores as the generator, saves, then copies as the publisher: two requests")
    func straight() async throws {
        let delivery = try Delivery()
        let receipt = try await delivery.receipt()
        #expect(
            delivery.cloud.log
                == [
                    "put orga-repository.s3.eu-west-1.amazonaws.com/acme/\(Delivery.id)/%C3%BC%20report.csv",
                    "copy acme-inbox.s3.eu-west-1.amazonaws.com/from-orga/2026/%C3%BC%20report.csv",
                ].map {
                    $0.replacing("orga-repository.s3.eu-west-1.amazonaws.com/", with: "").replacing(
                        "acme-inbox.s3.eu-west-1.amazonaws.com/", with: "")
                })
        #expect(delivery.notes.withLock { $0.requestsAtSave } == [1])
        #expect(delivery.notes.withLock { $0.bytesSent } == 5)
        #expect(receipt.location == "s3://acme-inbox/from-orga/2026/ü report.csv")
        #expect(receipt.confirmation == .byAnswer)
        #expect(receipt.stages.map(\.stage) == [.store, .publish])
        #expect(receipt.stages.map { $0.identity?.description } == ["generator", "publisher"])
        #expect(receipt.stages.map(\.requests) == [1, 1])
        #expect(receipt.stages[1].facts["requestId"] == "R2")
        #expect(receipt.stages[1].facts["versionId"] == "W1")
        #expect(receipt.stages[1].facts["owner"] == "asserted")
        let signed = delivery.cloud.requests.map { $0.header("authorization") ?? "" }
        #expect(signed[0].contains("GENERATOR/"))
        #expect(signed[1].contains("PUBLISHER/"))
    }

    @Test("the object in the repository says all that another publisher needs, and nothing is asked for that needs Decrypt")
    func consignment() async throws {
        let delivery = try Delivery(name: [0xFF] + Array(" a%.csv".utf8))
        _ = try await delivery.receipt()
        let put = try #require(delivery.cloud.requests(.put).first)
        let expected = [
            "x-amz-meta-pouch-delivery": Delivery.id, "x-amz-meta-pouch-crc64nvme": CRC64NVME(42).base64,
            "x-amz-meta-pouch-size": "5",
            "x-amz-meta-pouch-name": "%FF%20a%25.csv", "x-amz-meta-pouch-partner": "acme", "x-amz-meta-pouch-route": "reports",
            "x-amz-meta-pouch-agent": "edge-01", "x-amz-meta-pouch-key": "2026/%C3%BC%20report.csv",
            "x-amz-meta-pouch-consignment": "1",
            "x-amz-server-side-encryption": "aws:kms", "x-amz-server-side-encryption-aws-kms-key-id": Answers.repositoryKey,
            "x-amz-server-side-encryption-bucket-key-enabled": "false", "x-amz-expected-bucket-owner": "111111111111",
            "x-amz-checksum-crc64nvme": CRC64NVME(42).base64, "x-amz-content-sha256": "UNSIGNED-PAYLOAD",
        ]
        for (name, value) in expected { #expect(put.header(name) == value, "\(name)") }
        #expect(put.header("x-amz-acl") == nil)
        #expect(put.header("x-amz-meta-pouch-publish") == nil)
        let copy = try #require(delivery.cloud.requests(.copy).first)
        let onCopy = [
            "x-amz-copy-source": "orga-repository/acme/\(Delivery.id)/%C3%BC%20report.csv?versionId=V1",
            "x-amz-copy-source-if-match": "\"e1\"",
            "if-none-match": "*", "x-amz-expected-bucket-owner": "222222222222",
            "x-amz-source-expected-bucket-owner": "111111111111",
            "x-amz-server-side-encryption-aws-kms-key-id": Answers.inboxKey, "x-amz-meta-pouch-delivery": Delivery.id,
        ]
        for (name, value) in onCopy { #expect(copy.header(name) == value, "\(name)") }
        for absent in ["x-amz-acl", "x-amz-storage-class", "x-amz-meta-pouch-key", "x-amz-meta-pouch-consignment"] {
            #expect(copy.header(absent) == nil, "\(absent)")
        }
    }

    @Test("an ACL and a storage class go along where they are set; replace overwrites")
    func options() async throws {
        let delivery = try Delivery(whenTaken: .replace) { settings in
            settings.inbox?.acl = "bucket-owner-full-control"
            settings.inbox?.storageClass = "STANDARD_IA"
        }
        _ = try await delivery.receipt()
        let copy = try #require(delivery.cloud.requests(.copy).first)
        #expect(copy.header("x-amz-acl") == "bucket-owner-full-control")
        #expect(copy.header("x-amz-storage-class") == "STANDARD_IA")
        #expect(copy.header("if-none-match") == nil)
    }

    @Test("a publisher elsewhere gets the consignment: nothing is copied, and repeating it stores nothing again")
    func elsewhere() async throws {
        let delivery = try Delivery(publish: .elsewhere)
        guard case .handedOver(let checkpoint, let receipt) = try await delivery.run() else {
            Issue.record("expected it to be handed over")
            return
        }
        #expect(receipt.location == "s3://orga-repository/acme/\(Delivery.id)/ü report.csv")
        #expect(checkpoint.stage == .store)
        #expect(delivery.latest == checkpoint)
        _ = try await delivery.run(from: checkpoint)
        #expect(delivery.cloud.requests.count == 1)
        #expect(delivery.cloud.requests(.put).first?.header("x-amz-meta-pouch-publish") == "elsewhere")
    }

    // MARK: Taken keys

    @Test("a key that somebody else took is gone round, and saved again before the second copy")
    func suffix() async throws {
        let delivery = try Delivery([.copy: [Answers.taken, Answers.copied()]])
        let receipt = try await delivery.receipt()
        #expect(receipt.key == "from-orga/2026/ü report~01234567.csv")
        #expect(receipt.confirmation == .byAnswer)
        #expect(delivery.saves == 2)
        #expect(delivery.cloud.requests(.copy).last?.url.hasSuffix(Self.suffixed) == true)
        #expect(receipt.stages[1].requests == 3)
    }

    @Test("fail quarantines, with the key")
    func fail() async throws {
        let delivery = try Delivery([.copy: [Answers.taken]], whenTaken: .fail)
        let failure = await #expect(throws: DeliveryFailure.self) { try await delivery.run() }
        #expect(failure?.remedy == .quarantine)
        #expect(failure?.code == "key-taken")
        #expect(failure?.cause.contains("s3://acme-inbox/from-orga/2026/ü report.csv") == true)
    }

    @Test("a key that holds this very delivery is done, whoever remembers putting it there")
    func oursWithoutMemory() async throws {
        let delivery = try Delivery([.copy: [Answers.taken], .headInbox: [Answers.there(delivery: Delivery.id)]])
        let receipt = try await delivery.receipt()
        #expect(receipt.confirmation == .byQuestion)
        #expect(receipt.key == "from-orga/2026/ü report.csv")
    }

    @Test("a taken key is not believed to be ours because asking fails, now or in a later attempt")
    func takenIsNotOurs() async throws {
        let delivery = try Delivery([.copy: [Answers.taken, Answers.copied()], .headInbox: [Answers.status(500)]])
        let receipt = try await delivery.receipt()
        #expect(receipt.key.hasSuffix("~01234567.csv"))
    }

    // MARK: Lost answers

    @Test("a lost answer is settled by asking: ours is done")
    func askedOurs() async throws {
        let delivery = try Delivery([.copy: [Answers.lost], .headInbox: [Answers.there(delivery: Delivery.id)]])
        let receipt = try await delivery.receipt()
        #expect(receipt.confirmation == .byQuestion)
        #expect(delivery.cloud.requests(.copy).count == 1)
        #expect(receipt.stages[1].facts["versionId"] == "W1")
    }

    @Test("a lost answer, nothing there: sent again, and a conflict then is asked about")
    func askedAbsent() async throws {
        let delivery = try Delivery([.copy: [Answers.lost, Answers.copied()], .headInbox: [Answers.status(404)]])
        #expect(try await delivery.receipt().confirmation == .byAnswer)
        let late = try Delivery([
            .copy: [Answers.lost, Answers.taken], .headInbox: [Answers.status(404), Answers.there(delivery: Delivery.id)],
        ])
        #expect(try await late.receipt().confirmation == .byQuestion)
    }

    @Test("a lost answer, and we may not ask: sent again, and meeting an object at that key counts as done")
    func byConflict() async throws {
        let delivery = try Delivery([.copy: [Answers.lost, Answers.taken], .headInbox: [Answers.status(403)]])
        let receipt = try await delivery.receipt()
        #expect(receipt.confirmation == .byConflict)
        #expect(receipt.key == "from-orga/2026/ü report.csv")
    }

    @Test("a lost answer, and somebody else's object there: ours did not take effect, and goes round it")
    func askedForeign() async throws {
        let delivery = try Delivery([
            .copy: [Answers.lost, Answers.copied()], .headInbox: [Answers.there(delivery: "ffffffffffffffffffffffffffffffff")],
        ])
        let receipt = try await delivery.receipt()
        #expect(receipt.key.hasSuffix("~01234567.csv"))
        #expect(delivery.saves == 2)
    }

    @Test(
        "what the server calls its own fault, an unreadable answer and a second transmission are lost answers too",
        arguments: [
            Answers.status(500), Answers.status(502), Answers.refused(200, "InternalError"), Answers.status(200),
            { _ in .success(HTTPResponse(status: 412, headers: HTTPHeaders(), body: [], transmissions: 2)) },
        ] as [ScriptedCloud.Answer])
    func otherLosses(_ answer: @escaping ScriptedCloud.Answer) async throws {
        let delivery = try Delivery([.copy: [answer], .headInbox: [Answers.there(delivery: Delivery.id)]])
        #expect(try await delivery.receipt().confirmation == .byQuestion)
    }

    @Test("answers that stay lost end the attempt, and the next one asks before it copies")
    func staysLost() async throws {
        let delivery = try Delivery([.copy: [Answers.lost], .headInbox: [Answers.status(403)]])
        let failure = await #expect(throws: DeliveryFailure.self) { try await delivery.run() }
        #expect(failure?.remedy == .retry)
        #expect(failure?.code == "outcome-unknown")
        #expect(delivery.cloud.requests(.copy).count == 3)
        let count = delivery.cloud.requests.count
        delivery.cloud.change(.headInbox, to: [Answers.there(delivery: Delivery.id)])
        #expect(try await delivery.receipt(from: delivery.latest).confirmation == .byQuestion)
        #expect(delivery.cloud.log.dropFirst(count).map { $0.prefix(4) } == ["head"])
    }

    @Test("killed after saving and before the answer: the next attempt asks, and does not store again")
    func killed() async throws {
        let first = try Delivery()
        _ = try await first.run()
        let saved = try #require(first.latest)
        for (sight, copies, confirmation) in [
            (Answers.there(delivery: Delivery.id), 0, Receipt.Confirmation.byQuestion), (Answers.status(404), 1, .byAnswer),
            (Answers.status(403), 1, .byAnswer),
        ] {
            let delivery = try Delivery([.headInbox: [sight]])
            #expect(try await delivery.receipt(from: saved).confirmation == confirmation)
            #expect(delivery.cloud.requests(.put).isEmpty)
            #expect(delivery.cloud.requests(.copy).count == copies)
        }
        let conflict = try Delivery([.headInbox: [Answers.status(403)], .copy: [Answers.taken]])
        #expect(try await conflict.receipt(from: saved).confirmation == .byConflict)
    }

    @Test("a refusal is remembered as such: an object that somebody puts there later is not taken for ours")
    func refusalIsSettled() async throws {
        let delivery = try Delivery([.copy: [Answers.refused(403, "AccessDenied")]])
        let failure = await #expect(throws: DeliveryFailure.self) { try await delivery.run() }
        #expect(failure?.remedy == .hold)
        #expect(failure?.hint?.contains("arn:aws:iam::111111111111:role/publisher") == true)
        delivery.cloud.change(.copy, to: [Answers.taken, Answers.copied()])
        let receipt = try await delivery.receipt(from: delivery.latest)
        #expect(receipt.key.hasSuffix("~01234567.csv"))
        #expect(delivery.cloud.requests(.put).count == 1)
    }

    // MARK: The source

    @Test(
        "an object that is gone or changed in the repository is stored again, once",
        arguments: [
            Answers.refused(404, "NoSuchVersion"), Answers.refused(404, "NoSuchKey"),
            Answers.refused(412, "PreconditionFailed", "<Condition>x-amz-copy-source-If-Match</Condition>"),
        ])
    func sourceGone(_ answer: @escaping ScriptedCloud.Answer) async throws {
        let delivery = try Delivery([.copy: [answer, Answers.copied()]])
        #expect(try await delivery.receipt().confirmation == .byAnswer)
        #expect(delivery.cloud.requests(.put).count == 2)
        let hopeless = try Delivery([.copy: [answer]])
        let failure = await #expect(throws: DeliveryFailure.self) { try await hopeless.run() }
        #expect(failure?.code == "source-gone")
        #expect(hopeless.cloud.requests(.put).count == 2)
    }

    @Test("without versions, a 412 that does not say which condition failed is told apart by the source's ETag")
    func unversioned() async throws {
        let bare = Answers.refused(412, "PreconditionFailed")
        let same: ScriptedCloud.Answer = { _ in
            .success(HTTPResponse(status: 200, headers: HTTPHeaders([("etag", "\"e1\"")]), body: []))
        }
        let taken = try Delivery([.put: [Answers.stored(version: nil)], .copy: [bare, Answers.copied()], .headRepository: [same]])
        #expect(try await taken.receipt().key.hasSuffix("~01234567.csv"))
        let changed = try Delivery([
            .put: [Answers.stored(version: nil)], .copy: [bare, Answers.copied()], .headRepository: [Answers.status(404)],
        ])
        _ = try await changed.receipt()
        #expect(changed.cloud.requests(.put).count == 2)
        #expect(changed.cloud.requests(.copy)[0].header("x-amz-copy-source")?.contains("versionId") == false)
    }

    @Test("a refusal without reason a day later may mean that the object expired: it is stored again")
    func expired() async throws {
        let delivery = try Delivery([.copy: [Answers.refused(403, "AccessDenied")]])
        await #expect(throws: DeliveryFailure.self) { try await delivery.run() }
        delivery.clock.advance(by: .seconds(90_000))
        delivery.cloud.change(.copy, to: [Answers.refused(403, "AccessDenied"), Answers.copied()])
        _ = try await delivery.receipt(from: delivery.latest)
        #expect(delivery.cloud.requests(.put).count == 2)
    }

    @Test("a file that changed is not published, whatever was stored")
    func changed() async throws {
        let delivery = try Delivery()
        delivery.notes.withLock { $0.isChanged = true }
        let failure = await #expect(throws: DeliveryFailure.self) { try await delivery.run() }
        #expect(failure?.remedy == .sourceChanged)
        #expect(delivery.cloud.requests(.copy).isEmpty)
        let refused = try Delivery([.put: [Answers.refused(400, "BadDigest")]])
        refused.notes.withLock { $0.isChanged = true }
        let reason = await #expect(throws: DeliveryFailure.self) { try await refused.run() }
        #expect(reason?.remedy == .sourceChanged)
    }

    @Test("nothing is published that could not be saved")
    func unsaved() async throws {
        let delivery = try Delivery()
        delivery.notes.withLock { $0.failsToSave = true }
        let failure = await #expect(throws: DeliveryFailure.self) { try await delivery.run() }
        #expect(failure?.remedy == .retry)
        #expect(delivery.cloud.requests(.copy).isEmpty)
    }

    @Test("a checkpoint of another version, or one that cannot be read, is begun again")
    func foreignCheckpoint() async throws {
        let delivery = try Delivery()
        for (version, payload) in [(2, "{}"), (1, "{}"), (1, "nonsense")] {
            let checkpoint = Checkpoint(
                stage: .publish, version: version, target: delivery.destination.traits.target, payload: Array(payload.utf8))
            _ = try await delivery.receipt(from: checkpoint)
        }
        #expect(delivery.cloud.requests(.put).count == 3)
    }

    // MARK: Verification

    @Test("an answer that reports other encryption, or none, holds the partner", arguments: [nil, Answers.inboxKey])
    func storedInPlain(_ key: String?) async throws {
        let delivery = try Delivery([.put: [Answers.stored(key: key)]])
        let failure = await #expect(throws: DeliveryFailure.self) { try await delivery.run() }
        #expect(failure?.remedy == .hold)
        #expect(failure?.code == "wrong-encryption")
        #expect(delivery.cloud.requests(.copy).isEmpty)
    }

    @Test(
        "a copy that reports other encryption, other bytes or another version is not a delivery",
        arguments: [
            Answers.copied(key: nil), Answers.copied(key: Answers.repositoryKey), Answers.copied(checksum: "AAAAAAAAAAA="),
            Answers.copied(source: "V9"),
        ])
    func wrongCopy(_ answer: @escaping ScriptedCloud.Answer) async throws {
        let delivery = try Delivery([.copy: [answer]])
        let failure = await #expect(throws: DeliveryFailure.self) { try await delivery.run() }
        #expect(failure?.remedy == .hold)
    }

    @Test("a stored object with another checksum, or on AWS with none, is stored again later", arguments: ["AAAAAAAAAAA=", ""])
    func wrongChecksum(_ checksum: String) async throws {
        let delivery = try Delivery([.put: [Answers.stored(checksum: checksum)]])
        let failure = await #expect(throws: DeliveryFailure.self) { try await delivery.run() }
        #expect(failure?.remedy == .retry)
        #expect(delivery.cloud.requests(.copy).isEmpty)
    }

    @Test(
        "an object found in the inbox is verified like a copy's answer",
        arguments: [
            Answers.there(delivery: Delivery.id, key: nil), Answers.there(delivery: Delivery.id, size: 4),
        ])
    func wrongObject(_ sight: @escaping ScriptedCloud.Answer) async throws {
        let delivery = try Delivery([.copy: [Answers.lost], .headInbox: [sight]])
        let failure = await #expect(throws: DeliveryFailure.self) { try await delivery.run() }
        #expect(failure?.remedy == .hold)
    }

    // MARK: Limits

    @Test("as one object a file of 5 GiB goes, and one byte more is held before anything is sent")
    func tooLarge() async throws {
        let single: (inout S3SecureInboxSettings) -> Void = { settings in
            settings.repository.upload = .single
            settings.repository.segmentsAbove = nil
        }
        _ = try await Delivery(size: 5_368_709_120, change: single).receipt()
        let delivery = try Delivery(size: 5_368_709_121, change: single)
        let failure = await #expect(throws: DeliveryFailure.self) { try await delivery.run() }
        #expect(failure?.remedy == .hold)
        #expect(failure?.code == "too-large")
        #expect(delivery.cloud.requests.isEmpty)
    }

    @Test("a key too long for S3, or for its metadata, is quarantined")
    func tooLong() async throws {
        let long = (0..<5).map { _ in String(repeating: "x", count: 200) }.joined(separator: "/")
        let failure = await #expect(throws: DeliveryFailure.self) {
            try await Delivery(key: long + "/" + String(repeating: "y", count: 19)).run()
        }
        #expect(failure?.code == "key-too-long")
        let wide = (0..<4).map { _ in String(repeating: "ü", count: 100) }.joined(separator: "/")
        let crowded = await #expect(throws: DeliveryFailure.self) { try await Delivery(key: wide).run() }
        #expect(crowded?.code == "metadata-too-large")
        #expect(crowded?.remedy == .quarantine)
    }

    @Test("the original name is left out of the metadata where there is no room for it")
    func crowdedMetadata() async throws {
        let name = String(repeating: "ü", count: 120)
        let delivery = try Delivery(key: String(repeating: "k", count: 200) + "/" + name, name: Array(name.utf8))
        _ = try await delivery.receipt()
        let put = try #require(delivery.cloud.requests(.put).first)
        #expect(put.header("x-amz-meta-pouch-key") != nil)
        let size = put.headers.filter { $0.name.hasPrefix("x-amz-meta-") }.reduce(0) {
            $0 + $1.name.utf8.count - 11 + $1.value.utf8.count
        }
        #expect(size <= 2_048)
    }

    @Test("an attempt that takes too long is ended with a retry; the next one asks what became of its copy")
    func deadline() async throws {
        // The test's clock does not wait, so that the deadline may strike before the copy is on its way: that attempt shows nothing.
        var delivery: Delivery
        repeat {
            delivery = try Delivery()
            delivery.cloud.hang(on: .copy)
            let failure = await #expect(throws: DeliveryFailure.self) { try await delivery.run(deadline: .seconds(60)) }
            #expect(failure?.remedy == .retry)
            #expect(failure?.code == "deadline")
        } while delivery.cloud.unanswered == 0
        delivery.cloud.hang(on: nil)
        delivery.cloud.change(.headInbox, to: [Answers.there(delivery: Delivery.id)])
        let latest = try #require(delivery.latest)
        #expect(try await delivery.receipt(from: latest).confirmation == .byQuestion)
    }

    @Test("a cancelled attempt ends soon, with a retry")
    func cancelled() async throws {
        let delivery = try Delivery()
        delivery.cloud.hang(on: .put)
        let failure = await withTaskGroup(of: DeliveryFailure?.self) { group in
            group.addTask {
                do throws(DeliveryFailure) {
                    _ = try await delivery.run()
                    return nil
                } catch {
                    return error
                }
            }
            group.cancelAll()
            return await group.next() ?? nil
        }
        #expect(failure?.remedy == .retry)
        #expect(failure?.code == "cancelled")
    }

    @Test("abandoning sends nothing: what lies in the repository expires")
    func abandon() async throws {
        let delivery = try Delivery()
        _ = try await delivery.run()
        let count = delivery.cloud.requests.count
        if let latest = delivery.latest { await delivery.destination.abandon(latest) }
        #expect(delivery.cloud.requests.count == count)
    }

    @Test("the traits name both stages, the target and the largest file")
    func traits() throws {
        let traits = try Delivery().destination.traits
        #expect(traits.stages.map(\.place) == ["s3://orga-repository/acme/", "s3://acme-inbox/from-orga/"])
        #expect(traits.largestFile == 53_687_091_200_000)
        #expect(!traits.handsOver)
        #expect(try Delivery(publish: .elsewhere).destination.traits.handsOver)
    }
}

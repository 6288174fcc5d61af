import PouchAWS
import PouchConformance
import PouchHTTP
import PouchKit
import PouchSandbox
import PouchTestSupport
import S3SecureInbox
import Synchronization
import Testing

@Suite("A publisher that keeps nothing, and a file in segments", .serialized)
struct PublishedSegmentsTests {
    private static let part = 5 << 20
    private static let segments = 3

    /// A consignment of form 2, stored and not published.
    private struct Consigned {
        let recording: RecordingContext
        let sha256: String

        init(in world: TwoOrganisations) async throws {
            let size = (PublishedSegmentsTests.segments - 1) * PublishedSegmentsTests.part + 77
            let file = try TestFile(SegmentDeliveryTests.noise(size), in: world.files)
            recording = RecordingContext(key: try DeliveryKey("\(DeliveryID.random())/k.bin"))
            sha256 = file.contents.sha256.description
            let edge = try world.destination {
                $0.repository.segmentsAbove = ByteCount(bytes: Int64(PublishedSegmentsTests.part))
                $0.publish = .elsewhere
            }
            _ = try await edge.deliver(file.outgoing(), from: nil, in: recording.context)
        }

        var event: String {
            #"{"Records":[{"eventVersion":"2.1","eventSource":"aws:s3","eventName":"ObjectCreated:Put","#
                + #""s3":{"bucket":{"name":"orga-repository"},"object":{"key":"acme/\#(recording.delivery)/k.bin"}}}]}"#
        }

        func inbox(of world: TwoOrganisations) async throws -> [String] {
            try await world.inbox().filter { $0.metadata["pouch-delivery"] == recording.delivery.description }
                .compactMap(\.sha256)
        }

        /// Requests for the object in the inbox that were granted.
        func count(_ action: String, in world: TwoOrganisations) throws -> Int {
            try world.log().count {
                $0.action == action && $0.status == 200 && $0.key?.contains("\(recording.context.key)") == true
            }
        }

        func hasReceipt(in world: TwoOrganisations) -> Bool {
            world.store.everything().contains { $0.key.text == "acme/.pouch-receipts/\(recording.delivery).json" }
        }
    }

    private enum Ending: Equatable {
        case published(Receipt.Confirmation)
        case postponed(String)
        case died
    }

    /// One publisher, until it has published or is dead.
    private static func publish(
        _ consigned: Consigned, reception: Int, in world: TwoOrganisations, over transport: MortalTransport
    ) async throws -> Ending {
        let (news, teller) = AsyncStream.makeStream(of: Ending.self)
        let service = try world.publisher(of: ScriptedQueue([consigned.event], receiveCount: reception), over: transport) { news in
            switch news {
            case .published(_, _, _, _, let confirmation): teller.yield(.published(confirmation))
            // Another was quicker, or died after the receipt.
            case .foundReceipt: teller.yield(.published(.byQuestion))
            case .postponed(let failure, _, _), .refused(let failure, _, _): teller.yield(.postponed("\(failure)"))
            default: break
            }
        }
        return await withTaskGroup(of: Ending?.self) { group in
            group.addTask {
                _ = await service.run(.service)
                return nil
            }
            group.addTask { await news.first { _ in true } }
            group.addTask { await transport.death() ? .died : nil }
            var ending: Ending?
            while ending == nil, let next = await group.next() { ending = next }
            if ending == .died { group.cancelAll() } else { service.stop() }
            // Nobody waits for the end of one who lives.
            transport.bury()
            await group.waitForAll()
            return ending ?? .died
        }
    }

    @Test("makes one object of them, with the edge's checksum, and leaves a receipt")
    func publishes() async throws {
        try await RunningSandbox.use(try .largeFiles) { world in
            let consigned = try await Consigned(in: world)
            let ending = try await Self.publish(consigned, reception: 1, in: world, over: MortalTransport(world.engine))
            #expect(ending == .published(.byAnswer))
            #expect(try await consigned.inbox(of: world) == [consigned.sha256])
            #expect(consigned.hasReceipt(in: world))
            #expect(try consigned.count("UploadPartCopy", in: world) == Self.segments)
            #expect(world.store.uploads(in: "acme-inbox").isEmpty)
        }
    }

    @Test(
        "killed at any request, another goes on with what ListParts shows: one object, each segment copied once",
        arguments: [MortalTransport.Death.before, .after], [true, false])
    func resumes(_ death: MortalTransport.Death, _ mayAsk: Bool) async throws {
        try await RunningSandbox.use(try .largeFiles) { world in
            if !mayAsk {
                try await world.add(
                    #"{"match":{"action":"HeadObject","bucket":"acme-inbox","times":0},"do":{"kind":"error","code":"AccessDenied","status":403}}"#
                )
            }
            var deaths = 0
            for number in 1... {
                let consigned = try await Consigned(in: world)
                let mortal = MortalTransport(world.engine, dies: death, at: number)
                guard try await Self.publish(consigned, reception: 1, in: world, over: mortal) == .died else { break }
                deaths += 1
                let openBefore = world.store.uploads(in: "acme-inbox").count
                let ending = try await Self.publish(consigned, reception: 2, in: world, over: MortalTransport(world.engine))
                // Who may not ask learns by a second object, which S3 refuses, that the first is there.
                let isRefused = !mayAsk && ending == .published(.byConflict)
                #expect(
                    ending == .published(.byAnswer) || ending == .published(.byQuestion) || isRefused,
                    "\(death) request \(number): \(ending)")
                #expect(try await consigned.inbox(of: world) == [consigned.sha256], "\(death) request \(number)")
                #expect(consigned.hasReceipt(in: world), "\(death) request \(number)")
                let copies = isRefused ? 2 * Self.segments : Self.segments
                #expect(try consigned.count("UploadPartCopy", in: world) == copies, "\(death) request \(number)")
                // Dead between an upload and the note of it, nobody knows it any more: the lifecycle rule ends it.
                #expect(world.store.uploads(in: "acme-inbox").count <= openBefore, "\(death) request \(number)")
            }
            // Two questions, the index, the upload, two notes, the parts, completing, the receipt.
            #expect(deaths >= 8 + Self.segments, "\(deaths) deaths")
            #expect(world.store.uploads(in: "acme-inbox").count <= 1)
            #expect(try world.log().contains { $0.action == "ListParts" && $0.status == 200 })
        }
    }

    @Test("two at once, with an event each, leave one object and no upload")
    func twins() async throws {
        try await RunningSandbox.use(try .largeFiles) { world in
            let consigned = try await Consigned(in: world)
            async let one = Self.publish(consigned, reception: 1, in: world, over: MortalTransport(world.engine))
            async let other = Self.publish(consigned, reception: 1, in: world, over: MortalTransport(world.engine))
            for ending in try await [one, other] {
                #expect(ending == .published(.byAnswer) || ending == .published(.byQuestion), "\(ending)")
            }
            #expect(try await consigned.inbox(of: world) == [consigned.sha256])
            #expect(world.store.uploads(in: "acme-inbox").isEmpty)
        }
    }
}

extension TwoOrganisations {
    /// A publisher's service between the two, told by that queue.
    func publisher(
        of queue: ScriptedQueue, over transport: any HTTPTransport, report: @escaping @Sendable (PublisherNews) -> Void
    ) throws -> PublisherService {
        let party = try party("publisher")
        let partner = PublisherPartner(
            name: PartnerName(unchecked: "acme"), plan: try plan(), publisher: party,
            link: AWSLink(transport: transport, clock: link.clock, jitter: { 0 }))
        let sqs = SQS(
            queue: try QueueURL("https://sqs.eu-west-1.amazonaws.com/111111111111/q"), region: try Region("eu-west-1"),
            endpoint: nil,
            credentials: party.credentials, link: AWSLink(transport: queue, clock: link.clock, jitter: { 0 }))
        return PublisherService(
            queue: sqs, partners: [partner].compactMap(\.self), settings: PublisherService.Settings(name: "publisher-01"),
            clock: link.clock, report: report)
    }
}

/// The network of a machine that dies: from one request on nothing goes out any more, and no answer comes in.
final class MortalTransport: HTTPTransport {
    enum Death: Sendable {
        /// The request was not sent.
        case before
        /// It took effect.
        case after
    }

    private struct State {
        var sent = 0
        var underWay = 0
        var isDying = false
        var isBuried = false
        var watchers: [CheckedContinuation<Bool, Never>] = []

        /// What was under way came to its end at the far side.
        var isDead: Bool { isDying && underWay == 0 }
    }

    private let transport: any HTTPTransport
    private let kind: Death
    private let number: Int?
    private let state = Mutex(State())

    /// - Parameter number: The request that it dies at; `nil`: it lives.
    init(_ transport: any HTTPTransport, dies kind: Death = .before, at number: Int? = nil) {
        self.transport = transport
        self.kind = kind
        self.number = number
    }

    /// Returns when it is dead: true; or when nobody needs to know any more.
    func death() async -> Bool {
        await withCheckedContinuation { continuation in
            let isOver = state.withLock { state in
                if state.isDead || state.isBuried { return true }
                state.watchers.append(continuation)
                return false
            }
            if isOver { continuation.resume(returning: state.withLock { $0.isDead }) }
        }
    }

    func bury() { change { $0.isBuried = true } }

    func send(
        _ request: HTTPRequest, progress: (@Sendable (Int64) -> Void)?
    ) async throws(HTTPFailure) -> HTTPResponse {
        let goesOut = change { state in
            guard !state.isDying else { return false }
            state.sent += 1
            if state.sent == number { state.isDying = true }
            guard state.sent != number || kind == .after else { return false }
            state.underWay += 1
            return true
        }
        guard goesOut else { throw await silence() }
        let result: Result<HTTPResponse, HTTPFailure>
        do throws(HTTPFailure) {
            result = .success(try await transport.send(request, progress: progress))
        } catch {
            result = .failure(error)
        }
        let comesIn = change { state in
            state.underWay -= 1
            return !state.isDying
        }
        guard comesIn else { throw await silence() }
        return try result.get()
    }

    private func silence() async -> HTTPFailure {
        await Cancellation.wait()
        return HTTPFailure(kind: .cancelled, outcome: .unknown, text: "cancelled")
    }

    private func change<Value: Sendable>(_ change: (inout State) -> Value) -> Value {
        let (value, isDead, watchers) = state.withLock { state -> (Value, Bool, [CheckedContinuation<Bool, Never>]) in
            let value = change(&state)
            guard state.isDead || state.isBuried else { return (value, false, []) }
            defer { state.watchers = [] }
            return (value, state.isDead, state.watchers)
        }
        for watcher in watchers { watcher.resume(returning: isDead) }
        return value
    }
}

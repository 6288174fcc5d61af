import PouchKit
import PouchSandbox
import PouchTestSupport
import Testing

@Suite("Faults")
struct FaultTests {
    private let seal = [
        "x-amz-server-side-encryption": "aws:kms", "x-amz-server-side-encryption-aws-kms-key-id": House.key,
    ]

    private func put(_ house: House, _ name: String = "a") async throws -> Answer {
        try await house.s3("PUT", "/orga-repository/acme/1/" + name, as: house.role("generator"), seal, body: [1])
    }

    private func house(_ fault: String) async throws -> House {
        let house = try House(faults: true)
        let answer = try await house.control("POST", "faults", fault)
        #expect(answer.status == 200, "\(answer.text)")
        return house
    }

    @Test("an error strikes the request whose turn it is, and only that")
    func error() async throws {
        let house = try await house(
            #"{ "match": { "action": "PutObject", "nth": 2 }, "do": { "kind": "error", "code": "InternalError", "status": 500 } }"#)
        #expect(try await put(house).status == 200)
        #expect(try await put(house).code == "InternalError")
        #expect(try await put(house).status == 200)
        let board = try await house.control("GET", "faults").text
        #expect(board.contains("\"matched\":3") && board.contains("\"hits\":1"))
        #expect(house.sandbox.store.versions("orga-repository", ObjectKey("acme/1/a")).count == 2)
    }

    @Test("a reset before the effect leaves nothing, one after it leaves the object", arguments: [false, true])
    func reset(afterEffect: Bool) async throws {
        let house = try await house(
            #"{ "match": { "keyPrefix": "acme/" }, "do": { "kind": "reset", "afterEffect": \#(afterEffect) } }"#)
        await #expect(throws: ConnectionReset.self) { try await put(house) }
        #expect(house.sandbox.store.everything().count == (afterEffect ? 1 : 0))
    }

    @Test("an answer can lie about encryption and checksum")
    func lies() async throws {
        let house = try await house(#"{ "match": { "caller": "generator" }, "do": { "kind": "wrong-encryption" } }"#)
        let liar = try await put(house)
        #expect(liar.headers["x-amz-server-side-encryption"] == "AES256")
        #expect(liar.headers["x-amz-server-side-encryption-aws-kms-key-id"] == nil)
        _ = try await house.control(
            "POST", "faults", #"{ "match": { "action": "PutObject" }, "do": { "kind": "wrong-checksum" } }"#)
        #expect(try await put(house).headers["x-amz-checksum-crc64nvme"] == "AAAAAAAAAAA=")
    }

    @Test("an object can be stored in the open, and a key be disabled")
    func keys() async throws {
        let house = try await house(#"{ "match": { "bucket": "orga-repository" }, "do": { "kind": "plaintext" } }"#)
        #expect(try await put(house).headers["x-amz-server-side-encryption"] == nil)
        _ = try await house.control("POST", "faults", #"{ "match": { "action": "PutObject" }, "do": { "kind": "key-disabled" } }"#)
        #expect(try await put(house).code == "KMS.DisabledException")
    }

    @Test("a 200 can carry an error, a busy service can say so, and faults go when they are told")
    func others() async throws {
        let house = try await house(#"{ "match": {}, "do": { "kind": "error-in-200", "code": "SlowDown" } }"#)
        // The first request is the one for the session.
        let answer = try await house.post("Action=GetCallerIdentity", service: "sts", as: house.user("edge"))
        #expect(answer.status == 200 && answer.code == "SlowDown")
        _ = try await house.control(
            "POST", "faults", #"{ "match": { "action": "PutObject", "times": 0 }, "do": { "kind": "slow-down" } }"#)
        for _ in 0..<3 { #expect(try await put(house).status == 503) }
        _ = try await house.control("DELETE", "faults")
        #expect(try await put(house).status == 200)
        #expect(try await house.control("POST", "faults", #"{ "match": {}, "do": { "kind": "meteor" } }"#).status == 400)
    }

    @Test("a stall holds the answer back for its time")
    func stall() async throws {
        let house = try await house(#"{ "match": { "action": "PutObject" }, "do": { "kind": "stall", "seconds": 0.05 } }"#)
        let clock = SystemClock()
        let start = clock.monotonic
        #expect(try await put(house).status == 200)
        #expect(clock.monotonic - start >= .milliseconds(50))
    }
}

import PouchKit
import PouchSandbox
import PouchTestSupport
import Testing

@Suite("Scenarios")
struct ScenarioTests {
    private func problem(_ text: String) -> String? {
        do {
            _ = try SandboxScenario(json: Array(text.utf8))
            return nil
        } catch {
            return error.description
        }
    }

    @Test("two organisations are there from the start")
    func twoOrganisations() throws {
        let scenario = try SandboxScenario.twoOrganisations
        #expect(scenario.accounts.map(\.id) == ["111111111111", "222222222222"])
        #expect(scenario.accounts.flatMap { $0.buckets.map(\.name) } == ["orga-repository", "acme-inbox"])
        #expect(scenario.accounts[0].roles.map { $0.arn(in: "111111111111") }.contains("arn:aws:iam::111111111111:role/generator"))
    }

    @Test("mistakes are named with their place")
    func mistakes() throws {
        #expect(problem(#"{ "accounts": [] }"#) == nil)
        #expect(problem(#"{ "accounts": [ { "id": "1" } ] }"#)?.contains("12 digits") == true)
        #expect(problem(#"{ "accounts": [ { "id": "111111111111", "bucket": [] } ] }"#)?.contains("unknown key 'bucket'") == true)
        let twice = #"{ "name": "b", "region": "eu-west-1" }"#
        #expect(
            problem(#"{ "accounts": [ { "id": "111111111111", "buckets": [ \#(twice), \#(twice) ] } ] }"#)?.contains("twice")
                == true)
        let role = #"{ "name": "r", "trust": { "Statement": [ { "Effect": "Maybe" } ] } }"#
        let text = problem(#"{ "accounts": [ { "id": "111111111111", "roles": [ \#(role) ] } ] }"#)
        #expect(text?.contains("accounts.[0].roles.[0].trust") == true, "\(text ?? "")")
        #expect(problem("{")?.contains("cannot be used") == true)
    }

    @Test("policies can lie in files of their own beside the scenario")
    func files() async throws {
        let folder = try TemporaryFolder("scenario")
        try folder.write(#"{ "Statement": { "Effect": "Allow", "Action": "*", "Resource": "*" } }"#, to: "policies/all.json")
        try folder.write(
            #"{ "accounts": [ { "id": "111111111111", "users": [ { "name": "u", "policies": ["policies/all.json"] } ] } ] }"#,
            to: "scenario.json")
        let scenario = try SandboxScenario.load(folder.path("scenario.json"))
        #expect(scenario.accounts[0].users[0].policies[0].document.statements.count == 1)
        try folder.remove("scenario.json")
        await #expect(throws: ScenarioProblem.self) { () async throws in try SandboxScenario.load(folder.path("scenario.json")) }
    }

    @Test("access keys are made once and kept, unless the scenario gives them")
    func accessKeys() throws {
        let folder = try TemporaryFolder("keys")
        let first = try House(in: folder).user("edge")
        #expect(try House(in: folder).user("edge").accessKey == first.accessKey)
        #expect(first.accessKey.hasPrefix("AKIA") && first.accessKey.count == 20 && first.secret.count == 40)
        var scenario = try SandboxScenario.twoOrganisations
        scenario.accounts[0].users[0].accessKey = "AKIAGIVEN"
        scenario.accounts[0].users[0].secretKey = "given"
        let given = try House(scenario: scenario, in: folder).user("edge")
        #expect(given.accessKey == "AKIAGIVEN" && given.secret == "given")
    }
}

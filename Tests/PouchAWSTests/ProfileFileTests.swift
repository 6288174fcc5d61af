import PouchAWS
import PouchTestSupport
import Testing

@Suite("The files that AWS tools share")
struct ProfileFileTests {
    @Test("all cases of the parser's suite")
    func suite() throws {
        guard let suite = try Vectors.decoded("profiles/profile-parser-tests.json", as: ParserSuite.self) else { return }
        #expect(suite.tests.count == 65)
        for parserCase in suite.tests { try parserCase.check() }
    }

    /// Those of Windows are left out: Pouch runs on Linux. `AWS_PROFILE` is not read: an identity names its profile.
    @Test("are looked for where the suite says")
    func locations() throws {
        guard let suite = try Vectors.decoded("profiles/file-location-tests.json", as: LocationSuite.self) else { return }
        let cases = suite.tests.filter { $0.platform == "linux" }
        #expect(cases.count == 4)
        for location in cases {
            let found = ProfileLocations(environment: location.environment)
            let expected = ProfileLocations(configuration: location.configLocation, credentials: location.credentialsLocation)
            #expect(found == expected, "\(location.name)")
        }
    }

    @Test("a problem names its line")
    func problemNamesItsLine() {
        let problem = #expect(throws: ProfileProblem.self) {
            try ProfileFile("[default]\naws_access_key_id = x\nnonsense\n", as: .credentials)
        }
        #expect(problem?.description == "line 3: Expected an '=' sign defining a property")
    }
}

private struct LocationSuite: Decodable {
    struct Case: Decodable {
        let name: String
        let platform: String
        let environment: [String: String]
        let configLocation: String
        let credentialsLocation: String
    }

    let tests: [Case]
}

private struct ParserSuite: Decodable {
    let tests: [ParserCase]
}

private struct ParserCase: Decodable {
    struct Input: Decodable {
        let configFile: String?
        let credentialsFile: String?
    }

    struct Output: Decodable {
        let config: Sections?
        let errorContaining: String?
    }

    struct Sections: Decodable {
        // With the decoder's conversion from snake case both would become lower camel case; profiles' own names must not.
        let profiles: [String: [String: String]]
        let ssoSessions: [String: [String: String]]?
    }

    let name: String
    let input: Input
    let output: Output

    func check() throws {
        do throws(ProfileProblem) {
            let config = try ProfileFile(input.configFile ?? "", as: .configuration)
            let credentials = try ProfileFile(input.credentialsFile ?? "", as: .credentials)
            let merged = config.merged(with: credentials)
            #expect(output.errorContaining == nil, "\(name)")
            #expect(merged.profiles == output.config?.profiles, "\(name)")
            #expect(merged.ssoSessions == output.config?.ssoSessions ?? merged.ssoSessions, "\(name)")
        } catch {
            let expected = try #require(output.errorContaining, "\(name): \(error)")
            #expect(error.text.contains(expected), "\(name)")
        }
    }
}

extension WrongConfiguration {
    static let agent: [WrongConfiguration] = [
        WrongConfiguration(
            "a missing agent",
            whole: """
                partners: { acme: { deliver: { with: local } } }
                folders: [{ watch: ./drop, then: keep }]
                routes: [{ name: all, to: acme }]
                """,
            "agent.yaml:1:1: 'agent' is missing"),
        WrongConfiguration(
            "a missing section of each kind",
            whole: "agent: { name: edge-01, state: ./state }",
            """
            agent.yaml:1:1: 'partners' is missing
            agent.yaml:1:1: 'folders' is missing
            agent.yaml:1:1: 'routes' is missing
            """),
        WrongConfiguration(
            "an agent without a value",
            "agent:",
            """
            agent.yaml:1:1: 'agent' has no value
            hint: give it one, or remove the key
            """),
        WrongConfiguration(
            "an agent that is text",
            "agent: edge-01",
            "agent.yaml:1:8: agent: expected a mapping, found 'edge-01'"),
        WrongConfiguration(
            "a missing state directory",
            """
            agent:
              name: edge-01
            """,
            "agent.yaml:2:3: 'state' is missing in agent"),
        WrongConfiguration(
            "a misspelt state",
            "agent: { name: edge-01, sate: ./state }",
            """
            agent.yaml:1:25: unknown key 'sate'
            hint: did you mean 'state'?
            """),
        WrongConfiguration(
            "a name with a space",
            "agent: { name: edge 01, state: ./state }",
            "agent.yaml:1:16: name: expected 1 to 63 letters, digits, '.', '-' or '_', found 'edge 01'"),
        WrongConfiguration(
            "an empty name",
            #"agent: { name: "", state: ./state }"#,
            "agent.yaml:1:16: name: expected 1 to 63 letters, digits, '.', '-' or '_', found ''"),
        WrongConfiguration(
            "a path that only a shell understands",
            "agent: { state: ~/state }",
            """
            agent.yaml:1:17: state: '~/state' begins with '~', which only a shell understands
            hint: write the whole path, or ${HOME}/state
            """),
        WrongConfiguration(
            "a status address without a port",
            "agent: { state: ./state, status: localhost }",
            """
            agent.yaml:1:34: status: expected an address such as 127.0.0.1:9321, found 'localhost'
            hint: a port is missing
            """),
        WrongConfiguration(
            "a status port out of range",
            #"agent: { state: ./state, status: "127.0.0.1:99999" }"#,
            "agent.yaml:1:34: status: expected an address such as 127.0.0.1:9321, found '127.0.0.1:99999'"),
        WrongConfiguration(
            "a misspelt section",
            "netwrok: { proxy: none }",
            """
            agent.yaml:1:1: unknown key 'netwrok'
            hint: did you mean 'network'?
            """),
        WrongConfiguration(
            "an unknown section that is like no other",
            "colours: {}",
            """
            agent.yaml:1:1: unknown key 'colours'
            hint: the keys here are agent, alerts, aws, folders, identities, network, partners, publish, routes, unmatched
            """),
        WrongConfiguration(
            "an unknown policy for unmatched drops",
            "unmatched: held",
            """
            agent.yaml:1:12: unmatched: expected one of hold, quarantine, ignore, found 'held'
            hint: did you mean 'hold'?
            """),
        WrongConfiguration(
            "an unknown policy that is like no other",
            "unmatched: drop",
            "agent.yaml:1:12: unmatched: expected one of hold, quarantine, ignore, found 'drop'"),
        WrongConfiguration(
            "a proxy with a password",
            #"network: { proxy: "http://me:hunter2@proxy:3128" }"#,
            """
            agent.yaml:1:19: proxy: credentials must not stand in an address
            hint: name a file that holds them: credentials: PATH
            """),
        WrongConfiguration(
            "a proxy that is no address",
            "network: { proxy: direct }",
            "agent.yaml:1:19: proxy: expected none, an address or { url: …, credentials: PATH }, found 'direct'"),
        WrongConfiguration(
            "a proxy of another kind",
            #"network: { proxy: { url: "socks5://proxy", credential: keys/proxy } }"#,
            """
            agent.yaml:1:26: url: expected an address such as https://127.0.0.1:4566, found 'socks5://proxy'
            hint: it begins with https:// or http://
            agent.yaml:1:44: unknown key 'credential'
            hint: did you mean 'credentials'?
            """),
        WrongConfiguration(
            "an empty CA file",
            #"network: { ca-file: "" }"#,
            "agent.yaml:1:21: ca-file: expected a path, found an empty text"),
        WrongConfiguration(
            "an alert command that is one text",
            "alerts: { command: /usr/bin/mail root }",
            "agent.yaml:1:20: command: expected a list, found '/usr/bin/mail root'"),
        WrongConfiguration(
            "an alert command without a path",
            "alerts: { command: [mail, root] }",
            """
            agent.yaml:1:21: command: expected the path of a program, found 'mail'
            hint: no search path is used: write /usr/bin/mail, or wherever it is
            """),
        WrongConfiguration(
            "an empty alert command",
            "alerts: { command: [] }",
            "agent.yaml:1:20: command: expected a program and its arguments, found an empty list"),
        WrongConfiguration(
            "an endpoint without a scheme",
            #"aws: { endpoint: "127.0.0.1:4566" }"#,
            """
            agent.yaml:1:18: endpoint: expected an address such as https://127.0.0.1:4566, found '127.0.0.1:4566'
            hint: it begins with https:// or http://
            """),
        WrongConfiguration(
            "dual-stack and fips hosts beside an endpoint",
            #"aws: { dual-stack: true, fips: true, endpoints: { sts: "https://127.0.0.1:4566" } }"#,
            """
            agent.yaml:1:8: 'dual-stack' is a choice among AWS's own hosts, and other endpoints are named
            hint: leave it out, or the endpoints
            agent.yaml:1:26: 'fips' is a choice among AWS's own hosts, and other endpoints are named
            hint: leave it out, or the endpoints
            """),
        WrongConfiguration(
            "an endpoint with a path",
            #"aws: { endpoints: { s3: "https://127.0.0.1:4566/s3" } }"#,
            """
            agent.yaml:1:25: s3: expected an address such as https://127.0.0.1:4566, found 'https://127.0.0.1:4566/s3'
            hint: an address has a host and perhaps a port, and no path
            """),
        WrongConfiguration(
            "an unknown service",
            #"aws: { endpoints: { iam: "https://127.0.0.1" } }"#,
            """
            agent.yaml:1:21: unknown key 'iam'
            hint: the keys here are kms, rolesanywhere, s3, sqs, sts
            """),
        WrongConfiguration(
            "a region in capitals",
            "aws: { region: EU-WEST-1 }",
            "agent.yaml:1:16: region: expected a region such as eu-west-1, found 'EU-WEST-1'"),
    ]
}

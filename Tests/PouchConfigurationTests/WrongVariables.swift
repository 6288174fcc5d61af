extension WrongConfiguration {
    static let variables: [WrongConfiguration] = [
        WrongConfiguration(
            "a variable that is not set",
            #"agent: { state: "${STATE}" }"#,
            """
            agent.yaml:1:17: the environment variable STATE is not set
            hint: set it for the agent, or write ${STATE:-default}
            """),
        WrongConfiguration(
            "a variable that is not closed",
            #"agent: { state: "${STATE" }"#,
            "agent.yaml:1:17: '${STATE' is not closed by '}'"),
        WrongConfiguration(
            "a variable without a name",
            #"agent: { state: "${}" }"#,
            """
            agent.yaml:1:17: '${}' is not a variable
            hint: write ${NAME} or ${NAME:-default}; a name has letters, digits and '_'
            """),
        WrongConfiguration(
            "a variable with another operator",
            #"agent: { state: "${HOME:?no}" }"#,
            """
            agent.yaml:1:17: '${HOME:?no}' is not a variable
            hint: write ${NAME} or ${NAME:-default}; a name has letters, digits and '_'
            """),
        WrongConfiguration(
            "a default that holds a variable",
            #"agent: { state: "${STATE:-${HOME}}" }"#,
            """
            agent.yaml:1:17: the default of '${STATE}' contains a variable
            hint: a default is plain text
            """),
        WrongConfiguration(
            "a lone dollar sign",
            "agent: { state: $HOME/state }",
            """
            agent.yaml:1:17: a '$' that begins no variable
            hint: write ${NAME} for a variable (in quotes inside { }) and $$ for a dollar sign
            """),
        WrongConfiguration(
            "a variable without quotes inside brackets",
            "agent: { state: ${HOME} }",
            """
            agent.yaml:1:17: a '$' that begins no variable
            hint: write ${NAME} for a variable (in quotes inside { }) and $$ for a dollar sign
            agent.yaml:1:18: did not find expected ',' or '}' while parsing a flow mapping that begins at 1:8
            hint: a bracket is not closed, or a value with one of , [ ] { } in it needs quotes
            """),
        WrongConfiguration(
            "a wrong value from a variable, which is not shown",
            #"agent: { name: "${TOKEN}!", state: ./state }"#,
            "agent.yaml:1:16: name: expected 1 to 63 letters, digits, '.', '-' or '_', found '${TOKEN}!'"),
        WrongConfiguration(
            "a wrong quantity from a variable, which is not shown",
            #"partners: { acme: { deliver: { with: local }, limits: { at-once: "${TOKEN}" } } }"#,
            "agent.yaml:1:66: at-once: expected a whole number, found '${TOKEN}'"),
        WrongConfiguration(
            "a value that is not read again as YAML",
            #"folders: [{ watch: ./drop, then: "${MAPPING}" }]"#,
            "agent.yaml:1:34: then: expected keep, delete or { archive: PATH, keep-for: 30d }, found '${MAPPING}'"),
    ]
}

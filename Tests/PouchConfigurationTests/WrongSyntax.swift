extension WrongConfiguration {
    static let syntax: [WrongConfiguration] = [
        WrongConfiguration(
            "an empty file",
            whole: "",
            "agent.yaml:1:1: the file is empty"),
        WrongConfiguration(
            "a tab where the indentation is",
            """
            agent:
            \tname: edge-01
            """,
            """
            agent.yaml:2:1: a tab where only spaces may stand
            hint: indent with spaces
            """),
        WrongConfiguration(
            "a tab between a key and its mapping",
            """
            agent: { name: edge-01, state: ./state }
            network:
              \tproxy: none
            """,
            """
            agent.yaml:3:3: a tab where only spaces may stand
            hint: indent with spaces
            """),
        WrongConfiguration(
            "a quote that is not closed",
            #"network: { ca-file: "ca.pem }"#,
            """
            agent.yaml:1:21: a quoted text that is not closed
            hint: the quote that begins here has no partner
            """),
        WrongConfiguration(
            "a bracket that is not closed",
            "alerts: { command: [/bin/true }",
            """
            agent.yaml:1:31: did not find expected ',' or ']' while parsing a flow sequence that begins at 1:20
            hint: a bracket is not closed, or a value with one of , [ ] { } in it needs quotes
            """),
        WrongConfiguration(
            "a colon in a value without quotes",
            "unmatched: hold: on",
            """
            agent.yaml:1:16: mapping values are not allowed in this context
            hint: a value with ': ' in it needs quotes; otherwise look at the indentation
            """),
        WrongConfiguration(
            "a value that begins with an at sign",
            "unmatched: @hold",
            """
            agent.yaml:1:12: found character that cannot start any token while scanning for the next token
            hint: a value that begins with '@', '`' or '%' needs quotes
            """),
        WrongConfiguration(
            "a line that is indented too little",
            """
            agent:
                name: edge-01
                state: ./state
               status: 127.0.0.1:1
            """,
            """
            agent.yaml:4:4: did not find expected key while parsing a block mapping that begins at 1:1
            hint: look at the indentation of this line and of those above
            """),
        WrongConfiguration(
            "an unknown escape in double quotes",
            #"network: { ca-file: "C:\ca.pem" }"#,
            """
            agent.yaml:1:24: found unknown escape character while parsing a quoted scalar that begins at 1:21
            hint: in double quotes a backslash begins an escape; use single quotes
            """),
        WrongConfiguration(
            "a duplicate key at the top",
            """
            unmatched: hold
            unmatched: ignore
            """,
            """
            agent.yaml:2:1: duplicate key 'unmatched'
            hint: it stands in line 1 already
            """),
        WrongConfiguration(
            "a duplicate partner",
            """
            partners:
              acme: { deliver: { with: local } }
              acme: { deliver: { with: s3-secure-inbox } }
            """,
            """
            agent.yaml:3:3: duplicate key 'acme'
            hint: it stands in line 2 already
            """),
        WrongConfiguration(
            "a second document",
            """
            unmatched: hold
            ---
            unmatched: ignore
            """,
            """
            agent.yaml:2:1: a second document begins here
            hint: put everything into one, without '---' lines
            """),
        WrongConfiguration(
            "an alias without an anchor",
            """
            folders:
              - { watch: ./drop, then: keep, ignore: [*.tmp] }
            """,
            """
            agent.yaml:2:44: did not find expected alphabetic or numeric character while scanning an alias that begins at 2:43
            hint: a value that begins with '*' or '&' needs quotes
            """),
        WrongConfiguration(
            "an alias that contains itself",
            """
            routes: &routes
              - *routes
            """,
            "agent.yaml:2:5: the alias '*routes' contains itself"),
        WrongConfiguration(
            "a tag",
            "unmatched: !policy hold",
            """
            agent.yaml:1:12: the tag '!policy' means nothing here
            hint: remove it
            """),
        WrongConfiguration(
            "a list as a key",
            """
            ? [agent]
            : { state: ./state }
            """,
            "agent.yaml:1:3: expected a key, found a list"),
        WrongConfiguration(
            "a merge of something else than a mapping",
            "agent: { <<: [1], state: ./state }",
            "agent.yaml:1:15: '<<' merges a mapping or a list of mappings, found '1'"),
        WrongConfiguration(
            "a list where the sections belong",
            whole: """
                - agent
                - folders
                """,
            "agent.yaml:1:1: expected a mapping, found a list"),
    ]
}

extension WrongConfiguration {
    static let routes: [WrongConfiguration] = [
        WrongConfiguration(
            "no route",
            "routes: []",
            """
            agent.yaml:1:9: routes: expected at least one element, found an empty list
            agent.yaml:4:13: warning: no route delivers to 'acme'
            """),
        WrongConfiguration(
            "a route without a name and a partner",
            "routes: [{ stop: true }]",
            """
            agent.yaml:1:10: 'name' is missing in routes
            agent.yaml:1:10: 'to' is missing in routes
            agent.yaml:4:13: warning: no route delivers to 'acme'
            """),
        WrongConfiguration(
            "a route's name with a space",
            "routes: [{ name: nightly reports, to: acme }]",
            "agent.yaml:1:18: name: expected a lower-case letter, then at most 62 lower-case letters, digits or dashes, found 'nightly reports'"
        ),
        WrongConfiguration(
            "two routes of one name",
            """
            routes:
              - { name: all, to: acme }
              - { name: all, to: acme, stop: true }
            """,
            """
            agent.yaml:3:13: duplicate route 'all'
            hint: it stands in line 2 already
            """),
        WrongConfiguration(
            "a route to an unknown partner",
            "routes: [{ name: all, to: [acme, amce] }]",
            """
            agent.yaml:1:34: there is no partner 'amce'
            hint: did you mean 'acme'?
            """),
        WrongConfiguration(
            "a route to a partner that is like no other",
            "routes: [{ name: all, to: [acme, globex] }]",
            """
            agent.yaml:1:34: there is no partner 'globex'
            hint: the partners are acme
            """),
        WrongConfiguration(
            "a route to nobody",
            "routes: [{ name: all, to: [] }]",
            """
            agent.yaml:1:27: to: expected at least one, found none
            agent.yaml:4:13: warning: no route delivers to 'acme'
            """),
        WrongConfiguration(
            "a route that names a partner twice",
            "routes: [{ name: all, to: [acme, acme] }]",
            "agent.yaml:1:34: to: 'acme' is in the list already"),
        WrongConfiguration(
            "a condition that is a pattern",
            #"routes: [{ name: all, when: "*.csv", to: acme }]"#,
            "agent.yaml:1:29: when: expected a mapping, found '*.csv'"),
        WrongConfiguration(
            "an unknown condition",
            #"routes: [{ name: all, when: { sise: "> 1 GiB" }, to: acme }]"#,
            """
            agent.yaml:1:31: unknown key 'sise'
            hint: did you mean 'size'?
            """),
        WrongConfiguration(
            "a template that is missing",
            "routes: [{ name: all, to: acme, as: }]",
            """
            agent.yaml:1:33: 'as' has no value
            hint: give it one, or remove the key
            """),
        WrongConfiguration(
            "a number where a Boolean belongs",
            "routes: [{ name: all, to: acme, stop: 1 }]",
            "agent.yaml:1:39: stop: expected true or false, found '1'"),
    ]
}

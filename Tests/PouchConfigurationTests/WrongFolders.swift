extension WrongConfiguration {
    static let folders: [WrongConfiguration] = [
        WrongConfiguration(
            "no folder",
            "folders: []",
            "agent.yaml:1:10: folders: expected at least one element, found an empty list"),
        WrongConfiguration(
            "a folder that is text",
            "folders: [./drop]",
            "agent.yaml:1:11: folders: expected a mapping, found './drop'"),
        WrongConfiguration(
            "an element that is nothing",
            """
            folders:
              - { watch: ./drop, then: keep }
              -
            """,
            """
            agent.yaml:3:4: folders: an element has no value
            hint: write one, or remove it
            """),
        WrongConfiguration(
            "a folder without a path and an afterwards",
            "folders: [{ recursive: true }]",
            """
            agent.yaml:1:11: 'watch' is missing in folders
            agent.yaml:1:11: 'then' is missing in folders
            """),
        WrongConfiguration(
            "a Boolean of YAML 1.1",
            "folders: [{ watch: ./drop, recursive: yes, then: keep }]",
            "agent.yaml:1:39: recursive: expected true or false, found 'yes'"),
        WrongConfiguration(
            "a Boolean in quotes",
            #"folders: [{ watch: ./drop, recursive: "true", then: keep }]"#,
            """
            agent.yaml:1:39: recursive: expected true or false, found 'true'
            hint: remove the quotes
            """),
        WrongConfiguration(
            "an unknown readiness",
            "folders: [{ watch: ./drop, ready: settled, then: keep }]",
            #"agent.yaml:1:35: ready: expected closed, { quiet: 5s } or { marker: "{name}.done" }, found 'settled'"#),
        WrongConfiguration(
            "two kinds of readiness",
            #"folders: [{ watch: ./drop, ready: { quiet: 5s, marker: "{name}.done" }, then: keep }]"#,
            #"agent.yaml:1:35: ready: expected one of closed, { quiet: 5s } or { marker: "{name}.done" }, found two"#),
        WrongConfiguration(
            "a misspelt kind of readiness",
            "folders: [{ watch: ./drop, ready: { quit: 5s }, then: keep }]",
            """
            agent.yaml:1:37: unknown key 'quit'
            hint: did you mean 'quiet'?
            """),
        WrongConfiguration(
            "a time without a unit",
            "folders: [{ watch: ./drop, ready: { quiet: 5 }, then: keep }]",
            """
            agent.yaml:1:44: quiet: expected a time such as 5s, 10m or 30d, found '5'
            hint: the units are ms, s, m, h and d
            """),
        WrongConfiguration(
            "a time of nothing",
            "folders: [{ watch: ./drop, ready: { quiet: 0s }, then: keep }]",
            "agent.yaml:1:44: quiet: expected more than '0s'"),
        WrongConfiguration(
            "a sweep that never rests",
            "folders: [{ watch: ./drop, sweep: 10ms, then: keep }]",
            "agent.yaml:1:35: sweep: expected at least 1s, found '10ms'"),
        WrongConfiguration(
            "patterns that are one text",
            #"folders: [{ watch: ./drop, ignore: "*.tmp", then: keep }]"#,
            "agent.yaml:1:36: ignore: expected a list, found '*.tmp'"),
        WrongConfiguration(
            "an unknown afterwards",
            "folders: [{ watch: ./drop, then: delte }]",
            """
            agent.yaml:1:34: then: expected keep, delete or { archive: PATH, keep-for: 30d }, found 'delte'
            hint: did you mean 'delete'?
            """),
        WrongConfiguration(
            "an archive without a path",
            "folders: [{ watch: ./drop, then: { keep-for: 30d } }]",
            "agent.yaml:1:34: 'archive' is missing in folders.then"),
        WrongConfiguration(
            "an archive for an unknown time",
            "folders: [{ watch: ./drop, then: { archive: ./archive, keep-for: 1 month } }]",
            """
            agent.yaml:1:66: keep-for: expected a time such as 5s, 10m or 30d, found '1 month'
            hint: the units are ms, s, m, h and d
            """),
        WrongConfiguration(
            "an archive for no time",
            "folders: [{ watch: ./drop, then: { archive: ./archive, keep-for: 0d } }]",
            """
            agent.yaml:1:66: keep-for: expected more than '0s'
            hint: write then: delete to keep nothing
            """),
        WrongConfiguration(
            "a folder that is watched twice",
            """
            folders:
              - { watch: ./drop, then: keep }
              - { watch: /nowhere/pouch/./drop/, then: delete }
            """,
            """
            agent.yaml:3:14: '/nowhere/pouch/./drop/' is watched already, see line 2
            hint: one folder may have several routes
            """),
        WrongConfiguration(
            "a folder inside another",
            """
            folders:
              - { watch: ./drop, then: keep }
              - { watch: ./drop/inner, then: delete }
            """,
            """
            agent.yaml:3:14: './drop/inner' lies inside the watched './drop'
            hint: watch one of them, or give the outer one recursive: false
            """),
        WrongConfiguration(
            "a folder around another",
            """
            folders:
              - { watch: ./drop/inner, then: keep }
              - { watch: ./drop, then: delete }
            """,
            """
            agent.yaml:3:14: './drop' contains the watched './drop/inner'
            hint: watch one of them, or give the outer one recursive: false
            """),
        WrongConfiguration(
            "a state inside a watched folder",
            "agent: { name: edge-01, state: ./drop/state }",
            """
            agent.yaml:1:32: the state './drop/state' lies inside the watched './drop'
            hint: files of the agent would be taken for drops: move the state elsewhere
            """),
        WrongConfiguration(
            "a watched folder inside the state",
            "agent: { name: edge-01, state: . }",
            """
            agent.yaml:1:32: the state '.' contains the watched './drop'
            hint: drops would be taken for files of the agent: give the state a folder of its own
            """),
        WrongConfiguration(
            "an archive inside the watched folder",
            "folders: [{ watch: ./drop, then: { archive: ./drop/done } }]",
            """
            agent.yaml:1:34: the archive './drop/done' lies inside the watched './drop'
            hint: files of the agent would be taken for drops: move the archive elsewhere
            """),
        WrongConfiguration(
            "an archive inside another watched folder",
            """
            folders:
              - { watch: ./a, then: { archive: ./b/done } }
              - { watch: ./b, then: keep }
            """,
            """
            agent.yaml:2:25: the archive './b/done' lies inside the watched './b'
            hint: files of the agent would be taken for drops: move the archive elsewhere
            """),
        WrongConfiguration(
            "an archive around a watched folder",
            "folders: [{ watch: ./drop/in, then: { archive: ./drop } }]",
            """
            agent.yaml:1:37: the archive './drop' contains the watched './drop/in'
            hint: drops would be taken for files of the agent: give the archive a folder of its own
            """),
    ]
}

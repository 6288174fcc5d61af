extension WrongConfiguration {
    private static let host = """
        agent: { name: publisher-01, state: ./state }
        partners: { acme: { deliver: { with: s3-secure-inbox } } }
        """

    static let publish: [WrongConfiguration] = [
        WrongConfiguration(
            "a publisher without a queue and an identity",
            whole: "publish: { receipts: true }\n" + host,
            """
            agent.yaml:1:10: 'queue' is missing in publish
            agent.yaml:1:10: 'as' is missing in publish
            """),
        WrongConfiguration(
            "a publisher for a partner that is none",
            whole: "publish: { queue: q, as: p, partners: [acme, acne] }\n" + host,
            """
            agent.yaml:1:46: there is no partner 'acne'
            hint: did you mean 'acme'?
            """),
        WrongConfiguration(
            "a publisher for nobody",
            whole: "publish: { queue: q, as: p, partners: [] }\n" + host,
            """
            agent.yaml:1:39: partners: expected at least one partner, found an empty list
            hint: leave it out for all
            """),
        WrongConfiguration(
            "figures of a publisher that nobody can mean",
            whole: "publish: { queue: q, as: p, at-once: 0, visibility: 5s, reconcile: 1s }\n" + host,
            """
            agent.yaml:1:38: at-once: expected 1 to 256, found '0'
            agent.yaml:1:53: visibility: expected 10s to 12h, found '5s'
            agent.yaml:1:68: reconcile: expected never, or at least 1m, found '1s'
            """),
        WrongConfiguration(
            "a publisher that also takes files, but has no routes",
            whole: "publish: { queue: q, as: p }\nfolders: [{ watch: ./drop, then: keep }]\n" + host,
            "agent.yaml:1:1: 'routes' is missing"),
    ]
}

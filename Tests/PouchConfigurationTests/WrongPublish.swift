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
            "a publisher that is cut short at once",
            whole: "publish: { queue: q, as: p, drain: 0s }\n" + host,
            "agent.yaml:1:36: drain: expected 1s to 12h, found '0s'"),
        WrongConfiguration(
            "a publisher that reconciles and leaves no receipts",
            whole: "publish: { queue: q, as: p, receipts: false }\n" + host,
            """
            agent.yaml:1:39: receipts: false needs reconcile: never: what a partner took out of its inbox would be copied there again
            hint: leave receipts: out, or add reconcile: never
            """),
        WrongConfiguration(
            "a publisher that also takes files, but has no routes",
            whole: "publish: { queue: q, as: p }\nfolders: [{ watch: ./drop, then: keep }]\n" + host,
            "agent.yaml:1:1: 'routes' is missing"),
    ]
}

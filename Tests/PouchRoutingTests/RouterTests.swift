import PouchKit
import PouchRouting
import Testing

struct RouterTests {
    private static func rule(
        _ name: String,
        folder: String? = nil,
        path: String = "**",
        size: String? = nil,
        to partners: [String] = ["acme"],
        as template: String = "{path}",
        stop: Bool = false
    ) throws -> RouteRule {
        let pattern = try PathPattern(path)
        return RouteRule(
            name: try RouteName(name), folder: try folder.map { try Glob($0) }, path: pattern,
            size: try size.map { try SizeCondition($0) } ?? .any,
            partners: try partners.map { try PartnerName($0) }, template: try KeyTemplate(template, captures: pattern.captureNames),
            stop: stop)
    }

    private static func drop(_ path: String, size: Int64 = 10, folder: String = "./drop") throws -> DropFacts {
        DropFacts(folder: folder, path: try DropPath(path), size: size, admitted: Timestamp(seconds: 1_795_446_309))
    }

    /// `route>partner:key`
    private static func lines(_ decision: RoutingDecision) -> [String] {
        decision.deliveries.map { delivery in
            switch delivery.key {
            case .success(let key): "\(delivery.route)>\(delivery.partner):\(key)"
            case .failure(let failure): "\(delivery.route)>\(delivery.partner):!\(failure.code.rawValue)"
            }
        }
    }

    @Test("every rule that takes the drop delivers it, to each of its partners, in order")
    func fansOut() throws {
        let router = Router(rules: [
            try Self.rule(
                "reports", path: "reports/**/{region}-*.csv", to: ["acme", "globex"], as: "{region}/{date:yyyy-MM-dd}/{name}"),
            try Self.rule("all", to: ["archive"]),
        ])
        let decision = try router.decide(Self.drop("reports/x/eu-1.csv"))
        #expect(
            Self.lines(decision) == [
                "reports>acme:eu/2026-11-23/eu-1.csv", "reports>globex:eu/2026-11-23/eu-1.csv", "all>archive:reports/x/eu-1.csv",
            ])
        #expect(decision.verdicts.map(\.description) == ["reports: matched; {region} = 'eu'", "all: matched"])
        #expect(decision.verdicts[0].captures == [Capture(name: "region", value: Array("eu".utf8))])
    }

    @Test("a rule that says stop is the last one that is asked")
    func stops() throws {
        let router = Router(rules: [
            try Self.rule("csv", path: "**/*.csv", stop: true), try Self.rule("rest", to: ["globex"]),
        ])
        #expect(try Self.lines(router.decide(Self.drop("a.csv"))) == ["csv>acme:a.csv"])
        #expect(try router.decide(Self.drop("a.csv")).verdicts[1].outcome == .notAsked(after: RouteName("csv")))
        #expect(try Self.lines(router.decide(Self.drop("a.txt"))) == ["rest>globex:a.txt"])
    }

    @Test("a rule that does not take the drop says everything that is in the way")
    func explains() throws {
        let router = Router(rules: [
            try Self.rule("reports", folder: "./other", path: "reports/**/{region}-*.csv", size: "< 1 kB")
        ])
        let decision = try router.decide(Self.drop("reports/x.txt", size: 1_000))
        #expect(decision.isUnmatched)
        #expect(
            decision.verdicts[0].reasons == [
                "folder: './drop' does not match './other'",
                "path: 'reports/x.txt' does not match 'reports/**/{region}-*.csv': the last part must end in '.csv'",
                "size: 1 kB is not '< 1 kB'",
            ])
        #expect(!decision.verdicts[0].isMatch)
    }

    @Test("two rules with the same partner and the same key make one delivery, and the verdict says so")
    func mergesDuplicates() throws {
        let router = Router(rules: [
            try Self.rule("first", to: ["acme", "globex"]), try Self.rule("second", to: ["acme"], as: "{folder}/{name}"),
            try Self.rule("third", to: ["acme"], as: "copy/{name}"),
        ])
        let decision = try router.decide(Self.drop("a/b.csv"))
        #expect(Self.lines(decision) == ["first>acme:a/b.csv", "first>globex:a/b.csv", "third>acme:copy/b.csv"])
        #expect(decision.verdicts[1].reasons == ["acme: the route first delivers it there already, under the same key"])
        #expect(decision.verdicts[1].isMatch)
    }

    @Test("keys that only look the same are two deliveries")
    func keepsLookalikes() throws {
        let router = Router(rules: [
            try Self.rule("composed", as: "\u{E4}"), try Self.rule("decomposed", as: "a\u{308}"),
        ])
        #expect(try router.decide(Self.drop("x")).deliveries.count == 2)
    }

    @Test("a partner that is named twice in one rule gets the drop once")
    func mergesPartners() throws {
        let router = Router(rules: [try Self.rule("twice", to: ["acme", "acme"])])
        #expect(try router.decide(Self.drop("x")).deliveries.count == 1)
    }

    @Test("a drop without a key is planned with its reason")
    func plansFailures() throws {
        let router = Router(rules: [try Self.rule("all", to: ["acme", "globex"]), try Self.rule("dated", as: "{date}")])
        let foreign = DropFacts(folder: "./drop", path: try DropPath(bytes: [0xFF]), size: 0, admitted: Timestamp(seconds: 0))
        let decision = router.decide(foreign)
        #expect(Self.lines(decision) == ["all>acme:!name-not-utf8", "all>globex:!name-not-utf8", "dated>acme:1970-01-01"])
        #expect(decision.verdicts[0].reasons == ["no key by '{path}': '\\xff', which {path} stands for, is not UTF-8"])
    }

    @Test("no rules: nothing takes the drop")
    func isEmpty() throws { #expect(try Router(rules: []).decide(Self.drop("x")).isUnmatched) }
}

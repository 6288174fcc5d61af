import FoundationEssentials
import PouchCommands
import PouchKit
import Testing

@Suite("doctor's report")
struct DoctorReportTests {
    private static let fix = Finding.Fix(
        by: "the partner (account 222222222222)", place: "the bucket policy of acme-inbox",
        addition: "{\n  \"Sid\": \"PublisherDelivers\"\n}")

    private static func report(_ findings: Finding...) -> DoctorReport {
        DoctorReport(
            partner: PartnerName(unchecked: "acme"), adapter: AdapterName(unchecked: "s3-secure-inbox"), findings: findings,
            at: Timestamp(seconds: 1_795_442_709))
    }

    @Test("lines up the steps, and prints the statement that is missing, who adds it, and where")
    func printsFix() {
        let report = Self.report(
            Finding(.good, "generator is a role", step: "identity"),
            Finding(.failure, "could not copy", hint: "ask the partner", step: "publish", fixes: [Self.fix]))
        #expect(report.hasFailed)
        #expect(
            report.text(Style(isOn: false)) == """
                acme  s3-secure-inbox
                  ok       identity  generator is a role
                  FAILURE  publish   could not copy
                           hint: ask the partner
                           the partner (account 222222222222) adds to the bucket policy of acme-inbox:
                             {
                               "Sid": "PublisherDelivers"
                             }
                """)
    }

    @Test("attests least privilege only when everything that must be refused was refused, and something was")
    func attests() {
        let permitted = Finding(.good, "it stores", step: "store", proof: .permitted)
        let refused = Finding(.good, "it cannot read", step: "refusals", proof: .refused)
        let remark = Finding(.note, "this host holds both identities", step: "attestation")
        let good = Self.report(permitted, refused, remark)
        #expect(good.attestation?.isLeastPrivilege == true)
        #expect(good.attestation?.remarks == ["this host holds both identities"])
        #expect(good.text(Style(isOn: false)).contains("1 permitted, 1 refused as they must be, 0 excessive, 0 not shown"))
        #expect(Self.report(permitted).attestation?.isLeastPrivilege == false, "nothing was refused")
        for spoiling in [Finding.Proof.excessive, .unproven] {
            let other = Finding(.warning, "it can read", step: "refusals", proof: spoiling)
            #expect(Self.report(permitted, refused, other).attestation?.isLeastPrivilege == false)
        }
        #expect(Self.report(Finding(.good, "the folder is there")).attestation == nil)
    }

    @Test("is JSON that says the same")
    func isJSON() throws {
        let report = Self.report(
            Finding(.failure, "could not copy", step: "publish", fixes: [Self.fix]),
            Finding(.good, "it cannot read", step: "refusals", proof: .refused))
        let text = String(decoding: try JSONEncoder().encode(report), as: UTF8.self)
        for wanted in [
            #""partner":"acme""#, #""severity":"failure""#, #""by":"the partner (account 222222222222)""#,
            #""refused":["it cannot read"]"#, #""proof":"refused""#,
        ] {
            #expect(text.contains(wanted), "\(text)")
        }
    }
}

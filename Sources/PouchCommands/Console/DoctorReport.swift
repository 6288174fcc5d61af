package import PouchKit

/// What doctor found at one partner, and what it attests: for people and for machines.
package struct DoctorReport: Encodable {
    package struct Step: Encodable {
        package let step: String?
        package let severity: Finding.Severity
        package let text: String
        package let hint: String?
        package let proof: Finding.Proof?
        package let fixes: [Finding.Fix]
    }

    /// What each identity can do and cannot do, as it was tried.
    package struct Attestation: Encodable {
        package let at: String
        package let permitted: [String]
        package let refused: [String]
        /// What can be done and should not be.
        package let excessive: [String]
        package let unproven: [String]
        /// What follows for this host.
        package let remarks: [String]
        package let isLeastPrivilege: Bool
    }

    package let partner: PartnerName
    package let adapter: AdapterName
    package let steps: [Step]
    /// `nil` where nothing about permissions can be shown.
    package let attestation: Attestation?

    package init(partner: PartnerName, adapter: AdapterName, findings: [Finding], at time: Timestamp) {
        self.partner = partner
        self.adapter = adapter
        steps = findings.map { finding in
            Step(
                step: finding.step.isEmpty ? nil : finding.step, severity: finding.severity, text: finding.text, hint: finding.hint,
                proof: finding.proof, fixes: finding.fixes)
        }
        func texts(_ proof: Finding.Proof) -> [String] { findings.filter { $0.proof == proof }.map(\.text) }
        guard findings.contains(where: { $0.proof != nil }) else {
            attestation = nil
            return
        }
        attestation = Attestation(
            at: time.description, permitted: texts(.permitted), refused: texts(.refused), excessive: texts(.excessive),
            unproven: texts(.unproven), remarks: findings.filter { $0.step == "attestation" }.map(\.text),
            isLeastPrivilege: texts(.excessive).isEmpty && texts(.unproven).isEmpty && !texts(.refused).isEmpty)
    }

    package var hasFailed: Bool { steps.contains { $0.severity == .failure } }

    package func text(_ style: Style) -> String {
        var lines = [style.bold("\(partner)") + style.faint("  \(adapter)")]
        let width = steps.compactMap(\.step?.count).max() ?? 0
        for step in steps {
            let sign =
                switch step.severity {
                case .good: style.good("ok      ")
                case .note: style.faint("note    ")
                case .warning: style.careful("warning ")
                case .failure: style.bad("FAILURE ")
                }
            let name = step.step.map { $0 + String(repeating: " ", count: width - $0.count + 2) } ?? ""
            lines.append("  \(sign) \(name)\(step.text)")
            if let hint = step.hint { lines.append("           hint: \(hint)") }
            for fix in step.fixes {
                lines.append("           \(fix.by) adds to \(fix.place):")
                lines += fix.addition.split(separator: "\n").map { "             \($0)" }
            }
        }
        if let attestation {
            lines.append(
                "  least privilege at \(attestation.at): \(attestation.permitted.count) permitted, \(attestation.refused.count) refused as they "
                    + "must be, \(attestation.excessive.count) excessive, \(attestation.unproven.count) not shown")
        }
        return lines.joined(separator: "\n")
    }
}

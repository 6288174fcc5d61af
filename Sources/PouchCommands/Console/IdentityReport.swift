import Foundation
package import PouchAWS
package import PouchKit

/// What is known of an identity, without a secret in it.
package struct IdentityReport {
    package enum Outcome {
        case known(Credentials, STS.CallerIdentity)
        case failed(CredentialFailure)
    }

    let name: IdentityName
    let region: Region
    let role: RoleARN?
    let steps: [CredentialStep]
    /// `nil`: nobody was asked.
    let outcome: Outcome?

    package init(name: IdentityName, region: Region, role: RoleARN?, steps: [CredentialStep], outcome: Outcome?) {
        self.name = name
        self.region = region
        self.role = role
        self.steps = steps
        self.outcome = outcome
    }

    package var isGood: Bool {
        if case .failed = outcome { return false }
        return steps.allSatisfy { $0.problem == nil }
    }

    // MARK: For people

    package func text(style: Style) -> String {
        var lines = [style.bold("\(name)") + style.faint("  in \(region)")]
        for (index, step) in steps.enumerated() {
            lines.append("  \(index + 1). \(step.kind.rawValue): \(VisibleText.escaped(step.text))")
            var table = Table()
            for (name, value) in step.details { table.add(name, VisibleText.escaped(value)) }
            if !table.isEmpty { lines.append(table.rendered(indent: 5)) }
            if let problem = step.problem { lines += Self.lines(of: problem, style) }
        }
        switch outcome {
        case nil: break
        case .failed(let failure): lines += Self.lines(of: failure, style)
        case .known(let credentials, let caller):
            let end = credentials.expiration.map { ", until \($0)" } ?? ", without an end that is known"
            lines.append("  " + style.good("ok") + " \(caller.arn), with the access key \(credentials.accessKeyID)\(end)")
        }
        return lines.joined(separator: "\n")
    }

    private static func lines(of failure: CredentialFailure, _ style: Style) -> [String] {
        ["  " + style.bad("FAILURE") + " " + failure.sentence]
            + (failure.hint.map { ["  hint: \($0)"] } ?? [])
    }

    // MARK: For programs

    package func json() throws -> String {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
        return String(decoding: try encoder.encode(Document(self)), as: UTF8.self)
    }

    private struct Document: Encodable {
        struct Failure: Encodable {
            let step: String
            let cause: String
            let hint: String?

            init(_ failure: CredentialFailure) { (step, cause, hint) = (failure.step, failure.cause, failure.hint) }
        }

        struct Step: Encodable {
            let kind: String
            let text: String
            let details: [String: String]
            let problem: Failure?
        }

        let identity: String
        let region: String
        let role: String?
        let steps: [Step]
        let isGood: Bool
        let accessKey: String?
        let expires: String?
        let caller: String?
        let failure: Failure?

        init(_ report: IdentityReport) {
            identity = report.name.description
            region = report.region.description
            role = report.role?.description
            steps = report.steps.map { step in
                Step(
                    kind: step.kind.rawValue, text: step.text, details: Dictionary(step.details.map { ($0.name, $0.value) }) { $1 },
                    problem: step.problem.map(Failure.init))
            }
            isGood = report.isGood
            guard case .known(let credentials, let identity) = report.outcome else {
                (accessKey, expires, caller) = (nil, nil, nil)
                if case .failed(let reason) = report.outcome { failure = Failure(reason) } else { failure = nil }
                return
            }
            accessKey = credentials.accessKeyID
            expires = credentials.expiration?.description
            caller = identity.arn
            failure = nil
        }
    }
}

/// May somebody become a role who is no user of any account: a service, or whoever a provider vouches for?
struct TrustQuestion {
    enum Asker {
        case service(String)
        /// By the provider's ARN.
        case federated(String)
    }

    let asker: Asker
    /// Each of them is needed.
    let actions: [String]
    let context: PolicyContext

    /// By the role's trust policy alone: nobody else has one that speaks for the asker.
    func isAllowed(by trust: PolicyDocument) -> Bool {
        actions.allSatisfy { action in
            let statements = trust.statements.filter { statement in
                statement.isAbout(action) && names(statement.principals)
                    && statement.conditions.allSatisfy { $0.holds(in: context) }
            }
            return !statements.isEmpty && statements.allSatisfy { $0.effect == .allow }
        }
    }

    private func names(_ principals: PrincipalPatterns?) -> Bool {
        guard let principals else { return false }
        let isNamed =
            switch asker {
            case .service(let name): principals.services.contains(name)
            case .federated(let arn): principals.federated.contains(arn)
            }
        return isNamed != principals.isNegated
    }
}

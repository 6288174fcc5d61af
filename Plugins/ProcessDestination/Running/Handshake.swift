import Glibc
import PouchFiles
import PouchKit

/// Starts a plugin, and speaks with it until it is ready to deliver.
struct Handshake {
    let plan: PluginPlan
    let agent: String
    let patience: Patience
    let interference: PluginInterference?

    /// - Returns: the link, and how many requests the plugin takes at once.
    func run() async throws(PluginLoss) -> (link: PluginLink, parallel: Int) {
        let program: PluginProgram = plan.program
        let secrets: [String: Secret]
        do throws(SettingsProblem) {
            // Hashing a large program takes its time.
            secrets = try await onBlockingThread { () throws(SettingsProblem) in
                try program.verify()
                return try readSecrets()
            }
        } catch {
            throw PluginLoss(error.isShortage ? .notNow(error.text) : .unfit(error.text, hint: error.hint))
        }
        let link = PluginLink(
            redaction: Redaction(Array(secrets.values)), silence: patience.start,
            cancelPatience: patience.cancel, interference: interference)
        try await link.start(
            ChildProgram(
                path: program.path, arguments: program.arguments, environment: plan.environment, folder: program.folder,
                limits: plan.manifest.childLimits),
            name: "plugin-\(plan.name)")
        let parallel = try await greet(link)
        try await riddle(link)
        try await configure(link, secrets)
        link.mayBeSilent(for: plan.manifest.silence?.duration ?? patience.silence)
        return (link, parallel)
    }

    private func readSecrets() throws(SettingsProblem) -> [String: Secret] {
        var secrets: [String: Secret] = [:]
        for (name, source) in plan.secrets { secrets[name] = try source.read() }
        return secrets
    }

    private func greet(_ link: PluginLink) async throws(PluginLoss) -> Int {
        let answer = try await ask(.hello(agent: agent), link)
        guard case .hello(let version, let name, let parallel) = answer else { throw violation(link, "it does not answer `hello`") }
        guard version == 1 else {
            throw violation(link, "it speaks version \(version) of the protocol, and version 1 was offered")
        }
        guard name == plan.name.description else {
            throw violation(link, "it calls itself '\(link.redaction.sentence(name))', and its manifest says \(plan.name)")
        }
        return parallel
    }

    /// What no plugin can know: one that breaks on it would break with the next version of the host.
    private func riddle(_ link: PluginLink) async throws(PluginLoss) {
        let type = "x-" + DeliveryID.random().shortForm
        guard case .unsupported = try await ask(.riddle(type: type), link) else {
            throw violation(link, "it does not answer a request that it cannot know (\(type)) with `unsupported`")
        }
    }

    private func configure(_ link: PluginLink, _ secrets: [String: Secret]) async throws(PluginLoss) {
        switch try await ask(.configure(values: plan.values, secrets: secrets), link) {
        case .configured: break
        case .invalid(let field, let text):
            let name = field.map { "'\(link.redaction.sentence($0))': " } ?? ""
            let loss = PluginLoss(.settings("the plugin refuses its settings: " + name + link.redaction.sentence(text)))
            link.giveUp(loss.kind)
            throw loss
        default: throw violation(link, "it does not answer `configure`")
        }
    }

    private func ask(_ message: HostMessage, _ link: PluginLink) async throws(PluginLoss) -> PluginMessage.Content {
        let request = link.open(message, within: patience.start)
        defer { request.close() }
        do throws(PluginLoss) { return try await request.reply() } catch {
            switch error.kind {
            case .ended(let ending): throw PluginLoss(.endedEarly(ending), words: error.words)
            case .deaf, .silent: throw PluginLoss(.late(patience.start), words: error.words)
            default: throw error
            }
        }
    }

    private func violation(_ link: PluginLink, _ text: String) -> PluginLoss {
        link.giveUp(.violation(text))
        return link.loss ?? PluginLoss(.violation(text))
    }
}

import Glibc
package import PouchConformance
package import PouchKit
package import ProcessDestination
import Synchronization

/// A plugin before the promises of every destination: a far end that its manifest describes, and a host that can lose its messages.
package final class PluginHarness: DestinationHarness {
    private let plugin: PluginFile
    private let farEnd: FarEnd
    private let environment: [String: String]
    private let patience: Patience
    private let mischief = Mischief()
    let transcript = Transcript()

    /// - Parameter plugin: with a far end that `FarEnd` can make of its `test:`.
    package init(_ plugin: PluginFile, environment: [String: String], patience: Patience = .ofTests) async throws {
        self.plugin = plugin
        self.environment = environment
        self.patience = patience
        farEnd = try await FarEnd.open(plugin)
    }

    package func destination(whenTaken: WhenTaken) async throws -> any Destination {
        try plugged(whenTaken)
    }

    /// As `destination`, under its own type.
    func plugged(_ whenTaken: WhenTaken = .suffix) throws -> ProcessDestination {
        let settings = ProcessSettings(
            plugin: try SettingsPath(plugin.path, in: "/"), settings: farEnd.settings,
            whenTaken: policies.contains(whenTaken) ? whenTaken : nil)
        do {
            let plan = try PluginPlan(
                plugin.manifest, in: plugin.folder, settings: settings, relativeTo: plugin.folder, environment: environment)
            return ProcessDestination(
                plan, patience: patience, interference: PluginInterference(mischief.look, listen: transcript.add))
        } catch {
            throw FarEnd.Unusable(description: error.problems.map(\.description).joined(separator: "; "))
        }
    }

    /// What the partner sees, as a folder.
    var farEndFolder: String { farEnd.folder }

    package var policies: Set<WhenTaken> { Set(plugin.manifest.whenTaken ?? [.suffix]) }

    package func visible() async throws -> [DeliveryKey: SeenObject] { try farEnd.visible() }

    package func key(of receipt: Receipt) throws -> DeliveryKey { try DeliveryKey(receipt.key) }

    package func occupy(_ key: DeliveryKey, with bytes: [UInt8]) async throws { try farEnd.occupy(key, with: bytes) }

    package func leftovers() async throws -> [String] { try farEnd.leftovers() }

    package var faults: Set<DestinationFault> {
        let played = (plugin.manifest.test?.faults ?? []).compactMap { DestinationFault(rawValue: $0) }
        return Set(played).union([.lostReplyAfterEffect, .slow, .cut])
    }

    package func inject(_ fault: DestinationFault) async throws {
        switch fault {
        case .lostReplyAfterEffect: mischief.kill(at: 1) { $0 == .done }
        case .cut: mischief.kill(at: 1) { [.progress, .checkpoint, .ready].contains($0) }
        case .slow: mischief.slowDown()
        case .refusePermission, .fullDisk: try farEnd.play(fault.rawValue)
        }
    }

    package func heal() async throws {
        mischief.end()
        try farEnd.play("none")
    }

    package func breakTarget() async throws { try farEnd.breakIt() }

    // MARK: For the promises of plugins alone

    /// The plugin is killed instead of being heard when it says that for the given time.
    func kill(at count: Int, of moments: Set<PluginInterference.Moment>) { mischief.kill(at: count, when: moments.contains) }

    /// What was said since the last time that this was asked, and nothing that happens in every handshake.
    func heard() -> [PluginInterference.Moment] { mischief.taken() }
}

extension Patience {
    /// Shorter than in service: a test waits for nobody.
    package static let ofTests = Patience(start: .seconds(30), cancel: .seconds(10), silence: .seconds(60), answer: .seconds(30))
}

/// What is done to a plugin's messages.
private final class Mischief: Sendable {
    private struct State {
        var kill: (left: Int, isMeant: @Sendable (PluginInterference.Moment) -> Bool)?
        var isSlow = false
        var heard: [PluginInterference.Moment] = []
    }

    private let state = Mutex(State())

    func look(_ moment: PluginInterference.Moment) -> Bool {
        let (isTaken, isSlow) = state.withLock { state in
            if moment != .other { state.heard.append(moment) }
            guard let kill = state.kill, kill.isMeant(moment) else { return (true, state.isSlow) }
            guard kill.left <= 1 else {
                state.kill?.left -= 1
                return (true, state.isSlow)
            }
            state.kill = nil
            return (false, false)
        }
        // On the plugin's own thread: it waits with its pipe full.
        if isSlow { usleep(300_000) }
        return isTaken
    }

    func kill(at count: Int, when isMeant: @escaping @Sendable (PluginInterference.Moment) -> Bool) {
        state.withLock { $0.kill = (count, isMeant) }
    }

    func slowDown() { state.withLock { $0.isSlow = true } }

    func end() {
        state.withLock { state in
            state.kill = nil
            state.isSlow = false
        }
    }

    func taken() -> [PluginInterference.Moment] {
        state.withLock { state in
            defer { state.heard = [] }
            return state.heard
        }
    }
}

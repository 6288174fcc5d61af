package import PouchFiles
import PouchKit

/// Why a plugin is not there, or not any more.
package struct PluginLoss: Error, Hashable {
    package enum Kind: Hashable, Sendable {
        /// It cannot be run as it is, or may not be.
        case unfit(String, hint: String?)
        /// The machine cannot start it now, or look at what it is started with.
        case notNow(String)
        /// It did not finish the handshake in time.
        case late(Duration)
        /// It ended in the handshake.
        case endedEarly(ChildEnding)
        /// It broke the protocol.
        case violation(String)
        /// It refuses its settings.
        case settings(String)
        case ended(ChildEnding)
        /// It had something to do and said nothing.
        case silent(for: Duration)
        /// It did not answer a `cancel`.
        case deaf(for: Duration)
        /// After losses, it is not started before that time has passed.
        case resting(Duration)
    }

    let kind: Kind
    /// The last that it wrote to its standard error; empty when nothing.
    var words = ""

    init(_ kind: Kind, words: String = "") {
        self.kind = kind
        self.words = words
    }

    /// Whether it was there and its end may have come from what it was doing.
    var mayComeFromTheFile: Bool {
        switch kind {
        case .ended, .silent: true
        default: false
        }
    }

    func failure(of attempt: String) -> DeliveryFailure {
        let (remedy, code, text, hint) = judgement
        let cause = words.isEmpty ? text : text + "; it wrote: " + words
        return DeliveryFailure(remedy, code: code, attempt: attempt, cause: cause, hint: hint)
    }

    private var judgement: (DeliveryFailure.Remedy, code: String, text: String, hint: String?) {
        switch kind {
        case .unfit(let text, let hint): (.hold, "plugin-unfit", text, hint)
        case .notNow(let text): (.retry, "plugin-not-started", text, nil)
        case .late(let time): (.retry, "plugin-late", "the plugin was not ready within \(time)", "run `pouch plugin test` on it")
        // Somebody ended it (the kernel when memory was short, a person): that passes. What ends by itself does no better next time.
        case .endedEarly(.killed(signal: 9)), .endedEarly(.killed(signal: 15)):
            (.retry, "plugin-ended", "the plugin was ended from outside before it was ready", nil)
        case .endedEarly(let ending):
            (.hold, "plugin-unfit", "the plugin ended before it was ready: \(ending)", "run `pouch plugin test` on it")
        case .violation(let text):
            (.hold, "plugin-protocol", "the plugin broke the protocol: \(text)", "run `pouch plugin test` on it")
        case .settings(let text): (.hold, "plugin-settings", text, "correct `settings:` of the partner")
        case .ended(let ending): (.retry, "plugin-ended", "the plugin ended: \(ending)", nil)
        case .silent(let time):
            (
                .retry, "plugin-silent", "the plugin said nothing for \(time), and was killed",
                "`silence:` of its manifest is how long it may"
            )
        case .deaf(let time): (.retry, "plugin-deaf", "the plugin did not stop within \(time), and was killed", nil)
        case .resting(let time): (.retry(after: time), "plugin-resting", "the plugin was lost again and again, and rests", nil)
        }
    }
}

/// When the watchdog is fed: a value. Who is silent goes in, what is to be done comes out.
///
/// At half of the time that the watchdog gives, all loops having answered, it is fed. While one is silent it is not, and as soon as the last one
/// answers it is: a slow disk costs nothing, a loop that never answers costs the process its life, and the service manager starts it again.
package struct Feeding: Sendable {
    package struct Step: Hashable, Sendable {
        /// The sign of life is given, and all loops are asked again.
        package let feeds: Bool
        /// What changed, for the operator; `nil`: nothing did.
        package let news: News?
        package let pause: Duration

        package init(feeds: Bool, news: News?, pause: Duration) {
            self.feeds = feeds
            self.news = news
            self.pause = pause
        }
    }

    package enum News: Hashable, Sendable {
        case stuck([String])
        case moving
    }

    private let half: Duration
    private var stuck: [String] = []

    package init(watchdog: Duration) { half = watchdog / 2 }

    /// The pause before the first step; all loops are asked before it.
    package var firstPause: Duration { half }

    package mutating func step(silent: [String]) -> Step {
        let news: News? = silent == stuck ? nil : silent.isEmpty ? .moving : .stuck(silent)
        stuck = silent
        return Step(feeds: silent.isEmpty, news: news, pause: silent.isEmpty ? half : half / 8)
    }
}

import PouchKit
import Synchronization

/// What is learnt about a request while it is answered, for the request log.
package final class RequestNotes: Sendable {
    package struct Contents: Sendable {
        package var service = ""
        package var caller: String?
        /// The user or role, without account and session.
        package var callerName: String?
        package var action = ""
        package var bucket: String?
        package var key: String?
        package var version: String?
        package var source: String?
        package var expectedOwner: String?
        package var sourceExpectedOwner: String?
        package var permissions: [String] = []
        package var keyChecks: [KeyCheck] = []
        package var fault: String?
    }

    private let contents = Mutex(Contents())

    package init() {}

    package func note(_ change: (inout Contents) -> Void) { contents.withLock { change(&$0) } }

    package var current: Contents { contents.withLock { $0 } }
}

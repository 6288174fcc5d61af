/// Where things lie in the state folder.
package enum JournalPlace {
    package static func path(state: String) -> String { state + "/journal.sqlite" }

    package static func manifestFolder(state: String) -> String { state + "/manifest" }
}

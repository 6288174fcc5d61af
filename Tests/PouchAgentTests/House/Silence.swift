import Logging

enum Silence {
    static let logger = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
}

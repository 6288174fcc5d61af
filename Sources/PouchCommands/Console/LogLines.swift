import Glibc
package import Logging
package import PouchKit

/// One record, one line, on standard error: readable on a terminal, JSON elsewhere. Line breaks and control characters of values
/// are escaped: a file name cannot forge a record.
package struct LogLines: LogHandler {
    package enum Form: Sendable {
        case people, json
    }

    package var metadata: Logger.Metadata = [:]
    package var logLevel: Logger.Level
    private let form: Form

    package init(form: Form, level: Logger.Level) {
        self.form = form
        logLevel = level
    }

    /// People on a terminal, JSON elsewhere.
    static func suitable(level: Logger.Level) -> LogLines {
        LogLines(form: Terminal.errorIsTerminal ? .people : .json, level: level)
    }

    package subscript(metadataKey key: String) -> Logger.Metadata.Value? {
        get { metadata[key] }
        set { metadata[key] = newValue }
    }

    package func log(event: LogEvent) { Terminal.write(line(for: event, at: SystemClock().now) + "\n", to: STDERR_FILENO) }

    /// The record as one line, without its end.
    package func line(for event: LogEvent, at time: Timestamp) -> String {
        let fields = metadata.merging(event.metadata ?? [:]) { _, new in new }.sorted { $0.key < $1.key }
        switch form {
        case .people:
            let facts = fields.map { "\($0.key)=\(VisibleText.escaped("\($0.value)"))" }.joined(separator: " ")
            return "\(time) \(Self.word(event.level)) \(VisibleText.escaped("\(event.message)")) \(facts)"
        case .json:
            let facts = fields.map { ",\(JSONText.quoted($0.key)):\(JSONText.quoted("\($0.value)"))" }.joined()
            return
                "{\"time\":\"\(time)\",\"level\":\"\(event.level.rawValue)\",\"message\":\(JSONText.quoted("\(event.message)"))\(facts)}"
        }
    }

    private static func word(_ level: Logger.Level) -> String {
        switch level {
        case .trace, .debug: "debug  "
        case .info, .notice: "info   "
        case .warning: "warning"
        case .error, .critical: "error  "
        }
    }
}

/// JSON strings, with everything escaped that could break a line or a terminal.
package enum JSONText {
    package static func quoted(_ text: String) -> String {
        var result = "\""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\"": result += "\\\""
            case "\\": result += "\\\\"
            case "\n": result += "\\n"
            case "\r": result += "\\r"
            case "\t": result += "\\t"
            default:
                switch scalar.properties.generalCategory {
                case .control, .format, .lineSeparator, .paragraphSeparator, .surrogate:
                    for unit in String(scalar).utf16 {
                        let digits = String(unit, radix: 16)
                        result += "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
                    }
                default: result.unicodeScalars.append(scalar)
                }
            }
        }
        return result + "\""
    }
}

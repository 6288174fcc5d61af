/// One line that shows how far a transfer is; drawn again in place on a terminal, in steps of a tenth elsewhere.
package struct ProgressBar {
    private let label: String
    private let isTerminal: Bool
    private var lastTenth = -1

    package init(label: String, isTerminal: Bool) {
        self.label = label
        self.isTerminal = isTerminal
    }

    mutating func show(sent: Int64, of total: Int64) {
        if let text = text(sent: sent, of: total) { Terminal.print(text, end: "") }
    }

    /// What is to be printed now; `nil` when nothing is.
    package mutating func text(sent: Int64, of total: Int64) -> String? {
        // What is sent twice counts twice.
        let share = total == 0 ? 1 : min(max(Double(sent) / Double(total), 0), 1)
        if isTerminal {
            let width = max(10, min(40, Terminal.width - label.count - 30))
            let filled = Int(share * Double(width))
            let bar = String(repeating: "█", count: filled) + String(repeating: "░", count: width - filled)
            return "\r\(label) \(bar) \(Int(share * 100)) %  \(ByteText.of(sent)) of \(ByteText.of(total))  "
        }
        guard Int(share * 10) > lastTenth else { return nil }
        lastTenth = Int(share * 10)
        return "\(label) \(Int(share * 100)) % of \(ByteText.of(total))\n"
    }

    func end() { if isTerminal { Terminal.print() } }
}

/// Bytes for people: `1,024` stays exact below 10 KB, above that three digits and a decimal unit.
package enum ByteText {
    package static func of(_ bytes: Int64) -> String {
        guard bytes >= 10_000 else { return "\(bytes) B" }
        var value = Double(bytes)
        for unit in ["KB", "MB", "GB", "TB"] {
            value /= 1_000
            // What would be rounded up to a thousand is one of the next unit.
            if value < 999.5 || unit == "TB" {
                let tenths = Int64(value * 10 + 0.5)
                return tenths < 1_000 ? "\(tenths / 10).\(tenths % 10) \(unit)" : "\(Int64(value + 0.5)) \(unit)"
            }
        }
        return "\(bytes) B"
    }
}

/// Durations for people.
package enum DurationText {
    package static func of(_ duration: Duration) -> String {
        let milliseconds = duration.components.seconds * 1_000 + duration.components.attoseconds / 1_000_000_000_000_000
        switch milliseconds {
        case ..<1_000: return "\(milliseconds) ms"
        case ..<120_000: return "\(milliseconds / 1_000) s"
        case ..<7_200_000: return "\(milliseconds / 60_000) min"
        case ..<172_800_000: return "\(milliseconds / 3_600_000) h"
        default: return "\(milliseconds / 86_400_000) d"
        }
    }
}

import PouchKit

/// How a date is written in a key: `yyyy-MM-dd`. Always UTC, so that a key does not depend on where the agent stands.
struct DatePattern: Hashable, Sendable {
    private enum Element: Hashable, Sendable {
        case field(Field)
        case character(Unicode.Scalar)
    }

    private enum Field: String, CaseIterable {
        case year = "yyyy"
        case month = "MM"
        case day = "dd"
        case hour = "HH"
        case minute = "mm"
        case second = "ss"
    }

    /// What is wrong with the text, and where in it.
    struct Problem: Error {
        let offset: Int
        let what: String
        let hint: String?
    }

    private let elements: [Element]

    static let day = DatePattern(elements: [
        .field(.year), .character("-"), .field(.month), .character("-"), .field(.day),
    ])

    init(_ text: some StringProtocol) throws(Problem) {
        let scalars = Array(text.unicodeScalars)
        var elements: [Element] = []
        var index = 0
        while index < scalars.count {
            if let field = Field.allCases.first(where: { scalars[index...].starts(with: $0.rawValue.unicodeScalars) }) {
                elements.append(.field(field))
                index += field.rawValue.unicodeScalars.count
            } else if "-_./: ".unicodeScalars.contains(scalars[index]) {
                elements.append(.character(scalars[index]))
                index += 1
            } else {
                throw Problem(
                    offset: index,
                    what: "dates are made of yyyy, MM, dd, HH, mm and ss with '-', '_', '.', ':', ' ' or '/' between them",
                    hint: "put other text outside the braces: {date:yyyyMMdd}T{date:HHmm}")
            }
        }
        let hasMinuteAlone =
            elements.contains(.field(.minute)) && !elements.contains(.field(.hour)) && !elements.contains(.field(.month))
        guard !hasMinuteAlone else {
            throw Problem(offset: 0, what: "mm is the minute, and there is no hour beside it", hint: "the month is MM")
        }
        guard !elements.isEmpty else { throw Problem(offset: 0, what: "the date has no form", hint: "write {date:yyyy-MM-dd}") }
        self.init(elements: elements)
    }

    private init(elements: [Element]) { self.elements = elements }

    func text(of time: Timestamp) -> String {
        let date = time.civil
        return elements.reduce(into: "") { text, element in
            switch element {
            case .field(.year): text += Self.padded(date.year, to: 4)
            case .field(.month): text += Self.padded(date.month, to: 2)
            case .field(.day): text += Self.padded(date.day, to: 2)
            case .field(.hour): text += Self.padded(date.hour, to: 2)
            case .field(.minute): text += Self.padded(date.minute, to: 2)
            case .field(.second): text += Self.padded(date.second, to: 2)
            case .character(let scalar): text.unicodeScalars.append(scalar)
            }
        }
    }

    private static func padded(_ number: Int, to width: Int) -> String {
        let digits = "\(number.magnitude)"
        return (number < 0 ? "-" : "") + String(repeating: "0", count: max(0, width - digits.count)) + digits
    }
}

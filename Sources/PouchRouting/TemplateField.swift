import PouchKit

/// What stands in braces in a key template.
enum TemplateField: Hashable, Sendable, CustomStringConvertible {
    case name, stem, ext, path, folder
    case date(DatePattern)
    case capture(String)

    /// A capture cannot have one of these names.
    static let reservedNames = ["name", "stem", "ext", "path", "folder", "date"]

    var description: String {
        switch self {
        case .name: "name"
        case .stem: "stem"
        case .ext: "ext"
        case .path: "path"
        case .folder: "folder"
        case .date: "date"
        case .capture(let name): name
        }
    }

    var mayHaveSlashes: Bool {
        switch self {
        case .path, .folder, .date: true
        case .name, .stem, .ext, .capture: false
        }
    }

    func bytes(for drop: DropFacts, captures: [Capture]) -> [UInt8] {
        switch self {
        case .name: drop.path.name
        case .stem: Self.split(drop.path.name).stem
        case .ext: Self.split(drop.path.name).ext
        case .path: drop.path.bytes
        case .folder: drop.path.parent?.bytes ?? []
        case .date(let pattern): Array(pattern.text(of: drop.admitted).utf8)
        case .capture(let name): captures.first { $0.name == name }?.value ?? []
        }
    }

    /// At the last dot; a name that begins with its only dot has no extension.
    private static func split(_ name: [UInt8]) -> (stem: [UInt8], ext: [UInt8]) {
        guard let dot = name.lastIndex(of: UInt8(ascii: ".")), dot != name.startIndex else { return (name, []) }
        return (Array(name[..<dot]), Array(name[(dot + 1)...]))
    }
}

import Glibc
import PouchConformance
import PouchFiles

/// The vectors that nobody in this project wrote: they lie beside the checkout where somebody put them, and are not part of it.
package enum Vectors {
    /// `<beside the checkout>/shared/vectors`; `nil` where there is none.
    package static let folder: String? = {
        // This file lies three levels below the folder that holds the checkout; links are followed, so that the place of the real
        // file counts.
        guard let resolved = realpath(#filePath, nil) else { return nil }
        defer { free(resolved) }
        let parts = String(cString: resolved).split(separator: "/").dropLast(4)
        let path = "/" + parts.joined(separator: "/") + "/shared/vectors"
        return access(path, R_OK | X_OK) == 0 ? path : nil
    }()

    /// The bytes of a vector, `names/naughty-strings.json`; `nil`, and a line that says so, where it is not.
    package static func bytes(_ relative: String) throws -> [UInt8]? {
        guard let folder, access(folder + "/" + relative, R_OK) == 0 else {
            print("skipped: there is no ../shared/vectors/\(relative) beside the checkout")
            return nil
        }
        return try OpenFile.open(folder + "/" + relative).readAll(limit: 1 << 28)
    }

    package static func text(_ relative: String) throws -> String? {
        try bytes(relative).map { String(decoding: $0, as: UTF8.self) }
    }

    /// The names in a folder of vectors, sorted; none, and a line that says so, where it is not.
    package static func names(in relative: String) throws -> [String] {
        guard let folder, access(folder + "/" + relative, R_OK | X_OK) == 0 else {
            print("skipped: there is no ../shared/vectors/\(relative) beside the checkout")
            return []
        }
        var entries = try DirectoryHandle.open(folder + "/" + relative).entries()
        var names: [String] = []
        while let entry = try entries.next() { names.append(String(decoding: entry.name, as: UTF8.self)) }
        return names.sorted()
    }

    /// Hostile strings for names, metadata and log lines; those of our own alone where the list is not.
    package static func naughtyStrings() throws -> [String] {
        guard let bytes = try bytes("names/naughty-strings.json") else { return HostileNames.own }
        return HostileNames.own + JSONStrings.all(in: bytes)
    }
}

/// The strings of a JSON list of strings. Enough for vectors; what they are for is tested elsewhere.
private enum JSONStrings {
    static func all(in bytes: [UInt8]) -> [String] {
        var strings: [String] = []
        var units: [UInt16] = []
        var position = 0
        var isInside = false
        let text = Array(String(decoding: bytes, as: UTF8.self).utf16)
        while position < text.count {
            let unit = text[position]
            position += 1
            switch (isInside, unit) {
            case (false, 0x22): (isInside, units) = (true, [])
            case (false, _): continue
            case (true, 0x22):
                isInside = false
                strings.append(String(decoding: units, as: UTF16.self))
            case (true, 0x5C):
                let letter = position < text.count ? text[position] : 0
                position += 1
                if letter == 0x75, position + 4 <= text.count {
                    let digits = String(decoding: text[position..<position + 4], as: UTF16.self)
                    units.append(UInt16(digits, radix: 16) ?? 0xFFFD)
                    position += 4
                } else {
                    units.append([0x6E: 0x0A, 0x74: 0x09, 0x72: 0x0D, 0x62: 0x08, 0x66: 0x0C][letter] ?? letter)
                }
            default: units.append(unit)
            }
        }
        return strings
    }
}

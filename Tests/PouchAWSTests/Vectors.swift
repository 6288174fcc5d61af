import FoundationEssentials

/// Recorded vectors beside the checkout, which the project does not contain.
enum Vectors {
    /// The bytes of a file below `../shared/vectors`, or `nil`, and then a line that says so.
    static func data(_ path: String) -> Data? {
        let file = folder + "/" + path
        guard let data = try? Data(contentsOf: URL(filePath: file)) else {
            print("skipped: no vectors at \(file)")
            return nil
        }
        return data
    }

    static func text(_ path: String) -> String? { data(path).map { String(decoding: $0, as: UTF8.self) } }

    static func decoded<Value: Decodable>(_ path: String, as type: Value.Type) throws -> Value? {
        let decoder = JSONDecoder()
        decoder.keyDecodingStrategy = .convertFromSnakeCase
        return try data(path).map { try decoder.decode(type, from: $0) }
    }

    static func folders(in path: String) -> [String] {
        let names = try? FileManager.default.contentsOfDirectory(atPath: folder + "/" + path)
        guard let names else {
            print("skipped: no vectors at \(folder)/\(path)")
            return []
        }
        return names.sorted()
    }

    private static let folder: String = {
        // Tests/PouchAWSTests/Vectors.swift lies three levels below the checkout.
        var path = #filePath.split(separator: "/", omittingEmptySubsequences: false)
        path.removeLast(4)
        return path.joined(separator: "/") + "/shared/vectors"
    }()
}

import FoundationEssentials
import PouchTestSupport

extension Vectors {
    /// A JSON file of vectors; `nil`, and a line that says so, where it is not.
    static func decoded<Value: Decodable>(_ relative: String, as type: Value.Type) throws -> Value? {
        let decoder = JSONDecoder()
        decoder.keyDecodingStrategy = .convertFromSnakeCase
        return try bytes(relative).map { try decoder.decode(type, from: Data($0)) }
    }
}

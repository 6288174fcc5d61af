import PouchCrypto

/// RFC 2104 with SHA-1. Only for the hashed names in known_hosts, which hide who is known and protect nothing.
enum HMACSHA1 {
    private static let blockSize = 64

    static func code(for message: [UInt8], key: [UInt8]) -> [UInt8] {
        var block = key.count > blockSize ? MessageDigest.digest(of: key, by: .sha1) : key
        block += [UInt8](repeating: 0, count: blockSize - block.count)
        let inner = MessageDigest.digest(of: block.map { $0 ^ 0x36 } + message, by: .sha1)
        return MessageDigest.digest(of: block.map { $0 ^ 0x5C } + inner, by: .sha1)
    }
}

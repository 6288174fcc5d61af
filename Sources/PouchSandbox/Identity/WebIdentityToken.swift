import FoundationEssentials
import PouchCrypto
import PouchKit

/// A JSON Web Token that an identity provider signed (RFC 7519, RFC 7515), once it is believed.
struct WebIdentityToken {
    let provider: Federation.Provider
    let subject: String
    let audience: String

    /// - Throws: `Refusal` as STS words it: of another form, of an unknown issuer, for another audience, not signed by the
    ///   issuer, expired.
    init(_ text: String, knowing federation: Federation, now: Timestamp) throws(Refusal) {
        let parts = text.split(separator: ".", omittingEmptySubsequences: false)
        guard parts.count == 3, let header = Self.decode(Header.self, parts[0]), let claims = Self.decode(Claims.self, parts[1]),
            let signature = Self.bytes(parts[2])
        else { throw Self.invalid("The token that was given is not a JSON Web Token") }
        guard let provider = federation.providers[claims.iss] else {
            throw Self.invalid("No OpenIDConnect provider found in your account for \(claims.iss)")
        }
        guard let audience = claims.aud.values.first(where: provider.clientIDs.contains) else {
            throw Self.invalid("Incorrect token audience")
        }
        guard Self.isSigned(Array("\(parts[0]).\(parts[1])".utf8), signature, header.alg, by: provider.key) else {
            throw Self.invalid("Couldn't retrieve verification key from your identity provider, or the signature is wrong")
        }
        guard Double(now.seconds) < claims.exp else {
            throw Refusal("ExpiredTokenException", 400, "Token expired: current date/time must be before the expiration date/time")
        }
        guard Double(now.seconds) >= (claims.nbf ?? claims.iat ?? 0) - 300 else {
            throw Self.invalid("The token is not valid yet")
        }
        self.provider = provider
        self.audience = audience
        subject = claims.sub
    }

    private struct Header: Decodable { let alg: String }

    private struct Claims: Decodable {
        let iss: String
        let sub: String
        let aud: OneOrMore<String>
        let exp: Double
        let nbf: Double?
        let iat: Double?
    }

    private static func isSigned(_ text: [UInt8], _ signature: [UInt8], _ algorithm: String, by key: VerifyingKey) -> Bool {
        switch (algorithm, key.kind) {
        case ("RS256", .rsa): key.accepts(signature, of: text)
        case ("ES256", .ec): signature.count == 64 && key.accepts(der(signature), of: text)
        default: false
        }
    }

    /// Tokens carry the two numbers of an ECDSA signature one behind the other, X.509 wants them in DER.
    private static func der(_ signature: [UInt8]) -> [UInt8] {
        let numbers = [signature[..<32], signature[32...]].flatMap { half -> [UInt8] in
            var digits = Array(half.drop { $0 == 0 })
            if digits.isEmpty || digits[0] >= 0x80 { digits.insert(0, at: 0) }
            return [0x02, UInt8(digits.count)] + digits
        }
        return [0x30, UInt8(numbers.count)] + numbers
    }

    private static func decode<Value: Decodable>(_ type: Value.Type, _ part: Substring) -> Value? {
        bytes(part).flatMap { try? JSONDecoder().decode(type, from: Data($0)) }
    }

    /// Base64 in the alphabet for URLs, without padding.
    private static func bytes(_ part: Substring) -> [UInt8]? {
        guard !part.isEmpty, !part.contains("="), !part.contains("+"), !part.contains("/") else { return nil }
        let text = part.replacing("-", with: "+").replacing("_", with: "/")
        return Base64.bytes(of: text + String(repeating: "=", count: (4 - text.utf8.count % 4) % 4))
    }

    private static func invalid(_ text: String) -> Refusal { Refusal("InvalidIdentityToken", 400, text) }
}

import PouchKit

/// How a client shows who it is.
enum RequestAuthority: Sendable {
    case credentials(Signer, any CredentialSource)
    /// By an X.509 certificate, whose files are read at each call.
    case certificate(CertificateFiles, any AgentClock)
    /// Not at all: the request carries its own proof, or none is asked for.
    case none

    func proof() async throws(CredentialFailure) -> RequestProof {
        switch self {
        case .credentials(let signer, let source): .keys(signer, try await source.credentials())
        case .certificate(let files, let clock): .certificate(try files.read(at: clock.now))
        case .none: .none
        }
    }

    /// Another proof than the one that was refused; `nil` when there is no other.
    func renewedProof(after refused: RequestProof) async throws(CredentialFailure) -> RequestProof? {
        guard case .credentials(let signer, let source) = self, case .keys(_, let credentials) = refused else { return nil }
        return .keys(signer, try await source.refreshed(after: credentials))
    }
}

/// What one request is signed with.
enum RequestProof: Sendable {
    case keys(Signer, Credentials)
    case certificate(CertificateSigner)
    case none

    /// The headers to send along.
    func headers(
        for request: SignableRequest,
        payload: PayloadHash,
        in region: Region,
        at time: Timestamp
    ) throws(CredentialFailure) -> [(name: String, value: String)] {
        switch self {
        case .keys(let signer, let credentials):
            signer.sign(request, payload: payload, with: credentials, in: region, at: time).headers
        case .certificate(let signer): try signer.sign(request, payload: payload, in: region, at: time).headers
        case .none: []
        }
    }
}

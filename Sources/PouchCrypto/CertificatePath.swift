import COpenSSL
package import PouchKit

/// Whether others vouch for a certificate, up to one that is trusted.
package struct CertificatePath: Sendable {
    private let leaf: Certificate
    private let intermediates: [Certificate]

    package init(leaf: Certificate, intermediates: [Certificate]) {
        self.leaf = leaf
        self.intermediates = intermediates
    }

    /// Why nobody vouches for it; `nil` when a path leads to one of the anchors. An anchor need not be a root.
    package func objection(trusting anchors: [Certificate], at time: Timestamp) -> String? {
        guard let store = X509_STORE_new(), let context = X509_STORE_CTX_new(), let others = OPENSSL_sk_new_null() else {
            outOfMemory("X509_STORE_new")
        }
        defer {
            X509_STORE_CTX_free(context)
            X509_STORE_free(store)
            OPENSSL_sk_free(others)
            ERR_clear_error()
        }
        for anchor in anchors { demand(X509_STORE_add_cert(store, anchor.handle), "X509_STORE_add_cert") }
        // The stack only points at them: they live as long as this value.
        for certificate in intermediates { _ = OPENSSL_sk_push(others, UnsafeRawPointer(certificate.handle)) }
        demand(X509_STORE_CTX_init(context, store, leaf.handle, others), "X509_STORE_CTX_init")
        let parameters = X509_STORE_CTX_get0_param(context)
        X509_VERIFY_PARAM_set_time(parameters, Int(time.seconds))
        demand(X509_VERIFY_PARAM_set_flags(parameters, UInt(X509_V_FLAG_PARTIAL_CHAIN)), "X509_VERIFY_PARAM_set_flags")
        if X509_verify_cert(context) == 1 { return nil }
        let code = X509_STORE_CTX_get_error(context)
        return X509_verify_cert_error_string(Int(code)).map { String(cString: $0) } ?? "error \(code)"
    }
}

import COpenSSL

/// OpenSSL as a whole.
package enum CryptoLibrary {
    /// Call it before anything uses OpenSSL, libcurl included.
    ///
    /// Otherwise OpenSSL takes itself apart when the process ends, while threads that end at the same moment give back what it keeps for each
    /// of them: the end is then a double free now and then.
    package static func leaveAloneAtExit() { OPENSSL_init_crypto(UInt64(OPENSSL_INIT_NO_ATEXIT), nil) }
}

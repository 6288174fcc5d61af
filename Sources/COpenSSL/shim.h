// Variadic functions and macros of OpenSSL that Swift cannot call; nothing else belongs here.
#ifndef POUCH_COPENSSL_SHIM_H
#define POUCH_COPENSSL_SHIM_H

#include <openssl/bio.h>
#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/params.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

/// EVP_EC_gen: a macro over a variadic function. A new P-256 key, or NULL.
static inline EVP_PKEY *pouch_new_p256_key(void) { return EVP_EC_gen("P-256"); }

#endif

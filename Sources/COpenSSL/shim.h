// Variadic functions and macros of OpenSSL that Swift cannot call; nothing else belongs here.
#ifndef POUCH_COPENSSL_SHIM_H
#define POUCH_COPENSSL_SHIM_H

#include <openssl/bio.h>
#include <openssl/cms.h>
#include <openssl/crypto.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/params.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

/// EVP_EC_gen: a macro over a variadic function. A new P-256 key, or NULL.
static inline EVP_PKEY *pouch_new_p256_key(void) { return EVP_EC_gen("P-256"); }

/// XN_FLAG_RFC2253: a macro over macros. Writes "CN=edge-01,O=Org A"; -1 when that failed.
static inline int pouch_print_name(BIO *bio, const X509_NAME *name) { return X509_NAME_print_ex(bio, name, 0, XN_FLAG_RFC2253); }

#endif

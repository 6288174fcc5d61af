// Variadic functions and macros of libcurl that Swift cannot call; nothing else belongs here.
#ifndef POUCH_CCURL_SHIM_H
#define POUCH_CCURL_SHIM_H

#include <curl/curl.h>

#endif

#ifndef POUCH_CINOTIFYTOOLS_SHIM_H
#define POUCH_CINOTIFYTOOLS_SHIM_H

#include <inotifytools/inotifytools.h>
#include <stdint.h>
#include <sys/eventfd.h>
#include <sys/inotify.h>

// The name follows the event in memory (a flexible array member, which Swift does not import).
static inline const char *pouch_event_name(const struct inotify_event *event) { return event->name; }

#endif

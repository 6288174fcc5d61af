#ifndef POUCH_CCRC64NVME_H
#define POUCH_CCRC64NVME_H

#include <stddef.h>
#include <stdint.h>

/// The register after `length` more bytes. Begin with all ones; the checksum is the register's complement.
/// Uses carry-less multiplication where the processor has it, else the table-driven twin.
uint64_t pouch_crc64nvme_update(uint64_t state, const void *bytes, size_t length);

/// The table-driven twin: the same result on every processor, and what the kernel is tested against.
uint64_t pouch_crc64nvme_update_plain(uint64_t state, const void *bytes, size_t length);

/// 1 when `pouch_crc64nvme_update` multiplies carry-less here.
int pouch_crc64nvme_is_accelerated(void);

#endif

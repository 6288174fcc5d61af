// CRC-64/NVME (reflected polynomial 0x9A6C9329AC4BC9B5). The fast path folds eight 16-byte lanes by carry-less
// multiplication ("Fast CRC Computation for Generic Polynomials Using PCLMULQDQ Instruction", Intel 2009); what is left
// of it, and every other processor, takes the eight-table path.

#include "CCRC64NVME.h"

#include <string.h>

#if defined(__BYTE_ORDER__) && __BYTE_ORDER__ != __ORDER_LITTLE_ENDIAN__
#error "the tables are for little-endian machines"
#endif

static const uint64_t polynomial = 0x9A6C9329AC4BC9B5;
static uint64_t tables[8][256];

// Before main and before any thread: no lock is needed afterwards.
__attribute__((constructor)) static void fill_tables(void) {
    for (unsigned byte = 0; byte < 256; byte++) {
        uint64_t value = byte;
        for (int bit = 0; bit < 8; bit++) value = (value >> 1) ^ (value & 1 ? polynomial : 0);
        tables[0][byte] = value;
    }
    for (unsigned byte = 0; byte < 256; byte++) {
        for (int table = 1; table < 8; table++) {
            uint64_t before = tables[table - 1][byte];
            tables[table][byte] = (before >> 8) ^ tables[0][before & 0xFF];
        }
    }
}

uint64_t pouch_crc64nvme_update_plain(uint64_t state, const void *bytes, size_t length) {
    const uint8_t *next = bytes;
    while (length >= 8) {
        uint64_t word;
        memcpy(&word, next, 8);
        word ^= state;
        state = tables[7][word & 0xFF] ^ tables[6][word >> 8 & 0xFF] ^ tables[5][word >> 16 & 0xFF] ^
                tables[4][word >> 24 & 0xFF] ^ tables[3][word >> 32 & 0xFF] ^ tables[2][word >> 40 & 0xFF] ^
                tables[1][word >> 48 & 0xFF] ^ tables[0][word >> 56];
        next += 8;
        length -= 8;
    }
    while (length-- > 0) state = (state >> 8) ^ tables[0][(state ^ *next++) & 0xFF];
    return state;
}

#if defined(__x86_64__)

#include <immintrin.h>

#define FOLDING __attribute__((target("pclmul,sse4.1")))

// Moves a lane forward: its first half was read first and so has the higher degree.
FOLDING static inline __m128i fold(__m128i lane, __m128i factors, __m128i next) {
    __m128i first = _mm_clmulepi64_si128(lane, factors, 0x00);
    __m128i second = _mm_clmulepi64_si128(lane, factors, 0x11);
    return _mm_xor_si128(next, _mm_xor_si128(first, second));
}

FOLDING static uint64_t update_folding(uint64_t state, const uint8_t *next, size_t length) {
    // x^(n+63) and x^(n-1) modulo the polynomial, reflected, for a move by n bits: 8 lanes, then 1 lane.
    const __m128i by_eight_lanes = _mm_set_epi64x(0x5F852FB61E8D92DC, (long long)0xA1CA681E733F9C40);
    const __m128i by_one_lane = _mm_set_epi64x(0x21E9761E252621AC, (long long)0xEADC41FD2BA3D420);
    __m128i lanes[8];
    for (int lane = 0; lane < 8; lane++) lanes[lane] = _mm_loadu_si128((const __m128i *)next + lane);
    lanes[0] = _mm_xor_si128(lanes[0], _mm_set_epi64x(0, (long long)state));
    next += 128;
    length -= 128;
    while (length >= 128) {
        for (int lane = 0; lane < 8; lane++) {
            lanes[lane] = fold(lanes[lane], by_eight_lanes, _mm_loadu_si128((const __m128i *)next + lane));
        }
        next += 128;
        length -= 128;
    }
    __m128i whole = lanes[0];
    for (int lane = 1; lane < 8; lane++) whole = fold(whole, by_one_lane, lanes[lane]);
    while (length >= 16) {
        whole = fold(whole, by_one_lane, _mm_loadu_si128((const __m128i *)next));
        next += 16;
        length -= 16;
    }
    // The lane now stands for everything before it: its 16 bytes have the checksum of the whole.
    uint8_t rest[16];
    _mm_storeu_si128((__m128i *)rest, whole);
    return pouch_crc64nvme_update_plain(pouch_crc64nvme_update_plain(0, rest, sizeof rest), next, length);
}

int pouch_crc64nvme_is_accelerated(void) { return __builtin_cpu_supports("pclmul") && __builtin_cpu_supports("sse4.1"); }

uint64_t pouch_crc64nvme_update(uint64_t state, const void *bytes, size_t length) {
    if (length < 128 || !pouch_crc64nvme_is_accelerated()) return pouch_crc64nvme_update_plain(state, bytes, length);
    return update_folding(state, bytes, length);
}

#else

int pouch_crc64nvme_is_accelerated(void) { return 0; }

uint64_t pouch_crc64nvme_update(uint64_t state, const void *bytes, size_t length) {
    return pouch_crc64nvme_update_plain(state, bytes, length);
}

#endif

/* Text without printf, so that the examples are as small on a chip as what they show. */
#ifndef PRINT_H
#define PRINT_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

/* Where text goes: standard output, or semihosting on a chip (chip/start.c). */
#ifdef ON_CHIP
void say(const char *text);
#else
#include <stdio.h>
static void say(const char *text) { fputs(text, stdout); }
#endif

static inline void say_hex(uint32_t value, int digits) {
    char text[9];
    for (int i = digits; i > 0; i--, value >>= 4)
        text[i - 1] = "0123456789abcdef"[value & 15];
    text[digits] = 0;
    say(text);
}

static inline void say_number(uint32_t value) {
    char text[11];
    char *at = text + 10;
    *at = 0;
    do {
        *--at = (char)('0' + value % 10);
        value /= 10;
    } while (value > 0);
    say(at);
}

static inline void say_bytes(const void *bytes, size_t length) {
    char text[65];
    size_t used = 0;
    for (size_t i = 0; i < length; i++) {
        uint8_t byte = ((const uint8_t *)bytes)[i];
        text[used++] = "0123456789abcdef"[byte >> 4];
        text[used++] = "0123456789abcdef"[byte & 15];
        if (used == 64 || i + 1 == length) {
            text[used] = 0;
            say(text);
            used = 0;
        }
    }
}

/* The bits of floats: what is compared with the Rust library's is equal to the last one. */
static inline void say_floats(const char *name, const float *values, size_t count) {
    say(name);
    for (size_t i = 0; i < count; i++) {
        uint32_t bits;
        memcpy(&bits, &values[i], sizeof bits);
        say(" ");
        say_hex(bits, 8);
    }
    say("\n");
}

#endif

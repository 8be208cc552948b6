/* Start-up code, text and exit for Cortex-M under QEMU; a project has its own. */
#include <stdint.h>

int main(void);
void say(const char *text);
void reset(void);

extern uint32_t stack_top, data_start, data_end, data_source, bss_start, bss_end;

static uintptr_t semihosting(uintptr_t operation, uintptr_t argument) {
    register uintptr_t r0 __asm__("r0") = operation;
    register uintptr_t r1 __asm__("r1") = argument;
    __asm__ volatile("bkpt 0xab" : "+r"(r0) : "r"(r1) : "memory");
    return r0;
}

void say(const char *text) { semihosting(0x04, (uintptr_t)text); }

/* Free memory is painted, so that the deepest reach of the stack shows afterwards. */
#define PAINT 0x5a5a5a5au

static void tell_stack(void) {
    char text[] = "# stack 00000 bytes\n";
    uint32_t *at = &bss_end;
    while (*at == PAINT)
        at++;
    uint32_t depth = (uint32_t)((uintptr_t)&stack_top - (uintptr_t)at);
    for (char *digit = text + 12; digit >= text + 8; digit--, depth /= 10)
        *digit = (char)('0' + depth % 10);
    say(text);
}

void reset(void) {
    uint32_t *to = &data_start, *from = &data_source;
    while (to < &data_end)
        *to++ = *from++;
    for (to = &bss_start; to < &bss_end; to++)
        *to = 0;
#ifdef __ARM_FP
    *(volatile uint32_t *)0xE000ED88 |= 0xFu << 20;
    __asm__ volatile("dsb\n isb");
#endif
    for (to = &bss_end; to < (uint32_t *)__builtin_frame_address(0) - 16; to++)
        *(volatile uint32_t *)to = PAINT;
    int result = main();
    tell_stack();
    semihosting(0x18, result == 0 ? 0x20026u : 0x20023u);
    for (;;) {
    }
}

static void fault(void) {
    semihosting(0x18, 0x20023u);
    for (;;) {
    }
}

__attribute__((section(".vectors"), used)) static const void *const vectors[16] = {
    &stack_top, (void *)reset, (void *)fault, (void *)fault, (void *)fault, (void *)fault, (void *)fault,
};

/* A plugin of QEMU that counts executed instructions between two that do nothing:
 *   Thumb   mov r10, r10          and  mov r11, r11
 *   RISC-V  slti x0, x0, 0x7a1    and  slti x0, x0, 0x7a2
 * It prints the count of each such stretch, in order, to the file named by out=FILE.
 * The declarations are of version 1 of QEMU's plugin interface. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

typedef uint64_t plugin;
struct qemu_plugin_tb;
struct qemu_plugin_insn;
struct info {
    const char *target_name;
};
void qemu_plugin_register_vcpu_tb_trans_cb(plugin, void (*)(plugin, struct qemu_plugin_tb *));
void qemu_plugin_register_atexit_cb(plugin, void (*)(plugin, void *), void *);
void qemu_plugin_register_vcpu_insn_exec_cb(struct qemu_plugin_insn *, void (*)(unsigned, void *), int, void *);
void qemu_plugin_register_vcpu_insn_exec_inline(struct qemu_plugin_insn *, int, void *, uint64_t);
size_t qemu_plugin_tb_n_insns(const struct qemu_plugin_tb *);
struct qemu_plugin_insn *qemu_plugin_tb_get_insn(const struct qemu_plugin_tb *, size_t);
const void *qemu_plugin_insn_data(const struct qemu_plugin_insn *);
size_t qemu_plugin_insn_size(const struct qemu_plugin_insn *);

__attribute__((visibility("default"))) int qemu_plugin_version = 1;

static FILE *out;
static int riscv;
static uint64_t executed, start;

static void begin(unsigned cpu, void *none)
{
    (void)cpu, (void)none;
    start = executed;
}

static void end(unsigned cpu, void *none)
{
    (void)cpu, (void)none;
    /* The mark at the beginning has been counted or not, as has this one: always the same. */
    fprintf(out, "%" PRIu64 "\n", executed - start);
}

/* 1 and 2 for the marks. */
static int mark(const struct qemu_plugin_insn *insn)
{
    size_t size = qemu_plugin_insn_size(insn);
    uint32_t word = 0;
    memcpy(&word, qemu_plugin_insn_data(insn), size < 4 ? size : 4);
    if (riscv)
        return size != 4 ? 0 : word == 0x7a102013 ? 1 : word == 0x7a202013 ? 2 : 0;
    return size != 2 ? 0 : word == 0x46d2 ? 1 : word == 0x46db ? 2 : 0;
}

static void translated(plugin id, struct qemu_plugin_tb *block)
{
    (void)id;
    for (size_t i = 0; i < qemu_plugin_tb_n_insns(block); i++) {
        struct qemu_plugin_insn *insn = qemu_plugin_tb_get_insn(block, i);
        int which = mark(insn);
        if (which == 0)
            qemu_plugin_register_vcpu_insn_exec_inline(insn, 0, &executed, 1);
        else
            qemu_plugin_register_vcpu_insn_exec_cb(insn, which == 1 ? begin : end, 0, NULL);
    }
}

static void at_end(plugin id, void *none)
{
    (void)id, (void)none;
    fclose(out);
}

__attribute__((visibility("default"))) int qemu_plugin_install(plugin id, const struct info *info, int argc,
                                                               char **argv)
{
    riscv = strncmp(info->target_name, "riscv", 5) == 0;
    for (int i = 0; i < argc; i++)
        if (strncmp(argv[i], "out=", 4) == 0)
            out = fopen(argv[i] + 4, "w");
    if (!out)
        return -1;
    qemu_plugin_register_vcpu_tb_trans_cb(id, translated);
    qemu_plugin_register_atexit_cb(id, at_end, NULL);
    return 0;
}

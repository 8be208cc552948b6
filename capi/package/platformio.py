# Tells PlatformIO which of the libraries is for the board.
from os.path import isfile, join

Import("env")  # noqa: F821

FOLDERS = {
    "cortex-m0": "thumbv6m-none-eabi",
    "cortex-m0plus": "thumbv6m-none-eabi",
    "cortex-m4": "thumbv7em-none-eabihf",
    "cortex-m7": "thumbv7em-none-eabihf",
    "cortex-m33": "thumbv8m.main-none-eabihf",
}
cpu = env.BoardConfig().get("build.cpu", "")  # noqa: F821
target = FOLDERS.get(cpu, "riscv32imc-unknown-none-elf" if "riscv" in cpu else "")
root = env.Dir(".").srcnode().get_abspath()  # noqa: F821
folder = join(root, "lib", target)
if not isfile(join(folder, "libeigenmote.a")):
    raise SystemExit("eigenmote: no library for the processor '%s'" % cpu)
env.Append(LIBPATH=[folder], LIBS=["eigenmote"])  # noqa: F821

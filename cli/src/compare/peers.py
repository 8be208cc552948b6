"""Measures one general compressor on the rows of a recording and prints one JSON object.

usage: peers.py REQUEST PEER ROWS

REQUEST is a JSON file: "data" (an NPY file, rows x channels of float64), "bounds" and "means" (one per channel).
ROWS is the length of a packet; 0 stands for the whole stream in one piece.

The receiver is taken to know shapes, number types, bounds, means and steps: no byte is charged for them. Each peer has
a few ways to take the numbers (channels apart, one behind the other, or as a table; as they are or as differences).
The ways are tried on a part of the rows, and the smallest that keeps the bound is measured on all of them.

Numbers reach the compressors in one of two forms:
  floats (SZ3, zfp)              distance from the mean in units of the bound, so that the bound is 1
  counts (pcodec, zstd, FLAC)    of steps of twice the bound, lossless from there on
Where all values of a channel are whole multiples of a quantum q, the multiples can be counted instead: steps of
(2k + 1)·q keep every error within k·q, where k·q is the bound rounded down. Both lattices are tried.
"""

import importlib
import io
import json
import os
import sys
import tempfile
import time

ROUNDING = 1 + 1e-6  # what float arithmetic may add to an error
FAR = 2**17  # bounds from the mean, beyond which 32-bit floats round by too much of a bound
TRIAL_VALUES = 200_000  # values of a whole stream that the ways are tried on
TRIAL_PACKETS = 150
TRIAL_SECONDS = 30  # then the best way so far is taken
LARGEST_ERROR = 1e300  # stands for infinity, which JSON does not have


class Unfit(Exception):
    """The peer cannot take these numbers."""


# ---- numbers ---------------------------------------------------------------------------------------------------------
def quantum(x, bound):
    """(q, first) with x = first + q·integer, as far as that matters to the bound, and q a multiple of 10^-4.

    q = 0 if there is none.
    """
    for decimals in range(5):
        whole = np.round(x * 10.0**decimals)
        if np.abs(whole).max() < 2**52 and np.abs(whole / 10.0**decimals - x).max() <= 1e-7 * bound:
            step = np.gcd.reduce((whole - whole[0]).astype(np.int64))
            return (step or 1) / 10**decimals, x[0]
    return 0.0, 0.0


class Lattice:
    """Step, origin and, where values are multiples of a quantum, that quantum, for each channel."""

    def __init__(self, x, bounds, means, on_quantum):
        quanta = np.zeros((len(bounds), 2))
        if on_quantum:
            quanta[:] = [quantum(channel, bound) for channel, bound in zip(x.T, bounds)]
        q, first = quanta[:, 0], quanta[:, 1]
        k = np.floor(bounds / np.where(q > 0, q, 1) * (1 + 1e-9))
        self.on_quantum = (q > 0) & ((2 * k + 1) * q > 2 * bounds)
        self.step = np.where(self.on_quantum, (2 * k + 1) * q, 2 * bounds)
        if not (self.step > 0).all():
            raise Unfit("a bound of 0 needs values on a grid")
        self.quantum = np.where(self.on_quantum, q, 1)
        nearest = first + np.round((means - first) / self.quantum) * self.quantum
        self.origin = np.where(self.on_quantum, nearest, means)
        # Floats may miss a quantum by less than half of it: the receiver rounds.
        self.unit = np.where(self.on_quantum, self.step / 2 * (1 - 1e-4), bounds)

    def counts(self, x):
        return np.round((x - self.origin) / self.step)

    def from_counts(self, counts):
        return self.origin + counts * self.step

    def floats(self, x):
        return (x - self.origin) / self.unit

    def from_floats(self, z):
        away = z.astype(np.float64) * self.unit
        rounded = np.round(away / self.quantum) * self.quantum
        return self.origin + np.where(self.on_quantum, rounded, away)


def narrowest(counts):
    low, high = counts.min(), counts.max()
    for kind in (np.int8, np.int16, np.int32):
        if np.iinfo(kind).min <= low and high <= np.iinfo(kind).max:
            return np.dtype(kind)
    if -(2**53) < low and high < 2**53:
        return np.dtype(np.int64)
    raise Unfit("counts beyond 53 bits")


# ---- layouts: a table as arrays, the shapes of these, and back -------------------------------------------------------
LAYOUTS = {
    "channels apart": (
        lambda a: [np.ascontiguousarray(a[:, c]) for c in range(a.shape[1])],
        lambda n, c: [(n,)] * c,
        lambda parts, n, c: np.stack(parts, axis=1),
    ),
    "channel by channel": (
        lambda a: [a.T.ravel()],
        lambda n, c: [(n * c,)],
        lambda parts, n, c: parts[0].reshape(c, n).T,
    ),
    "row by row": (
        lambda a: [a.ravel()],
        lambda n, c: [(n * c,)],
        lambda parts, n, c: parts[0].reshape(n, c),
    ),
    "as a table": (
        lambda a: [np.ascontiguousarray(a)],
        lambda n, c: [(n, c)],
        lambda parts, n, c: parts[0],
    ),
    "8 channels a stream": (
        lambda a: [np.ascontiguousarray(a[:, c : c + 8]) for c in range(0, a.shape[1], 8)],
        lambda n, c: [(n, min(8, c - at)) for at in range(0, c, 8)],
        lambda parts, n, c: np.concatenate(parts, axis=1),
    ),
    "2 channels a stream": (
        lambda a: [np.ascontiguousarray(a[:, c : c + 2]) for c in range(0, a.shape[1], 2)],
        lambda n, c: [(n, min(2, c - at)) for at in range(0, c, 2)],
        lambda parts, n, c: np.concatenate(parts, axis=1),
    ),
}


# ---- peers: settings, layouts, encode(array, setting) -> bytes, decode(bytes, shape, type, setting) -> array ---------
class Sz3:
    package, floats, type_costs = "pysz", True, False
    layouts = ["channel by channel", "channels apart", "as a table"]

    def __init__(self, packets):
        import pysz

        self.pysz = pysz
        self.settings = {}
        lorenzo = "[GlobalSettings]\nCmprAlgo = ALGO_LORENZO_REG\n[AlgoSettings]\n"
        lorenzo += "Lorenzo = YES\nLorenzo2ndOrder = NO\nRegression = NO\n"
        # A little less than 1 leaves room for rounding to 32 bits; where that breaks it, less is asked for.
        for bound, name in ((1 - 1e-5, ""), (0.99, ", bound 0.99"), (0.9, ", bound 0.9")):
            for algorithm in ("Lorenzo", "interpolation", "regression", "no prediction"):
                config = pysz.szConfig()
                if algorithm == "Lorenzo":
                    with tempfile.TemporaryDirectory() as folder:
                        path = os.path.join(folder, "sz3.ini")
                        with open(path, "w") as file:
                            file.write(lorenzo)
                        config.loadcfg(path)
                else:
                    config.cmprAlgo = {"regression": 0, "interpolation": 1, "no prediction": 3}[algorithm]
                config.errorBoundMode = pysz.szErrorBoundMode.ABS
                config.absErrorBound = bound
                self.settings[algorithm + name] = config

    def encode(self, array, setting):
        return self.pysz.sz.compress(array, self.settings[setting])[0].tobytes()

    def decode(self, data, shape, kind, setting):
        data = np.frombuffer(data, np.uint8)
        return self.pysz.sz.decompress(data, kind.type, shape)[0]


class Zfp:
    package, floats, type_costs = "zfpy", True, False
    layouts = ["as a table", "channel by channel", "channels apart"]
    # Tolerances count as powers of two and are far from used up: looser ones may keep the bound too.
    settings = {f"tolerance ×{m:g}": m for m in (1, 1.5, 2, 2.5, 3, 4, 6)}

    def __init__(self, packets):
        import zfpy

        self.zfpy = zfpy

    def encode(self, array, setting):
        scaled = array / array.dtype.type(self.settings[setting])
        return self.zfpy.compress_numpy(scaled, tolerance=1.0, write_header=False)

    def decode(self, data, shape, kind, setting):
        type_of = self.zfpy.type_float if kind.itemsize == 4 else self.zfpy.type_double
        plain = self.zfpy._decompress(data, type_of, shape, tolerance=1.0)
        return plain * kind.type(self.settings[setting])


class Pcodec:
    package, floats, type_costs = "pcodec", False, False
    layouts = ["channels apart", "channel by channel", "row by row"]

    def __init__(self, packets):
        from pcodec import ChunkConfig, DeltaSpec, standalone, wrapped

        self.packets, self.standalone = packets, standalone
        self.type_costs = packets
        deltas = {
            "auto": DeltaSpec.auto(),
            "no delta": DeltaSpec.no_op(),
            "delta 1": DeltaSpec.try_consecutive(1),
            "delta 2": DeltaSpec.try_consecutive(2),
        }
        if hasattr(DeltaSpec, "try_conv1"):
            deltas |= {f"conv {n}": DeltaSpec.try_conv1(n) for n in (4, 16)}
        self.settings = {
            name: ChunkConfig(compression_level=12, delta_spec=delta, enable_8_bit=True)
            for name, delta in deltas.items()
        }
        self.file = wrapped.FileCompressor()
        self.reader, _ = wrapped.FileDecompressor.new(self.file.write_header())

    def encode(self, array, setting):
        config = self.settings[setting]
        if setting.startswith("conv") and array.itemsize > 4:
            raise Unfit("conv takes up to 32 bits")
        if not self.packets:
            return self.standalone.simple_compress(array, config)
        chunk = self.file.chunk_compressor(array, config)
        return bytes(chunk.write_meta()) + bytes(chunk.write_page(0))

    def decode(self, data, shape, kind, setting):
        if not self.packets:
            return self.standalone.simple_decompress(data)
        chunk, used = self.reader.chunk_decompressor(data, f"i{8 * kind.itemsize}")
        array = np.empty(shape, kind)
        chunk.read_page_into(data[used:], len(array), array)
        return array


class Zstd:
    package, floats, type_costs = "zstandard", False, False
    layouts = ["channel by channel", "row by row", "channels apart"]
    settings = {"bytes": False, "byte planes": True}
    level = 19

    def __init__(self, packets):
        import zstandard

        self.zstd = zstandard
        self.reader = zstandard.ZstdDecompressor(format=zstandard.FORMAT_ZSTD1_MAGICLESS)
        self.writers = {}

    def encode(self, array, setting):
        if self.settings[setting]:
            array = array.view(np.uint8).reshape(-1, array.itemsize).T
        data = array.tobytes()
        if len(data) not in self.writers:
            parameters = self.zstd.ZstdCompressionParameters.from_level(
                self.level,
                source_size=len(data),
                format=self.zstd.FORMAT_ZSTD1_MAGICLESS,
                write_content_size=False,
                write_checksum=False,
            )
            self.writers[len(data)] = self.zstd.ZstdCompressor(compression_params=parameters)
        return self.writers[len(data)].compress(data)

    def decode(self, data, shape, kind, setting):
        size = int(np.prod(shape)) * kind.itemsize
        plain = np.frombuffer(self.reader.decompress(data, max_output_size=size), np.uint8)
        if self.settings[setting]:
            plain = np.ascontiguousarray(plain.reshape(kind.itemsize, -1).T)
        return plain.view(kind).reshape(shape)


class Zstd3(Zstd):
    level = 3


class Flac:
    package, floats, type_costs = "soundfile", False, False
    layouts = ["8 channels a stream", "2 channels a stream", "channel by channel"]
    settings = {"": None}

    def __init__(self, packets):
        import soundfile

        self.soundfile, self.packets = soundfile, packets
        self.headers = {}  # by shape and type: what the receiver has before the first packet

    def encode(self, array, setting):
        if array.itemsize >= 4 and (array.min() < -(2**23) or array.max() >= 2**23):
            raise Unfit("counts beyond 24 bits")
        # soundfile takes the upper bits of a wider type.
        wide = array.astype(np.int16 if array.itemsize == 1 else array.dtype)
        wide = wide << 8 if array.itemsize != 2 else wide
        depth = {1: "PCM_S8", 2: "PCM_16", 4: "PCM_24"}[array.itemsize]
        out = io.BytesIO()
        # 1.0 is level 8.
        self.soundfile.write(out, wide, 8000, format="FLAC", subtype=depth, compression_level=1.0)
        stream = out.getvalue()
        # The mark and the first block, STREAMINFO, are needed; comments are not.
        at, last = 4, False
        while not last:
            last = stream[at] >> 7
            at += 4 + int.from_bytes(stream[at + 1 : at + 4], "big")
        header = stream[:4] + b"\x80" + stream[5:42]
        if not self.packets:
            return header + stream[at:]
        # Without sums over the samples and the sizes of frames it is the same for all packets.
        header = header[:12] + bytes(6) + header[18:26] + bytes(16)
        self.headers[array.shape, array.itemsize] = header
        return stream[at:]

    def decode(self, data, shape, kind, setting):
        if self.packets:
            data = self.headers[shape, kind.itemsize] + data
        wide = "int32" if kind.itemsize == 4 else "int16"
        array, _ = self.soundfile.read(io.BytesIO(data), dtype=wide)
        array = array >> 8 if kind.itemsize != 2 else array
        return array.reshape(shape).astype(kind)


PEERS = {"SZ3": Sz3, "zfp": Zfp, "pcodec": Pcodec, "zstd -19": Zstd, "zstd -3": Zstd3, "FLAC -8": Flac}


# ---- ways ------------------------------------------------------------------------------------------------------------
class Way:
    """A lattice, differences or not, a layout, a setting for each array of the layout, and a number type.

    Without a type each array takes the narrowest that holds it.
    """

    def __init__(self, peer, lattice, differences, layout, settings, kind):
        self.peer, self.lattice, self.differences = peer, lattice, differences
        self.layout, self.settings, self.kind = layout, settings, kind

    def __str__(self):
        used = list(dict.fromkeys(s for s in self.settings if s))
        words = [self.layout]
        words += ["differences"] * self.differences
        words += used if len(used) < 3 else ["mixed settings"]
        words += ["on the quantum"] * bool(self.lattice.on_quantum.any())
        return ", ".join(words)

    def arrays(self, x):
        if self.peer.floats:
            table = self.lattice.floats(x)
        else:
            table = self.lattice.counts(x)
            if self.differences:
                table = np.diff(table, axis=0, prepend=0)
            table = table.astype(np.int64)
        return LAYOUTS[self.layout][0](table)

    def encode(self, x):
        """Each array as its bytes and its type."""
        parts = []
        for array, setting in zip(self.arrays(x), self.settings):
            kind = self.kind or narrowest(array)
            parts.append((self.peer.encode(array.astype(kind), setting), kind))
        return parts

    def sizes(self, parts):
        # zstd's length and FLAC's header tell the type; a packet of pcodec needs a byte for it.
        more = 0 if self.kind or not self.peer.type_costs else 1
        return np.array([len(data) + more for data, _ in parts])

    def decode(self, parts, rows, channels):
        shapes = LAYOUTS[self.layout][1](rows, channels)
        each = zip(parts, shapes, self.settings)
        arrays = [self.peer.decode(data, shape, kind, s) for (data, kind), shape, s in each]
        table = LAYOUTS[self.layout][2](arrays, rows, channels)
        if self.peer.floats:
            return self.lattice.from_floats(table)
        table = table.astype(np.float64)
        return self.lattice.from_counts(np.cumsum(table, axis=0) if self.differences else table)


def in_units(errors, bounds):
    """Errors in units of the bound; where that is zero, any error counts as endless."""
    units = np.where(bounds > 0, bounds, 1)
    return np.where(bounds > 0, errors / units, np.where(errors > 0, LARGEST_ERROR, 0))


def trial(peer, lattice, differences, layout, kind, blocks, bounds):
    """Ways of one layout with their sizes on some blocks: each setting for all arrays, and the best for each."""
    channels = len(bounds)
    pieces = len(LAYOUTS[layout][1](1, channels))
    sizes, worst, refused = {}, {}, None
    for setting in peer.settings:
        looser = setting.split(", bound")[0]
        if looser in worst and worst[looser].max() <= ROUNDING:
            continue
        way = Way(peer, lattice, differences, layout, [setting] * pieces, kind)
        size, error = np.zeros(pieces, np.int64), np.zeros(channels)
        try:
            for x in blocks:
                parts = way.encode(x)
                size += way.sizes(parts)
                if peer.floats:
                    decoded = way.decode(parts, *x.shape)
                    error = np.maximum(error, in_units(np.abs(decoded - x), bounds).max(axis=0))
        except Unfit as why:
            refused = why
            continue
        sizes[setting] = size
        worst[setting] = error if pieces == channels else np.full(pieces, error.max())
        yield int(size.sum()), error.max() <= ROUNDING, way
    if not sizes:
        raise refused
    if pieces > 1 and len(sizes) > 1:
        names = list(sizes)
        costs = np.array([np.where(worst[n] <= ROUNDING, sizes[n], 2**50) for n in names])
        best = [names[i] for i in costs.argmin(axis=0)]
        total = int(costs.min(axis=0).sum())
        yield total, total < 2**50, Way(peer, lattice, differences, layout, best, kind)


def candidates(peer, x, blocks, bounds, means, deadline):
    """All ways that were tried in time, smallest first, those that broke the bound last."""
    found, refused = [], None
    lattices = []
    for on_quantum in (True, False):
        try:
            lattice = Lattice(x, bounds, means, on_quantum)
        except Unfit as error:
            refused = error
            continue
        if not lattices or (lattice.step != lattices[0].step).any():
            lattices.append(lattice)
    for layout in peer.layouts:
        for differences in (False,) if peer.floats else (False, True):
            for lattice in lattices:
                if found and time.monotonic() > deadline:
                    break
                try:
                    kind = None
                    if peer.floats:
                        far = np.abs(lattice.floats(x)).max()
                        kind = np.dtype(np.float32 if far < FAR else np.float64)
                    found += trial(peer, lattice, differences, layout, kind, blocks, bounds)
                    if peer.type_costs:
                        counts = lattice.counts(x)
                        steps = np.diff(counts, axis=0) if differences else counts[:0]
                        kind = narrowest(np.concatenate([counts, steps]))
                        found += trial(peer, lattice, differences, layout, kind, blocks, bounds)
                except Unfit as error:
                    refused = error
    if not found:
        raise refused
    return [way for _, _, way in sorted(found, key=lambda f: (not f[1], f[0]))]


# ---- measuring -------------------------------------------------------------------------------------------------------
def quickest(work):
    """The result of some work, and its time in seconds: the least of three where it is short."""
    times = []
    while not times or (len(times) < 3 and sum(times) < 0.5):
        start = time.perf_counter()
        result = work()
        times.append(time.perf_counter() - start)
    return result, min(times)


def shared_ends(streams):
    """How many bytes at the start and at the end all streams have in common."""
    shortest = min(map(len, streams))
    shared = 0
    for at in list(range(shortest)), [-1 - at for at in range(shortest)]:
        for i in at:
            if any(s[i] != streams[0][i] for s in streams):
                break
            shared += 1
    return min(shared, shortest)


def measure(name, request, rows):
    packets = rows > 0
    x = np.load(request["data"])
    bounds, means = np.array(request["bounds"]), np.array(request["means"])
    peer = PEERS[name](packets)
    blocks = [x[at : at + rows] for at in range(0, len(x), rows)] if packets else [x]
    if packets:
        picked = np.unique(np.linspace(0, len(blocks) - 1, TRIAL_PACKETS).round().astype(int))
        some = [blocks[i] for i in picked]
    else:
        least = max(1, TRIAL_VALUES // x.shape[1])
        start = max(0, (len(x) - least) // 2)
        some = [x[start : start + least]]
    best, refused = None, None
    for way in candidates(peer, x, some, bounds, means, time.monotonic() + TRIAL_SECONDS)[:8]:
        try:
            coded, encode_time = quickest(lambda: [way.encode(b) for b in blocks])
        except Unfit as why:  # of numbers that the trial did not meet
            refused = why
            continue
        decoded, decode_time = quickest(lambda: [way.decode(c, *b.shape) for c, b in zip(coded, blocks)])
        worst = max(float(in_units(np.abs(d - b), bounds).max()) for d, b in zip(decoded, blocks))
        if best is None or worst < best["max_error"]:
            size = sum(int(way.sizes(parts).sum()) for parts in coded)
            if name == "SZ3" and packets:
                full = [parts for parts, b in zip(coded, blocks) if len(b) == rows]
                for parts in zip(*full) if len(full) > 1 else ():
                    size -= len(parts) * shared_ends([data for data, _ in parts])
            best = {
                "way": str(way),
                "bytes": size,
                "encode_seconds": encode_time,
                "decode_seconds": decode_time,
                "max_error": min(worst, LARGEST_ERROR),
            }
        if worst <= ROUNDING:
            break
    if best is None:
        raise refused
    return best


def main():
    path, name, rows = sys.argv[1:]
    for package in "numpy", PEERS[name].package:
        try:
            importlib.import_module(package)
        except ImportError:
            return {"missing": package}
    global np
    import numpy as np

    with open(path) as file:
        request = json.load(file)
    try:
        return measure(name, request, int(rows))
    except Unfit as error:
        return {"unfit": str(error)}


if __name__ == "__main__":
    # What a library prints goes to standard error, so that standard output holds the answer alone.
    answer_to = os.dup(1)
    os.dup2(2, 1)
    answer = json.dumps(main())
    with os.fdopen(answer_to, "w") as out:
        out.write(answer + "\n")

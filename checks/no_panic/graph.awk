# Reads `readelf -W --section-headers --symbols --relocs` of an archive whose functions have a
# section each, and follows the references from every exported function.

/^File: / { member++ }

/^Relocation section / {
    source = $3
    gsub(/'/, "", source)
    sub(/^\.rela?/, "", source)
    in_symbols = 0
}
/^Symbol table / { in_symbols = 1 }

# "  [ 4] .text.name  PROGBITS …"
/^ *\[ *[0-9]+\] / {
    line = $0
    sub(/^ *\[ */, "", line)
    split(line, part, /\]? +/)
    section[member, part[1]] = part[2]
}

# "   12: 00000001   40 FUNC  GLOBAL DEFAULT    4 name"
in_symbols && $1 ~ /^[0-9]+:$/ && $7 ~ /^[0-9]+$/ && $8 != "" {
    home = member SUBSEP section[member, $7]
    if ($5 == "LOCAL") local_home[member, $8] = home
    else home_of[$8] = home
    if ($5 == "GLOBAL" && $4 == "FUNC" && $8 ~ /^(f32|f64|int)_/) exported[$8] = home
}

# "00000012  0000070a R_ARM_THM_CALL  00000000   name"
/ R_[A-Z]/ { refers[++references] = member SUBSEP source; to[references] = $5; of[references] = member }

# What the compiler calls for arithmetic that the processor does not have.
BEGIN {
    operation = "(add|sub|mul|div|neg|powi|eq|ne|lt|le|gt|ge|cmp|unord)"
    double_routine = "__(aeabi_(c?d|[a-z0-9]+2d$)|" operation "df|(extend|trunc)[a-z]*df|float[a-z]*df|fix[a-z]*df)"
    single_routine = "__(aeabi_(c?f|[a-z0-9]+2f$)|" operation "sf|(extend|trunc)[a-z]*sf|float[a-z]*sf|fix[a-z]*sf)"
    float_routine = double_routine "|" single_routine
}

END {
    for (i = 1; i <= references; i++) {
        name = to[i]
        node = name
        if (name ~ /^\./) node = of[i] SUBSEP name
        else if ((of[i], name) in local_home) node = local_home[of[i], name]
        else if (name in home_of) node = home_of[name]
        next_of[refers[i], ++count[refers[i]]] = node
        if (node != name) label[node] = name
    }
    failed = total = with_floats = 0
    for (f in exported) {
        total++
        panic_path = double_path = float_path = ""
        split("", path)
        head = tail = 1
        queue[1] = exported[f]
        path[exported[f]] = f
        while (head <= tail) {
            node = queue[head++]
            for (k = 1; k <= count[node]; k++) {
                target = next_of[node, k]
                if (target in path) continue
                path[target] = path[node] "\n      -> " (target in label ? label[target] : target)
                queue[++tail] = target
                if (target == "panic_reached") panic_path = path[target]
                name = path[target]
                if (double_path == "" && name ~ double_routine) double_path = name
                if (float_path == "" && name ~ float_routine) float_path = name
            }
        }
        if (panic_path != "") { failed++; print "can panic: " panic_path }
        if (f ~ /^f32_/ && double_path != "") { failed++; print "double precision in f32 code: " double_path }
        if (f ~ /^int_/ && float_path != "") { failed++; print "float routine in integer code: " float_path }
        if (float_path != "") with_floats++
    }
    printf "%d exported functions searched, %d of them reach float routines, %d findings\n", total, with_floats, failed
    # Doubles are routines on every chip: if nothing reaches one, the search itself is broken.
    exit failed > 0 || total == 0 || with_floats == 0
}

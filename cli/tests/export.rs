//! Models and tables of vectors as source code: what `export` writes compiles without a warning and passes its test.
#![allow(missing_docs, clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]

mod support;

use std::fmt::Write;
use std::path::{Path, PathBuf};
use std::process::Command;

use support::{Bench, root, stderr};

/// Three channels, so many rows; whole numbers, or with a fraction.
fn recording(rows: usize, scale: f64) -> String {
    let mut text = String::from("flow (l/min),2nd °C,*/ \"end\"\n");
    let mut state = 1_u32;
    for t in 0..rows {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        let wave = (t as f64 / 9.0).sin() * 40.0;
        let noise = f64::from(state >> 28);
        let row = [wave + noise, 100.0 - wave, 5.0 * noise].map(|x| (x * scale).round() / scale);
        writeln!(text, "{},{},{}", row[0], row[1], row[2]).unwrap();
    }
    text
}

/// Every mode with every kind: names of the models in the folder.
fn models(bench: &Bench) -> Vec<String> {
    bench.file("whole.csv", recording(400, 1.0));
    bench.file("parts.csv", recording(400, 1000.0));
    let mut names = Vec::new();
    for (kind, input) in [("i16", "whole"), ("i32", "whole"), ("f32", "parts"), ("f64", "parts")] {
        for (mode, promise) in [
            ("bounded", "--max-error 0.5"),
            ("within", "--rmse 2"),
            ("components", "--components 4"),
        ] {
            let name = format!("{mode}_{kind}");
            bench.ok(&format!("fit {input}.csv {promise} --kind {kind} --window 24 -o {name}.eig"));
            // One test in two is made up, the other is of the recording.
            let vectors = if mode == "within" { "" } else { &format!("--vectors {input}.csv") };
            bench.ok(&format!("export {name}.eig --rust {name}.rs {vectors}"));
            bench.ok(&format!("export {name}.eig --c {name}.c {vectors}"));
            names.push(name);
        }
    }
    let modes: Vec<String> = names
        .iter()
        .map(|name| {
            let about = bench.json(&format!("inspect {name}.eig --json"));
            format!("{} {}", about["mode"].as_str().unwrap(), about["kind"].as_str().unwrap())
        })
        .collect();
    for kind in ["i16", "i32", "f32", "f64"] {
        for mode in ["bounded", "transform"] {
            assert!(modes.contains(&format!("{mode} {kind}")), "{modes:?}");
        }
    }
    assert!(modes.iter().any(|mode| mode.starts_with("predictive")), "{modes:?}");
    names
}

/// Tables of vectors with two lengths, and of one vector: what they are exported from.
fn tables(bench: &Bench) -> [(&'static str, &'static str); 2] {
    bench.file("words.txt", "one 1 2 3 4\ntwo 2 3 4 5\n\"*/ -1 0 1 0\nÄ 3 1 2 0\n");
    // A word of more bytes than a literal of C holds, with all that has a meaning in one.
    bench.file("one_word.txt", format!("??/'\\\"{} 1 2 3\n", "°".repeat(3000)));
    bench.ok("export one_word.txt --table one_word.etab");
    [("words", "words.txt --prefixes 2"), ("one_word", "one_word.etab")]
}

/// A folder that stays from run to run, so that what the tests compile is compiled once.
fn build_folder(name: &str) -> PathBuf {
    Path::new(env!("CARGO_TARGET_TMPDIR")).join(name)
}

fn run(command: &mut Command) -> String {
    let output = command.output().unwrap();
    assert!(output.status.success(), "{command:?}: {}", stderr(&output));
    String::from_utf8(output.stdout).unwrap()
}

#[test]
fn rust_files_compile_without_a_warning_and_pass_their_test() {
    let bench = Bench::new();
    let mut names = models(&bench);
    for (name, from) in tables(&bench) {
        bench.ok(&format!("export {from} --rust {name}.rs"));
        names.push(name.into());
    }
    let mut main = String::from("#![deny(warnings, missing_docs, clippy::all)]\n//! Test.\n");
    for name in &names {
        writeln!(main, "mod {name};").unwrap();
    }
    // Included, too, and in a crate without std.
    writeln!(main, "mod included {{ include!(\"bounded_i16.rs\"); }}\nfn main() {{").unwrap();
    for name in &names {
        writeln!(main, "    {name}::self_test().expect(\"{name}\");").unwrap();
    }
    main += "    included::self_test().expect(\"included\");\n";
    main += "    assert_eq!(included::CHANNEL_FLOW_L_MIN, 0);\n";
    main += "    assert_eq!(included::CHANNEL_2ND_C + included::CHANNEL_END, 3);\n";
    main += "    let wide: [f64; 2] = [f64::from(bounded_f32::TEST_SAMPLES[0]), components_f64::TEST_SAMPLES[0]];\n";
    main += "    assert!((wide[0] - wide[1]).abs() < 1e-4, \"both are of the recording\");\n}\n";

    let project = build_folder("exported");
    let source = project.join("src");
    std::fs::create_dir_all(&source).unwrap();
    let manifest = format!(
        "[package]\nname = \"exported\"\nedition = \"2024\"\n[workspace]\n[dependencies]\neigenmote = {{ path = {:?} }}\n",
        root()
    );
    std::fs::write(project.join("Cargo.toml"), manifest).unwrap();
    std::fs::copy(root().join("Cargo.lock"), project.join("Cargo.lock")).unwrap();
    std::fs::write(source.join("main.rs"), main).unwrap();
    for name in &names {
        let file = format!("{name}.rs");
        std::fs::copy(bench.path(&file), source.join(&file)).unwrap();
    }
    let mut cargo = Command::new(env!("CARGO"));
    cargo.args(["run", "--quiet", "--offline", "--target-dir", "target"]).current_dir(&project);
    run(&mut cargo);

    // The test finds a model of which one bit is another.
    let (file, text) = (source.join("bounded_i16.rs"), bench.read("bounded_i16.rs"));
    let at = text.find("pub static TEST_FRAME").unwrap();
    let byte = at + text[at..].find("0x").unwrap() + 2;
    let other = if text[byte..].starts_with('3') { "2" } else { "3" };
    std::fs::write(&file, format!("{}{other}{}", &text[..byte], &text[byte + 1..])).unwrap();
    let output = cargo.output().unwrap();
    assert!(stderr(&output).contains("the frame has other bytes"), "{}", stderr(&output));
}

#[test]
fn c_files_compile_without_a_warning_and_pass_their_test() {
    let Ok(_) = Command::new("gcc").arg("--version").output() else {
        println!("skipped: no gcc");
        return;
    };
    let bench = Bench::new();
    let mut names = models(&bench);
    for (name, from) in tables(&bench) {
        bench.ok(&format!("export {from} --c {name}.c"));
        names.push(name.into());
    }
    let capi = root().join("capi");
    let mut main = String::from("#include \"eigenmote.h\"\n#include <stdio.h>\n");
    for name in &names {
        let upper = name.to_uppercase();
        writeln!(main, "#define {upper}_DECLARATIONS_ONLY\n#include \"{name}.c\"").unwrap();
    }
    main += "int main(void) {\n    int failed = 0, i;\n    eigenmote_status status[] = {\n";
    for name in &names {
        writeln!(main, "        {name}_self_test(),").unwrap();
    }
    writeln!(
        main,
        "    }};\n    for (i = 0; i < {}; i++)\n        if (status[i] != EIGENMOTE_STATUS_OK)\n            \
         failed |= printf(\"%d: %s\\n\", i, eigenmote_status_text(status[i]));\n    \
         failed |= WORDS_LEN != 4 || WORDS_DIM != 4 || WORDS_PREFIX_COUNT != 2 || words_prefixes[0] != 2;\n    \
         failed |= ONE_WORD_LEN != 1 || ONE_WORD_DIM != 3 || sizeof one_word_table != ONE_WORD_TABLE_BYTES;\n    \
         return failed || BOUNDED_I16_CHANNEL_FLOW_L_MIN != 0 || BOUNDED_I16_CHANNEL_COUNT != 3;\n}}",
        names.len()
    )
    .unwrap();
    bench.file("main.c", main);
    let strict = ["-std=c99", "-pedantic", "-Wall", "-Wextra", "-Werror", "-Wconversion"];
    let mut objects = Vec::new();
    for name in names.iter().map(String::as_str).chain(["main"]) {
        objects.push(bench.path(&format!("{name}.o")));
        let mut gcc = Command::new("gcc");
        gcc.args(strict).arg("-I").arg(capi.join("include")).arg("-c");
        run(gcc.arg(bench.path(&format!("{name}.c"))).arg("-o").arg(&objects[objects.len() - 1]));
    }
    let target = build_folder("capi");
    run(Command::new(env!("CARGO"))
        .args(["build", "--quiet", "--offline", "--locked", "--release", "--manifest-path"])
        .arg(capi.join("Cargo.toml"))
        .arg("--target-dir")
        .arg(&target));
    let library = target.join("release/libeigenmote.a");
    let program = bench.path("main");
    run(Command::new("gcc")
        .args(&objects)
        .arg(&library)
        .args(["-Wl,--gc-sections", "-o"])
        .arg(&program));
    run(&mut Command::new(&program));

    // The tests find a score that is another, and a word that is not the first.
    let text = bench.read("words.c");
    let (_, nearest) = text.split_once("_test_nearest[WORDS_PREFIX_COUNT][3] = {").unwrap();
    let (score, _) = nearest.split_once('}').unwrap();
    let word = "'o', 'n', 'e'";
    assert!(text.contains(word), "{text}");
    let caller = "#include \"words.c\"\nint main(void) { return (int)words_self_test(); }\n";
    for (old, new, status) in [
        ("", "", 0),
        (score, "    {{1, 5", 23),
        (word, "'t', 'w', 'o'", 23),
        (word, "'t', 'w'", 34),
    ] {
        bench.file("words.c", text.replacen(old, new, 1));
        bench.file("changed.c", caller);
        run(Command::new("gcc")
            .args(strict)
            .arg("-I")
            .arg(capi.join("include"))
            .arg(bench.path("changed.c"))
            .arg(&library)
            .arg("-o")
            .arg(&program));
        assert_eq!(Command::new(&program).status().unwrap().code(), Some(status), "{old} {new}");
    }
}

#[test]
fn standard_output_names_and_refusals() {
    let bench = Bench::new();
    bench.file("in.csv", recording(100, 1.0));
    bench.ok("fit in.csv --max-error 1 -o model.eig");
    let c = bench.ok("export model.eig --c -");
    assert!(c.contains("extern const unsigned char model_model[MODEL_MODEL_BYTES];"), "{c}");
    let c = bench.ok("export model.eig --c - --name Pump_2");
    assert!(c.contains("eigenmote_status Pump_2_self_test(void)"), "{c}");
    assert!(c.contains("#define PUMP_2_CHANNELS 3"), "{c}");
    assert!(c.contains("* / \"end\""), "{c}");
    let rust = bench.ok("export model.eig --rust -");
    assert!(rust.contains("pub static MODEL: [u8;"), "{rust}");
    tables(&bench);
    let c = bench.ok("export words.txt --c - --name Speech --max-words 2 --dim 3");
    assert!(c.contains("from words.txt; do not edit."), "{c}");
    assert!(c.contains("2 vectors of 3 values, a byte each, with their words."), "{c}");
    assert!(c.contains("extern const unsigned char Speech_table[SPEECH_TABLE_BYTES];"), "{c}");

    bench.fails("export model.eig", 2);
    bench.fails("export model.eig --c - --rust -", 2);
    bench.fails("export model.eig --rust - --name x", 2);
    bench.fails("export words.txt --table words.etab --name x", 2);
    for name in ["2x", "a-b", ""] {
        bench.fails(&format!("export model.eig --c - --name={name}"), 2);
    }
    bench.fails("export in.csv --c -", 1);
    bench.file("large.csv", "flow (l/min),2nd °C,*/ \"end\"\n1e9,2,3\n");
    bench.ok("fit in.csv --max-error 1 --kind i16 -o small.eig");
    let error = bench.fails("export small.eig --c out.c --vectors large.csv", 1);
    assert!(error.contains("do not fit the model's sample type"), "{error}");
    assert!(!bench.path("out.c").exists(), "nothing is written after an error");
}

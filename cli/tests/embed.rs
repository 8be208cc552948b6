//! Vectors from text to answers, by the command line.
#![allow(missing_docs, clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]

mod support;

use support::Bench;

/// Sentences of two topics.
fn corpus() -> String {
    let topics = [["cat", "dog", "fur", "paw"], ["sun", "moon", "star", "sky"]];
    let mut text = String::new();
    for i in 0..400_usize {
        let words = topics[i % 2];
        for k in 0..6 {
            text.push_str(words[(i / 2 * 7 + k * (1 + i / 8 % 3) + i / 32) % 4]);
            text.push(if k == 5 { '\n' } else { ' ' });
        }
    }
    text
}

#[test]
fn words_are_learnt_searched_and_the_same_each_time() {
    let bench = Bench::new();
    bench.file("corpus.txt", corpus());
    for out in ["a.txt", "b.txt"] {
        bench.ok(&format!("embed words corpus.txt --window line --dim 2 -o {out} --quiet"));
    }
    let vectors = bench.read("a.txt");
    assert_eq!(vectors, bench.read("b.txt"));
    assert!(vectors.starts_with("8 2\n"), "{vectors}");
    let found = bench.ok("nearest a.txt Cat -k 3 --json");
    let found: serde_json::Value = serde_json::from_str(&found).unwrap();
    for hit in found["results"][0]["found"].as_array().unwrap() {
        let name = hit["name"].as_str().unwrap();
        assert!(["dog", "fur", "paw"].contains(&name), "{name}");
    }
    // Turned onto themselves, words are their own translations.
    bench.file("pairs.tsv", "cat\tcat\ndog\tdog\nsun\tsun\nsky\tsky\n");
    bench.ok("align a.txt b.txt --dictionary pairs.tsv --keep-mean -o turned.txt --quiet");
    assert!(bench.read("turned.txt").starts_with("8 2\n"));
}

#[test]
fn documents_and_nodes_have_names() {
    let bench = Bench::new();
    bench.file("docs.tsv", "a\tsun and moon\nb\tmoon and sun\nc\tcat and dog\nd\tdog and cat\n");
    bench.ok("embed docs docs.tsv --text-column 2 --name-column 1 --dim 2 --terms t.vec -o d.vec --quiet");
    let names: Vec<_> = bench
        .read("d.vec")
        .lines()
        .skip(1)
        .map(|l| l.split(' ').next().unwrap().to_string())
        .collect();
    assert_eq!(names, ["a", "b", "c", "d"]);
    assert!(bench.read("t.vec").starts_with("5 2\n"));
    bench.file("edges.csv", "from,to\n10,2\n2,3\n3,10\n");
    for method in ["walks --p 0.5", "netmf"] {
        bench.ok(&format!("embed nodes edges.csv --method {method} --dim 1 -o n.vec --quiet"));
        assert!(bench.read("n.vec").starts_with("3 1\n2 "));
    }
}

#[test]
fn faults_are_named_by_file_line_and_column() {
    let bench = Bench::new();
    bench.file("v.txt", "2 2\na 1 2\nb 1 x\n");
    let error = bench.fails("nearest v.txt a", 1);
    assert!(error.contains("v.txt: line 3, column 5: \"x\""), "{error}");
    bench.file("v.txt", "a 1 2\nb 1 1\n");
    let error = bench.fails("nearest v.txt c", 1);
    assert!(error.contains("\"c\" is none of the 2 names in v.txt"), "{error}");
    bench.file("q.txt", "a b a\n");
    let error = bench.fails("analogy v.txt --questions q.txt", 1);
    assert!(error.contains("q.txt: line 1: four words"), "{error}");
    bench.file("c.txt", b"caf\xe9");
    let error = bench.fails("embed words c.txt -o out.txt", 1);
    assert!(error.contains("c.txt: line 1, column 4: not UTF-8"), "{error}");
    bench.file("c.txt", "one two");
    let error = bench.fails("embed words c.txt -o out.txt", 1);
    assert!(error.contains("--min-count"), "{error}");
    bench.file("e.csv", "1,2,0\n");
    let error = bench.fails("embed nodes e.csv -o out.txt", 1);
    assert!(error.contains("e.csv: line 1, column 3: \"0\" is not a weight above 0"), "{error}");
    assert!(!bench.path("out.txt").exists());
}

/// Five words in three dimensions, one of them twice.
const VECTORS: &str =
    "man 9 0 5\nwoman 9 0 -5\nking 9 9 5\nqueen 9 9 -5\ncrown 0 9 0.5\nking 1 1 1\n";

fn first(bench: &Bench, line: &str) -> String {
    let found: serde_json::Value = serde_json::from_str(&bench.ok(line)).unwrap();
    found["results"][0]["found"][0]["name"].as_str().unwrap().to_string()
}

#[test]
fn a_table_is_searched_as_its_vectors_are() {
    let bench = Bench::new();
    bench.file("v.txt", VECTORS);
    bench.ok("export v.txt --table v.etab --prefixes 1,2");
    let queen: String = ["v.txt", "v.etab"]
        .map(|file| first(&bench, &format!("analogy {file} man woman King --json -k 1")))
        .join(" ");
    assert_eq!(queen, "queen queen");
    for (dim, nearest) in [("", "king"), ("--dim 2", "woman"), ("--dim 1", "woman")] {
        assert_eq!(first(&bench, &format!("nearest v.etab man {dim} --json")), nearest);
        assert_eq!(first(&bench, &format!("nearest v.txt man {dim} --json")), nearest);
    }
    bench.file("q.txt", "man woman king queen\nwoman man queen king\nman woman boy girl\n");
    let told = bench.json("analogy v.etab --questions q.txt --rule mul --json");
    assert_eq!([&told["right"], &told["asked"], &told["unknown"]], [2, 2, 1]);
    // A table of a table, shorter.
    bench.ok("export v.etab --table w.etab --dim 2 --max-words 3");
    assert_eq!(first(&bench, "nearest w.etab king --json"), "man");
    // Turned, the first value tells most, and all of them what they told.
    bench.ok("export v.txt --table t.etab --turn --prefixes 2");
    let scores = ["v", "t"].map(|file| {
        let found = bench.json(&format!("nearest {file}.etab man --json"));
        found["results"][0]["found"][0]["score"].as_f64().unwrap()
    });
    assert!((scores[0] - scores[1]).abs() < 0.01, "{scores:?}");
}

#[test]
fn what_no_table_has_is_named() {
    let bench = Bench::new();
    bench.file("v.txt", VECTORS);
    bench.ok("export v.txt --table v.etab");
    let error = bench.fails("nearest v.etab girl", 1);
    assert!(error.contains("\"girl\" is none of the 5 names in v.etab"), "{error}");
    let error = bench.fails("nearest v.etab man --dim 2", 1);
    assert!(error.contains("v.etab can be searched by 3 values"), "{error}");
    let error = bench.fails("export v.txt --table w.etab --prefixes 3", 1);
    assert!(error.contains("prefixes [3]"), "{error}");
    let error = bench.fails("export v.txt --table w.etab --dim 4", 1);
    assert!(error.contains("v.txt has 3 values per vector"), "{error}");
    let bytes = std::fs::read(bench.path("v.etab")).unwrap();
    bench.file("cut.etab", &bytes[..bytes.len() - 1]);
    let error = bench.fails("nearest cut.etab man", 1);
    assert!(error.contains("cut.etab: the table ends early"), "{error}");
    bench.file("x.csv", "a,b\n1,2\n");
    let error = bench.fails("export x.csv --rust x.rs", 1);
    assert!(error.contains("x.csv: not a model"), "{error}");
}

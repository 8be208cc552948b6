//! `report` makes one page that holds what `evaluate` measures, loads nothing else, and fits its screen.
#![allow(missing_docs, clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]

mod support;

use std::fmt::Write;
use std::time::Duration;

use assert_cmd::Command;
use serde_json::Value;
use support::{Bench, root, stderr};

/// A page, and how it came to be.
struct Case {
    name: &'static str,
    text: String,
    fit: &'static str,
    report: &'static str,
}

/// Names that would end a tag, an attribute or an entity.
const AWKWARD: [&str; 3] = ["a<b>&\"c\"", "it's <script>alert(1)</script>", "&lt;tag"];

fn made_up(rows: u32, cells: &dyn Fn(f64) -> String) -> String {
    (0..rows).map(|row| cells(f64::from(row)) + "\n").collect()
}

fn cases() -> Vec<Case> {
    let case = |name, text: String, fit, report| Case { name, text, fit, report };
    let telemetry = std::fs::read_to_string(root().join("data/telemetry.csv")).unwrap();
    let lines = |count: usize| telemetry.lines().take(count).collect::<Vec<_>>().join("\n");
    let wave = |t: f64| (t / 9.0).sin() * 10.0 + (t * 7.7).sin();
    let columns = "--columns 1,5,6,16";
    let names = AWKWARD.map(|name| format!("\"{}\"", name.replace('"', "\"\""))).join(",");
    let gaps = |t: f64| match t {
        40.0..60.0 => ",7".into(),
        t if t % 10.0 == 0.0 => format!("{:.2},", wave(t)),
        t => format!("{:.2},{}", wave(t), t % 4.0),
    };
    let many: Vec<String> = (0..20).map(|channel| format!("channel_{channel}")).collect();
    let long = "a_name_without_any_place_to_break_it_that_is_far_wider_than_a_phone_is_in_pixels";
    vec![
        case("telemetry", lines(500), "--max-error 0.05 --relative --columns 1,5,6,16", columns),
        case(
            "transform",
            made_up(240, &|t| format!("{:.3},{:.3}", wave(t), 2.0 * wave(t) + wave(t * 3.1))),
            "--rmse 0.2 --window 8",
            "--chain 1",
        ),
        case("components", made_up(96, &|t| wave(t).to_string()), "--components 2 --window 8", ""),
        case("constant", made_up(60, &|_| "5,7.25".into()), "--max-error 0.1 --relative", ""),
        case("holed", "a,b\n".to_string() + &made_up(150, &gaps), "--max-error 0.05", ""),
        case("lossless", made_up(90, &|t| wave(t).round().to_string()), "--max-error 0", ""),
        case("row", "a,b\n3,4.5\n".into(), "--max-error 0.1", ""),
        case(
            "names",
            names + "\n" + &made_up(70, &|t| format!("{},{},1", wave(t).round(), t % 5.0)),
            "--max-error 1",
            "",
        ),
        case(
            "wide",
            format!("{},{long}\n", many.join(","))
                + &made_up(40, &|t| {
                    (0..=20)
                        .map(|c| ((t + f64::from(c)) % 7.0).to_string())
                        .collect::<Vec<_>>()
                        .join(",")
                }),
            "--max-error 1",
            "",
        ),
        // The squares of its values are beyond the largest number.
        case("beyond", made_up(50, &|t| format!("{}e160,1", wave(t))), "--max-error 1e150", ""),
        case(
            "huge",
            "a,b\n".to_string() + &made_up(50, &|t| format!("{}e150,{}e-150", wave(t), wave(t))),
            "--max-error 0.01 --relative",
            "",
        ),
    ]
}

#[test]
fn pages_hold_what_was_measured_and_fit_their_screen() {
    let bench = Bench::new();
    let mut names = Vec::new();
    for Case { name, text, fit, report } in cases() {
        let start = std::time::Instant::now();
        bench.file(&format!("{name}.csv"), text);
        bench.ok(&format!("fit {name}.csv {fit} -o {name}.eig"));
        bench.ok(&format!("report {name}.eig {name}.csv {report} -o {name}.html"));
        let figures = bench.json(&format!("evaluate {name}.eig {name}.csv {report} --json"));
        check_text(name, &bench.read(&format!("{name}.html")), &figures);
        println!("{name}: {:?}", start.elapsed());
        names.push(name);
    }
    check_in_browser(&bench, &names);
}

/// What can be seen without a browser.
fn check_text(name: &str, page: &str, figures: &Value) {
    let held = match &figures["bound_held"] {
        Value::Bool(held) => format!("data-bound-held=\"{held}\""),
        _ => "data-bound-held=\"none\"".into(),
    };
    assert!(page.contains(&held), "{name}: {held}");
    for (fact, key, unit) in [("Rows", "rows", ""), ("Compressed file", "bytes", " bytes")] {
        let fact = format!("<dt>{fact}</dt><dd>{}{unit}</dd>", figures[key]);
        assert!(page.contains(&fact), "{name}: {fact}");
    }
    for tag in ["<script", "<link", "<img", "<iframe", "<object", "@import", "url(", "://", "src="]
    {
        assert!(!page.to_lowercase().contains(tag), "{name}: {tag}");
    }
    let mut level = 0;
    for heading in page.match_indices("<h").filter_map(|(at, _)| page[at + 2..].chars().next()) {
        if let Some(next) = heading.to_digit(10) {
            assert!(next <= level + 1, "{name}: a heading of level {next} follows one of {level}");
            level = next;
        }
    }
    let mut drawn = 0;
    for svg in page.split("<svg ").skip(1).map(|rest| rest.split("</svg>").next().unwrap()) {
        let shapes =
            ["<polyline", "<polygon", "<circle", "<rect"].map(|tag| svg.matches(tag).count());
        // Axes and a grid are lines and polylines too.
        assert!(svg.contains("<text") && shapes.iter().sum::<usize>() > 2, "{name}: {svg}");
        assert!(svg.starts_with("viewBox=\"0 0 ") && svg.contains("role=\"img\""), "{name}");
        for part in ["aria-label=\"", "<title>", "<desc>"] {
            assert!(svg.contains(part), "{name}: {part}");
        }
        for number in ["NaN", "inf", "null"] {
            assert!(
                !svg.contains(&format!("\"{number}")) && !svg.contains(&format!(">{number}")),
                "{name}: {number}"
            );
            assert!(!svg.contains(&format!("{number},")), "{name}: {number}");
        }
        drawn += 1;
    }
    let channels = figures["channels"].as_array().unwrap();
    assert!(drawn >= channels.len().min(16) + 3, "{name}: {drawn} figures");
    for channel in channels {
        let mut escaped = channel["name"].as_str().unwrap().replace('&', "&amp;");
        for (sign, entity) in
            [('<', "lt"), ('>', "gt"), ('"', "quot"), ('\'', "#x27"), ('/', "#x2f")]
        {
            escaped = escaped.replace(sign, &format!("&{entity};"));
        }
        assert!(page.contains(&format!("<th scope=\"row\">{escaped}</th>")), "{name}: {escaped}");
    }
}

/// Sends to the outer page what only a browser knows.
const PROBE: &str = r#"<script>
const wrong = [];
addEventListener("error", event => wrong.push("error: " + event.message));
addEventListener("load", () => {
  const root = document.documentElement;
  if (root.scrollWidth > innerWidth) wrong.push("width " + root.scrollWidth + " on " + innerWidth);
  const loaded = performance.getEntriesByType("resource").map(entry => entry.name);
  if (loaded.length > 0) wrong.push("loads " + loaded);
  for (const svg of document.querySelectorAll("svg")) {
    const name = svg.querySelector("title").textContent;
    const box = svg.getBBox(), screen = svg.getBoundingClientRect();
    if (!(box.width > 0 && box.height > 0)) wrong.push("empty: " + name);
    if (!(screen.width > 200 && screen.height > 100)) wrong.push("small: " + name);
    for (const text of svg.querySelectorAll("text")) {
      const at = text.getBoundingClientRect();
      const inside = at.left >= screen.left - 4 && at.right <= screen.right + 4
        && at.top >= screen.top - 4 && at.bottom <= screen.bottom + 4;
      if (!inside) wrong.push("cut: " + text.textContent.trim() + " in " + name);
    }
  }
  parent.postMessage(PAGE + " at " + innerWidth + ": " + (wrong.join("; ") || "fine"), "*");
});
</script>"#;

/// Loads all pages at the widths of a phone and of a desk, in frames: windows are not made that narrow.
fn check_in_browser(bench: &Bench, names: &[&str]) {
    let mut outer = String::from(
        "<!doctype html><title>outer</title><pre id=told></pre><script>addEventListener(\"message\", \
         event => document.getElementById(\"told\").textContent += event.data + \"\\n\")</script>",
    );
    for name in names {
        let probe = PROBE.replace("PAGE", &format!("\"{name}\""));
        let page = bench.read(&format!("{name}.html"));
        bench.file(&format!("{name}-probed.html"), page.replace("</body>", &(probe + "</body>")));
        for width in [375, 1280] {
            let style = format!("width:{width}px;height:800px;border:0");
            writeln!(outer, "<iframe src=\"{name}-probed.html\" style=\"{style}\"></iframe>")
                .unwrap();
        }
    }
    bench.file("outer.html", outer);
    bench.file("hello.html", "<!doctype html><p>hello</p><script>document.title = 'ran'</script>");
    let works = |browser: &&&str| {
        dump(bench, browser, "hello.html").is_some_and(|(dom, _)| dom.contains("ran"))
    };
    let Some(browser) = BROWSERS.iter().find(works) else {
        println!("skipped: none of {} can be run", BROWSERS.join(", "));
        return;
    };
    let (dom, log) = dump(bench, browser, "outer.html").unwrap();
    let told: Vec<&str> = dom.lines().filter(|line| line.contains(" at ")).collect();
    for name in names {
        for width in [375, 1280] {
            let fine = format!("{name} at {width}: fine");
            assert!(
                told.iter().any(|line| line.ends_with(&fine)),
                "no {fine:?} in {told:#?}\n{log}"
            );
        }
    }
    for sign in ["Uncaught", "ERR_NAME_NOT_RESOLVED", "Refused to"] {
        assert!(!log.contains(sign), "{log}");
    }
}

const BROWSERS: [&str; 4] = ["google-chrome", "chromium", "chromium-browser", "chrome"];

/// A page after its scripts have run, and the browser's log; `None` if the browser does not run.
fn dump(bench: &Bench, browser: &str, page: &str) -> Option<(String, String)> {
    let mut command = Command::new(browser);
    command.timeout(Duration::from_secs(60)).args([
        "--headless",
        // The page is our own, and containers and root have no sandbox.
        "--no-sandbox",
        "--disable-gpu",
        "--disable-dev-shm-usage",
        "--no-first-run",
        "--host-resolver-rules=MAP * ~NOTFOUND",
        "--enable-logging=stderr",
        "--virtual-time-budget=10000",
        "--window-size=1400,900",
        "--dump-dom",
    ]);
    command.arg(format!("--user-data-dir={}", bench.path("browser").display()));
    let output = command.arg(bench.path(page)).output().ok()?;
    let told = String::from_utf8_lossy(&output.stdout).into_owned();
    output.status.success().then(|| (told, stderr(&output)))
}

#[test]
fn a_broken_bound_is_shown_and_has_its_exit_code() {
    let bench = Bench::new();
    let rows = |offset: f64| made_up(60, &|t| (offset + (t % 9.0) / 7.0).to_string());
    bench.file("near.csv", rows(0.0));
    bench.file("far.csv", rows(1e6));
    bench.ok("fit near.csv --max-error 0.001 --kind f32 -o model");
    let error = bench.fails("report model far.csv -o page.html", 1);
    assert!(error.contains("error: the promised bound was not kept"), "{error}");
    let figures = bench.run("evaluate model far.csv --json");
    let figures: Value = serde_json::from_slice(&figures.stdout).unwrap();
    assert_eq!(figures["bound_held"], false);
    check_text("broken", &bench.read("page.html"), &figures);
    // The smaller bounds are below what 32-bit floats hold.
    for part in ["NOT HELD", "<td class=\"note\" colspan=\"4\">no model: channel "] {
        assert!(bench.read("page.html").contains(part), "{part}");
    }
}

#[test]
fn a_failed_run_leaves_no_file() {
    let bench = Bench::new();
    bench.file("in.csv", "a,b\n1,2\n2,3\n");
    bench.file("text.csv", "a,b\nx,y\n");
    bench.ok("fit in.csv --max-error 0 -o model");
    for (args, code) in [
        ("model none.csv -o page.html", 1),
        ("model text.csv -o page.html", 1),
        ("in.csv in.csv -o page.html", 1),
        ("model in.csv --rows 5: -o page.html", 1),
        ("model in.csv -o no/such/folder/page.html", 1),
        ("model in.csv", 2),
    ] {
        bench.fails(&format!("report {args}"), code);
    }
    assert!(bench.fails("report model none.csv -o page.html", 1).contains("none.csv"));
    let left = std::fs::read_dir(bench.path("")).unwrap().count();
    assert_eq!(left, 3, "input, text and model");
}

#[test]
fn the_page_goes_to_standard_output_and_is_the_same_each_time() {
    let bench = Bench::new();
    bench.file("in.csv", "a,b\n1,2\n2,3\n5,4\n2,2\n");
    bench.ok("fit in.csv --max-error 0 -o model");
    let page = bench.ok("report model in.csv -o -");
    assert!(
        page.starts_with("<!doctype html>\n<html lang=\"en\">") && page.ends_with("</html>\n"),
        "{page}"
    );
    let output = bench.run("report model in.csv -o page.html --quiet");
    assert_eq!((stderr(&output), output.stdout.len()), (String::new(), 0));
    assert_eq!(bench.read("page.html"), page);
}

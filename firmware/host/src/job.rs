//! The main job: frames from every chip against those of the desktop tool, and what they restore.

use std::fs;
use std::process::Command;

use crate::machines::Machine;
use crate::{Outcome, Place, output, run};

/// What `mainjob/job.txt` says.
struct Job {
    lines: Vec<String>,
}

impl Job {
    fn load(place: &Place) -> Outcome<Self> {
        let path = place.folder.join("mainjob/job.txt");
        let text = fs::read_to_string(path).map_err(|error| format!("job.txt: {error}"))?;
        Ok(Self { lines: text.lines().map(str::to_string).collect() })
    }

    fn all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = Vec<&'a str>> {
        let lines = self.lines.iter().filter_map(move |line| line.strip_prefix(name));
        lines.filter_map(|line| Some(line.strip_prefix(' ')?.split(' ').collect()))
    }

    fn words(&self, name: &'static str) -> Outcome<Vec<&str>> {
        self.all(name).next().ok_or(format!("job.txt has no {name}"))
    }
}

/// A call of this machine's own toolchain, in the folder of the repository.
fn cargo(place: &Place) -> Command {
    let mut command = Command::new("cargo");
    // Set by the call that this runs in.
    command.current_dir(place.folder.join("..")).env_remove("RUSTUP_TOOLCHAIN");
    command
}

/// A call of the desktop tool, with this machine's own toolchain; in the folder of the repository.
fn desktop(place: &Place) -> Command {
    let mut command = cargo(place);
    command.args(["run", "--quiet", "--locked", "--release", "-p", "eigenmote-cli", "--", "-q"]);
    command
}

/// Fits all models.
pub fn refit(place: &Place) -> Outcome {
    let job = Job::load(place)?;
    let data = format!("data/{}", job.words("recording")?.concat());
    for model in job.all("model") {
        let (name, options) = model.split_first().ok_or("a model needs a name")?;
        let file = format!("firmware/mainjob/models/{name}.eig");
        let columns = job.words("columns")?.concat();
        let mut command = desktop(place);
        command.args(["fit", &data, "--columns", &columns, "-o", &file]);
        run(command.args(job.words("fit")?).args(options))?;
    }
    Ok(())
}

/// Compares all frames of all machines with those of the desktop, and restores the recording from them.
pub fn compare(place: &Place, machines: &[&Machine]) -> Outcome {
    let job = Job::load(place)?;
    let folder = place.target.join("frames").join("desktop");
    fs::create_dir_all(&folder).map_err(|error| format!("{}: {error}", folder.display()))?;
    let [data, columns, rows, chain] = ["recording", "columns", "rows", "chain"]
        .map(|name| job.words(name).map(|words| words.concat()).unwrap_or_default());
    let data = format!("data/{data}");
    let recording = recording(place, &data, &columns, &rows)?;
    for model in job.all("model") {
        let name = model.first().ok_or("a model needs a name")?;
        let file = format!("firmware/mainjob/models/{name}.eig");
        let packed = folder.join(name);
        let mut command = desktop(place);
        command.args(["compress", &file, &data, "--rows", &rows, "--chain", &chain, "-o"]);
        run(command.arg(&packed))?;
        let facts = output(desktop(place).args(["inspect", "--json"]).arg(&packed))?;
        let length = *numbers(&facts, "frame_bytes").first().ok_or("no frame_bytes")? as usize;
        // Behind the frames there is a checksum of four bytes.
        let bytes = fs::read(&packed).map_err(|error| format!("{name}: {error}"))?;
        let frames = bytes.len().checked_sub(4 + length).and_then(|from| bytes.get(from..));
        let frames = frames.and_then(|rest| rest.get(..length)).ok_or("a short file")?;

        let mut chips = None;
        for machine in machines {
            let path = machine.folder(place).join(name);
            let found = fs::read(&path).map_err(|error| format!("{}: {error}", path.display()))?;
            if found != frames {
                return Err(format!("{name}: {} has other frames than the desktop", machine.name));
            }
            chips = Some(path);
        }
        // The chip's frames alone, without the head of a file.
        let Some(chips) = chips else {
            continue;
        };
        let restored = folder.join(format!("{name}.csv"));
        let mut command = desktop(place);
        command.args(["decompress", &file]).arg(&chips).arg("--recover").arg("-o").arg(&restored);
        output(&mut command)?;
        let restored = fs::read_to_string(&restored).map_err(|error| format!("{name}: {error}"))?;
        let restored: Vec<Vec<f64>> = restored.lines().skip(1).map(cells).collect();
        let facts = output(desktop(place).args(["inspect", "--json", &file]))?;
        let worst = promise_kept(&facts, &recording, &restored)?;
        println!("{name}: {length} bytes, the same on all; {worst}");
    }
    Ok(())
}

/// Trains and quantises the networks anew, as `networks/models.txt` says.
pub fn retrain(place: &Place) -> Outcome {
    for line in networks(place)? {
        if line.starts_with("train ") || line.starts_with("quantize ") {
            run(desktop(place).args(line.split(' ')))?;
        } else if let Some(rest) = line.strip_prefix("cargo ") {
            run(cargo(place).args(rest.split(' ')))?;
        }
    }
    Ok(())
}

fn networks(place: &Place) -> Outcome<Vec<String>> {
    let path = place.folder.join("networks/models.txt");
    let text = fs::read_to_string(path).map_err(|error| format!("models.txt: {error}"))?;
    Ok(text.lines().map(str::to_string).collect())
}

/// Compares the samples of all machines with those of the desktop.
pub fn compare_samples(place: &Place, machines: &[&Machine]) -> Outcome {
    let folder = place.target.join("frames").join("desktop");
    for line in networks(place)? {
        let of = |name: &str, ending: &str| format!("firmware/networks/models/{name}.{ending}");
        let mut command = desktop(place);
        command.args(["sample", "--seed", "1"]);
        let name = match line.split(' ').collect::<Vec<_>>()[..] {
            ["model", name] => {
                command.args(["-n", "16"]);
                name
            }
            // Each of the thirty prompts.
            ["paints", name, prompts] => {
                command.args(["-n", "30", "--guidance", "1", "--prompts", &of(prompts, "etab")]);
                name
            }
            _ => continue,
        };
        let drawn = folder.join(format!("{name}.bin"));
        run(command.arg(of(name, "eign")).arg("-o").arg(&drawn))?;
        let expected = fs::read(&drawn).map_err(|error| format!("{name}: {error}"))?;
        for machine in machines {
            let path = machine.folder(place).join(name);
            let found = fs::read(&path).map_err(|error| format!("{}: {error}", path.display()))?;
            if found != expected {
                return Err(format!(
                    "{name}: {} draws other samples than the desktop",
                    machine.name
                ));
            }
        }
        println!("{name}: {} bytes of samples, the same on all", expected.len());
    }
    Ok(())
}

/// The cells of a line; NaN where there is no number.
fn cells(line: &str) -> Vec<f64> {
    line.split(',').map(|cell| cell.parse().unwrap_or(f64::NAN)).collect()
}

/// Columns and rows of a file.
fn recording(place: &Place, data: &str, columns: &str, rows: &str) -> Outcome<Vec<Vec<f64>>> {
    let text = fs::read_to_string(place.folder.join("..").join(data))
        .map_err(|error| format!("{data}: {error}"))?;
    let header: Vec<&str> = text.lines().next().unwrap_or_default().split(',').collect();
    let columns: Vec<_> =
        columns.split(',').filter_map(|name| header.iter().position(|h| *h == name)).collect();
    let (from, to) = rows.split_once(':').ok_or("rows A:B")?;
    let number = |text: &str| text.parse::<usize>().map_err(|error| format!("rows: {error}"));
    let (from, to) = (number(from)?, number(to)?);
    let lines = text.lines().skip(1 + from).take(to - from).map(cells);
    Ok(lines.map(|row| columns.iter().map(|&column| row[column]).collect()).collect())
}

/// The numbers behind a name, in order, in text that is JSON.
fn numbers(json: &str, name: &str) -> Vec<f64> {
    let quoted = format!("\"{name}\":");
    let behind = json.split(quoted.as_str()).skip(1);
    behind
        .filter_map(|rest| rest.trim_start().split([',', '}', '\n']).next()?.parse().ok())
        .collect()
}

/// What is left of the promise, in words.
fn promise_kept(facts: &str, recording: &[Vec<f64>], restored: &[Vec<f64>]) -> Outcome<String> {
    if recording.len() != restored.len() {
        return Err(format!("{} rows instead of {}", restored.len(), recording.len()));
    }
    let errors: Vec<Vec<f64>> = recording
        .iter()
        .zip(restored)
        .map(|(x, y)| x.iter().zip(y).map(|(x, y)| (x - y).abs()).collect())
        .collect();
    let (bounds, units) = (numbers(facts, "bound"), numbers(facts, "unit"));
    let share = |scales: &[f64]| -> Vec<Vec<f64>> {
        let row = |row: &Vec<f64>| row.iter().zip(scales).map(|(e, s)| e / s).collect();
        errors.iter().map(row).collect()
    };
    // A missing cell is a NaN, which is not within anything.
    if facts.contains("\"max_error\"") {
        let worst =
            share(&bounds).into_iter().flatten().fold(0.0, |a: f64, b| if b <= a { a } else { b });
        return if bounds.len() == units.len() && worst <= 1.0 {
            Ok(format!("worst error {worst:.3} of the bound"))
        } else {
            Err(format!("an error of {worst} bounds"))
        };
    }
    let window = *numbers(facts, "window").first().ok_or("no window")? as usize;
    let shares = share(&units);
    let worst = shares.chunks(window).fold(0.0, |worst: f64, rows| {
        let squares = rows.iter().flatten().map(|e| e * e).sum::<f64>();
        let rms = (squares / (rows.len() * units.len()) as f64).sqrt();
        if rms <= worst { worst } else { rms }
    });
    if facts.contains("\"rmse\"") {
        let target = *numbers(facts, "target").first().ok_or("no target")?;
        return if worst <= target {
            Ok(format!("worst window {worst:.4} of {target}"))
        } else {
            Err(format!("a window with a root mean square error of {worst}"))
        };
    }
    if worst.is_finite() { Ok("no bound promised".into()) } else { Err("rows are missing".into()) }
}

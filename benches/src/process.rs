//! Runs a measurement in a separate process. Returns what it printed, or why it failed.

use std::ffi::OsStr;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

/// How a child ended.
pub(crate) enum Ending {
    Said(String),
    Died,
    CutOff,
}

/// Runs `program` until it ends or the timeout passes. It may print only a few lines.
pub(crate) fn child<S: AsRef<OsStr>>(
    program: &Path,
    args: &[S],
    patience: Duration,
) -> Result<Ending, String> {
    let mut child = Command::new(program)
        .args(args)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .map_err(|error| format!("cannot start {}: {error}", program.display()))?;
    let ending =
        wait(&mut child, patience).map_err(|error| format!("cannot wait for a child: {error}"));
    if ending.is_err() {
        // The process must not be left behind. If it cannot be killed, it has ended already.
        let _ = child.kill();
    }
    ending
}

fn wait(child: &mut Child, patience: Duration) -> std::io::Result<Ending> {
    let begin = Instant::now();
    loop {
        if let Some(status) = child.try_wait()? {
            let mut said = String::new();
            if let Some(stdout) = &mut child.stdout {
                stdout.read_to_string(&mut said)?;
            }
            return Ok(if status.success() { Ending::Said(said) } else { Ending::Died });
        }
        if begin.elapsed() > patience {
            child.kill()?;
            child.wait()?;
            return Ok(Ending::CutOff);
        }
        sleep(Duration::from_millis(2));
    }
}

/// Returns the path of this program.
pub(crate) fn myself() -> Result<PathBuf, String> {
    std::env::current_exe().map_err(|error| format!("cannot find my own program: {error}"))
}

/// Returns the path of the program `name` of this package, built like this one. `cargo run` builds only the program
/// that it runs, so this builds it.
pub(crate) fn sibling(name: &str) -> Result<PathBuf, String> {
    let me = myself()?;
    let sibling = me.with_file_name(name).with_extension(std::env::consts::EXE_EXTENSION);
    let Some(cargo) = std::env::var_os("CARGO") else {
        return if sibling.exists() {
            Ok(sibling)
        } else {
            Err(format!("build it first: cargo build --release -p reacton-bench --bin {name}"))
        };
    };
    let profile = match me.parent().and_then(Path::file_name).and_then(OsStr::to_str) {
        Some("debug") | None => "dev",
        Some(profile) => profile,
    };
    let status = Command::new(cargo)
        .args(["build", "--quiet", "-p", "reacton-bench", "--bin", name, "--profile", profile])
        .status()
        .map_err(|error| format!("cannot start cargo: {error}"))?;
    if status.success() { Ok(sibling) } else { Err(format!("cargo cannot build {name}")) }
}

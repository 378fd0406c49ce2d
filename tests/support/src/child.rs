//! Tests whose failure would abort the process, overflow the stack, or never end. Each runs in a child process.

use std::any::type_name;
use std::process::Command;
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::time::Duration;

/// Runs `f` in a child process, which must end successfully. A test calls this once, with a closure that is written in the test.
#[track_caller]
pub fn in_child<F: FnOnce()>(f: F) {
    const VARIABLE: &str = "REACTON_TEST_IN_CHILD";
    // Such as `stores::aborts::s7_it_does::{{closure}}`: the name of the test after that of the program.
    let path = type_name::<F>().trim_end_matches("::{{closure}}");
    let (_, test) = path.split_once("::").expect("the path has a module");
    if std::env::var(VARIABLE).is_ok_and(|running| running == test) {
        return f();
    }
    let child = Command::new(std::env::current_exe().expect("the program has a path"))
        .args(["--exact", test, "--nocapture"])
        .env(VARIABLE, test)
        .env("RUST_BACKTRACE", "0")
        .output()
        .expect("the program starts");
    let printed =
        |bytes: &[u8]| String::from_utf8_lossy(bytes).chars().take(4000).collect::<String>();
    let (out, err) = (printed(&child.stdout), printed(&child.stderr));
    assert!(child.status.success(), "{test}: {}\n{out}\n{err}", child.status);
    assert!(out.contains("1 passed"), "{test} is not the name of the test:\n{out}");
}

/// Runs `f`, and ends the process if `f` does not return within a minute: a test that blocks would never fail.
pub fn within_a_minute(f: impl FnOnce()) {
    let (done, receiver) = channel::<()>();
    let watch = std::thread::spawn(move || {
        if receiver.recv_timeout(Duration::from_secs(60)) == Err(RecvTimeoutError::Timeout) {
            eprintln!("the test blocks");
            std::process::exit(3);
        }
    });
    f();
    drop(done);
    assert!(watch.join().is_ok());
}

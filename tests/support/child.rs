//! Tests whose failure would abort the process or overflow the stack: each runs in a child process of its own.

use std::any::type_name;
use std::process::Command;

/// Runs `f` in a child process, which has to end well. To be called once in a test, with a closure that is written there.
#[track_caller]
pub(crate) fn in_child<F: FnOnce()>(f: F) {
    const VARIABLE: &str = "REACTON_TEST_IN_CHILD";
    // Such as `stores::aborts::s7_it_does::{{closure}}`: the name of the test after that of the program.
    let path = type_name::<F>().trim_end_matches("::{{closure}}");
    let (_, test) = path.split_once("::").expect("a closure stands in a function of a program");
    if std::env::var(VARIABLE).is_ok_and(|running| running == test) {
        return f();
    }
    let child = Command::new(std::env::current_exe().expect("it runs"))
        .args(["--exact", test, "--nocapture"])
        .env(VARIABLE, test)
        .env("RUST_BACKTRACE", "0")
        .output()
        .expect("it starts");
    let said = |bytes: &[u8]| String::from_utf8_lossy(bytes).chars().take(4000).collect::<String>();
    let (out, err) = (said(&child.stdout), said(&child.stderr));
    assert!(child.status.success(), "{test}: {}\n{out}\n{err}", child.status);
    assert!(out.contains("1 passed"), "{test} is not the name of the test:\n{out}");
}

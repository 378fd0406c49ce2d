//! The threads of this process, as Linux lists them.

use std::time::Instant;

use crate::TIMEOUT;

/// Returns how many threads of this process have this name, of which the system keeps 15 bytes. While others end, a
/// thread may be missed, and one that was joined may still be listed for a moment.
pub fn threads(name: &str) -> usize {
    let tasks = std::fs::read_dir("/proc/self/task").expect("Linux lists the tasks of a process");
    tasks
        .filter_map(|task| std::fs::read_to_string(task.ok()?.path().join("comm")).ok())
        .filter(|comm| comm.trim_end() == name)
        .count()
}

/// Waits until at most `count` threads have this name.
#[track_caller]
pub fn wait_for_threads(name: &str, count: usize) {
    let deadline = Instant::now() + TIMEOUT;
    while threads(name) > count {
        assert!(Instant::now() < deadline, "{} threads are still there", threads(name));
        std::thread::yield_now();
    }
}

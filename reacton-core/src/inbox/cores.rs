//! How many cores this process may use.
//!
//! The affinity of the calling thread is not used, because that thread may be pinned and the others not. The result is
//! the number of cores that the control groups of the process allow, limited by the processor time that they allow.

use std::path::{Path, PathBuf};
use std::sync::LazyLock;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};
use std::{fs, thread};

/// How long an answer stays valid: the cores and the limits of control groups rarely change while a process runs.
const VALID: Duration = Duration::from_secs(10);

/// Whether this process may use several cores at `now`. The system is asked once in ten seconds.
pub(super) fn are_several(now: Instant) -> bool {
    static BEGIN: LazyLock<Instant> = LazyLock::new(Instant::now);
    /// The time until which the answer is valid, in nanoseconds since `BEGIN`; the lowest bit is the answer.
    static ANSWER: AtomicU64 = AtomicU64::new(0);
    let at = nanos(now.saturating_duration_since(*BEGIN));
    let answer = ANSWER.load(Ordering::Relaxed);
    if at < answer {
        return answer & 1 == 1;
    }
    // Several threads may compute it at once: they store the same answer.
    let several = count() > 1;
    ANSWER.store(((at + nanos(VALID)) & !1) | u64::from(several), Ordering::Relaxed);
    several
}

fn nanos(time: Duration) -> u64 {
    u64::try_from(time.as_nanos()).unwrap_or(u64::MAX / 2)
}

/// The number of cores that this process may use, whatever the affinity of this thread.
fn count() -> usize {
    let of_thread = thread::available_parallelism().map_or(1, usize::from);
    let of_system = if cfg!(target_os = "linux") { count_of_linux() } else { None };
    of_system.unwrap_or(of_thread)
}

fn count_of_linux() -> Option<usize> {
    let online = listed(&fs::read_to_string("/sys/devices/system/cpu/online").ok()?)?;
    let groups = fs::read_to_string("/proc/self/cgroup").unwrap_or_default();
    let limits = groups.lines().flat_map(|group| limits(Path::new("/sys/fs/cgroup"), group));
    Some(limits.fold(online, usize::min))
}

/// The limits on the number of cores that the group in a line of `/proc/self/cgroup` and its parents set.
fn limits(root: &Path, group: &str) -> Vec<usize> {
    let mut parts = group.splitn(3, ':').skip(1);
    let (Some(controllers), Some(path)) = (parts.next(), parts.next()) else { return Vec::new() };
    let base = if controllers.is_empty() { root.to_owned() } else { root.join(controllers) };
    let controls = |name| controllers.is_empty() || controllers.split(',').any(|it| it == name);
    let read = |group: &Path, file: &str| {
        let path: PathBuf = base.join(group).join(file);
        fs::read_to_string(path).ok()
    };
    let mut limits = Vec::new();
    for group in Path::new(path.trim_start_matches('/')).ancestors() {
        if controls("cpuset") {
            let files = ["cpuset.cpus.effective", "cpuset.effective_cpus"];
            let allowed = files.iter().find_map(|file| read(group, file));
            limits.extend(allowed.and_then(|allowed| listed(&allowed)));
        }
        if controls("cpu") {
            let quota = read(group, "cpu.max").or_else(|| {
                let quota = read(group, "cpu.cfs_quota_us")?;
                Some(quota + " " + &read(group, "cpu.cfs_period_us")?)
            });
            limits.extend(quota.and_then(|quota| whole_cores(&quota)));
        }
    }
    limits
}

/// The number of cores in a list such as `0-3,8`; `None` if there is none in it.
fn listed(list: &str) -> Option<usize> {
    let mut count = 0;
    for range in list.trim().split(',') {
        let (begin, end) = range.split_once('-').unwrap_or((range, range));
        let (begin, end) = (begin.parse::<usize>().ok()?, end.parse::<usize>().ok()?);
        count += end.checked_add(1)?.checked_sub(begin)?;
    }
    Some(count)
}

/// The number of whole cores that a quota and its period allow, at least one; `None` if there is no limit.
fn whole_cores(quota: &str) -> Option<usize> {
    let mut numbers = quota.split_whitespace().map(str::parse::<usize>);
    let (Some(Ok(quota)), Some(Ok(period))) = (numbers.next(), numbers.next()) else {
        return None;
    };
    Some((quota / period.max(1)).max(1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cores_are_counted_in_a_list_and_in_a_quota() {
        assert_eq!(listed("0-3,8\n"), Some(5));
        assert_eq!(listed("7"), Some(1));
        assert_eq!((listed(""), listed("3-1"), listed("a")), (None, None, None));
        assert_eq!(whole_cores("250000 100000\n"), Some(2));
        assert_eq!(whole_cores("50000 100000"), Some(1));
        assert_eq!((whole_cores("max 100000"), whole_cores("-1\n 100000\n")), (None, None));
    }

    #[test]
    fn the_groups_around_a_group_limit_it_too() {
        let root = std::env::temp_dir().join(format!("reacton-cores-{}", std::process::id()));
        let write = |file: &str, text: &str| {
            let path = root.join(file);
            fs::create_dir_all(path.parent().expect("the file is in a folder"))
                .expect("the folder is created");
            fs::write(path, text).expect("the file is written");
        };
        write("outer/cpu.max", "150000 100000\n");
        write("outer/inner/cpu.max", "max 100000\n");
        write("outer/inner/cpuset.cpus.effective", "0-1\n");
        write("cpu,cpuacct/one/cpu.cfs_quota_us", "300000\n");
        write("cpu,cpuacct/one/cpu.cfs_period_us", "100000\n");
        write("cpuset/one/cpuset.effective_cpus", "0,2-4\n");
        assert_eq!(limits(&root, "0::/outer/inner"), [2, 1]);
        assert_eq!(limits(&root, "4:cpu,cpuacct:/one"), [3]);
        assert_eq!(limits(&root, "3:cpuset:/one"), [4]);
        assert_eq!(limits(&root, "8:pids:/one"), []);
        assert_eq!(limits(&root, "garbage"), []);
        fs::remove_dir_all(&root).expect("the folder is removed");
    }

    #[test]
    fn the_affinity_of_the_thread_that_asks_does_not_count() {
        let several = count() > 1;
        for core in core_affinity::get_core_ids().unwrap_or_default() {
            core_affinity::set_for_current(core);
            assert_eq!(count() > 1, several);
        }
    }
}

//! The program itself: two hosts, a picture, and a host that is killed in the middle.

use std::io::{BufRead, BufReader};
use std::path::PathBuf;
use std::process::{Child, ChildStdout, Command, Stdio};

const PROGRAM: &str = env!("CARGO_BIN_EXE_render-farm");

/// A process that is killed when this is dropped, and the lines that it prints.
struct Running(Child, BufReader<ChildStdout>);

impl Running {
    fn start(arguments: &[&str]) -> Self {
        let mut command = Command::new(PROGRAM);
        let mut child =
            command.args(arguments).stdout(Stdio::piped()).spawn().expect("the program starts");
        let out = child.stdout.take().expect("the output is piped");
        Self(child, BufReader::new(out))
    }

    fn line(&mut self) -> Option<String> {
        let mut line = String::new();
        (self.1.read_line(&mut line).expect("the output is text") > 0)
            .then(|| line.trim_end().to_owned())
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn folder(name: &str) -> PathBuf {
    let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(name);
    let _ = std::fs::remove_dir_all(&folder);
    std::fs::create_dir_all(&folder).expect("a folder");
    folder
}

#[test]
fn a_picture_is_whole_although_a_host_is_killed_in_the_middle() {
    let folder = folder("farm");
    let path = |name: &str| folder.join(name).to_string_lossy().into_owned();
    let key = Command::new(PROGRAM)
        .args(["key", &path("client.key")])
        .output()
        .expect("the program runs");
    let key = String::from_utf8(key.stdout).expect("the output is text").trim().to_owned();
    let host = |name: &str| Running::start(&["host", &path(name), "127.0.0.1:0", &key, "2"]);
    let (mut one, mut two) = (host("one.key"), host("two.key"));
    let tickets = [one.line().expect("a ticket"), two.line().expect("a ticket")];
    let picture = path("picture.ppm");
    let mut render =
        Running::start(&["render", &path("client.key"), &picture, &tickets[0], &tickets[1]]);
    assert_eq!(render.line().as_deref(), Some("2 hosts connected, room for 4 workers"));
    let mut lines = vec![render.line().expect("the program renders")];
    drop(one);
    while let Some(line) = render.line() {
        lines.push(line);
    }
    assert!(render.0.wait().expect("the program ends").success(), "{lines:?}");
    let last = lines.last().expect("the last line says who did what");
    assert!(last.starts_with("strips by host process: "), "{lines:?}");
    let bytes = std::fs::read(picture).expect("the picture is written");
    assert_eq!(bytes.len(), "P6\n1200 900\n255\n".len() + 3 * 1200 * 900);
    // The corners are outside of the set, and the middle of the left part is inside.
    let pixel = |x: usize, y: usize| &bytes[16 + 3 * (1200 * y + x)..][..3];
    assert_eq!(pixel(800, 450), [0, 0, 0]);
    assert_ne!(pixel(0, 0), [0, 0, 0]);
}

#[test]
fn what_is_no_command_is_answered_with_the_usage() {
    for arguments in
        [&[][..], &["host"], &["render", "key", "picture"], &["host", "k", "a", "c", "many"]]
    {
        let output = Command::new(PROGRAM).args(arguments).output().expect("the program runs");
        assert_eq!(output.status.code(), Some(1));
        assert!(String::from_utf8_lossy(&output.stderr).starts_with("usage: "), "{arguments:?}");
    }
}

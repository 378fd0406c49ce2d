//! Tests of the program itself: how it starts, and how it ends.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::process::{Child, ChildStdout, Command, Stdio};

fn program(arguments: &[&str]) -> Command {
    let mut program = Command::new(env!("CARGO_BIN_EXE_thumbnails"));
    program.args(arguments).stdout(Stdio::piped()).stderr(Stdio::piped());
    program
}

/// Returns what the program prints when it refuses its arguments.
fn refused(arguments: &[&str]) -> String {
    let output = program(arguments).output().expect("the program runs");
    assert_eq!(output.status.code(), Some(1), "{arguments:?}");
    assert_eq!(output.stdout, b"", "{arguments:?}");
    String::from_utf8_lossy(&output.stderr).into_owned()
}

#[test]
fn a_wrong_command_line_is_refused_with_a_message() {
    let usage = "usage: thumbnails [PORT [PICTURE]]";
    for (arguments, words) in [
        (&["none"][..], "none is no port"),
        (&["65536"], usage),
        (&["0", "a", "b"], usage),
        (&["0", "/no/such/picture"], "/no/such/picture cannot be read"),
    ] {
        let said = refused(arguments);
        assert!(said.contains(words), "{arguments:?}: {said}");
    }
}

#[test]
fn a_port_that_is_taken_is_named() {
    let taken = TcpListener::bind(("127.0.0.1", 0)).expect("a port is free");
    let port = taken.local_addr().expect("the listener has an address").port().to_string();
    let said = refused(&[&port]);
    assert!(said.contains(&format!("port {port} cannot be used")), "{said}");
}

/// Kills the program when the test ends, also by a panic.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        // If all is well, the program has ended by itself.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Reads the next line that the program prints.
fn line(output: &mut BufReader<ChildStdout>) -> String {
    let mut line = String::new();
    output.read_line(&mut line).expect("the program prints a line");
    line.trim_end().into()
}

#[cfg(unix)]
#[test]
fn an_interrupt_ends_the_program() {
    let mut running = Running(program(&["0"]).spawn().expect("the program starts"));
    let mut output =
        BufReader::new(running.0.stdout.take().expect("the output of the program is piped"));
    let listening = line(&mut output);
    let address =
        listening.strip_prefix("listening on http://").expect("the program prints its address");
    let mut stream = TcpStream::connect(address).expect("the server listens");
    write!(stream, "GET /thumbnail HTTP/1.1\r\nhost: test\r\nconnection: close\r\n\r\n")
        .expect("the server reads the request");
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).expect("the server answers");
    assert!(answer.starts_with(b"HTTP/1.1 200 OK"));

    let interrupt = Command::new("kill").args(["-INT", &running.0.id().to_string()]).status();
    assert!(interrupt.expect("the program `kill` runs").success());
    assert_eq!(line(&mut output), "the workers and the store have ended");
    assert_eq!(running.0.wait().expect("the program ends").code(), Some(0));
}

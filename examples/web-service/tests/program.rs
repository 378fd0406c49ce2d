//! Tests of the program itself: how it starts, and how it ends.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::process::{Child, ChildStdout, Command, Stdio};

fn program(arguments: &[&str]) -> Command {
    let mut program = Command::new(env!("CARGO_BIN_EXE_web-service"));
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
    let usage = "usage: web-service [PORT]";
    for (arguments, words) in [
        (&["none"][..], "none is no port"),
        (&["65536"], "65536 is no port"),
        (&["-1"], "-1 is no port"),
        (&["0", "0"], usage),
    ] {
        let said = refused(arguments);
        assert!(said.contains(words) && said.contains(usage), "{arguments:?}: {said}");
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
fn an_interrupt_in_the_middle_of_a_search_ends_the_program() {
    let mut running = Running(program(&["0"]).spawn().expect("the program starts"));
    let mut output =
        BufReader::new(running.0.stdout.take().expect("the output of the program is piped"));
    let listening = line(&mut output);
    let address =
        listening.strip_prefix("listening on http://").expect("the program prints its address");

    let mut events = BufReader::new(TcpStream::connect(address).expect("the server listens"));
    write!(events.get_mut(), "GET /events HTTP/1.1\r\nhost: test\r\n\r\n")
        .expect("the server reads the request");
    let mut stream = TcpStream::connect(address).expect("the server listens");
    // Hours of work.
    let range = r#"{"from": 0, "to": 1000000000000}"#;
    let length = range.len();
    write!(
        stream,
        "POST /search HTTP/1.1\r\nhost: test\r\nconnection: close\r\n\
         content-type: application/json\r\ncontent-length: {length}\r\n\r\n{range}"
    )
    .expect("the server reads the request");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).expect("the server answers");
    assert!(answer.starts_with("HTTP/1.1 202 Accepted"), "{answer}");
    let mut event = String::new();
    while !event.contains(r#""phase":"searching""#) {
        event.clear();
        assert!(
            events.read_line(&mut event).expect("an event arrives in time") > 0,
            "the event stream has ended"
        );
    }

    let interrupt = Command::new("kill").args(["-INT", &running.0.id().to_string()]).status();
    assert!(interrupt.expect("the program `kill` runs").success());
    assert_eq!(line(&mut output), "the worker and the store have ended");
    assert_eq!(running.0.wait().expect("the program ends").code(), Some(0));
    let mut rest = Vec::new();
    events.read_to_end(&mut rest).expect("the event stream ends");
}

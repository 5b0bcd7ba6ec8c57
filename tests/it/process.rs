//! The process, as the machine treats it: signals, and no more files to open.

use std::io::{BufRead, BufReader, Read};
use std::net::TcpStream;
use std::os::unix::process::ExitStatusExt;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::command_line::Running;
use super::support::{client, json_body, read_json, send};

/// `spine demo` under a shell's settings; where it is asked, and what it logs.
fn demo(settings: &str, arguments: &str) -> (Running, Value, BufReader<std::process::ChildStderr>) {
    let spine = env!("CARGO_BIN_EXE_spine");
    let command = format!("{settings} exec '{spine}' demo --port 0 --json --deals 10 {arguments}");
    let mut shell = Command::new("bash");
    shell.arg("-c").arg(command).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = Running(shell.spawn().unwrap());
    let mut line = String::new();
    BufReader::new(child.0.stdout.take().unwrap()).read_line(&mut line).unwrap();
    let log = BufReader::new(child.0.stderr.take().unwrap());
    (child, serde_json::from_str(&line).unwrap(), log)
}

fn terminate(child: &Child) {
    assert!(Command::new("kill").arg("-TERM").arg(child.id().to_string()).status().unwrap().success());
}

fn until_logged(log: &mut BufReader<std::process::ChildStderr>, words: &str) {
    let mut line = String::new();
    while !line.contains(words) {
        line.clear();
        assert!(log.read_line(&mut line).unwrap() > 0, "it ended without saying `{words}`");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_signal_ends_the_process_at_once() {
    // An answer takes much longer than anybody waits here.
    let (mut child, ready, mut log) = demo("", "--log info --fault sap=slow");
    let url = ready["graphql"].as_str().unwrap().to_owned();
    let mut held = TcpStream::connect(url.strip_prefix("http://").unwrap().split('/').next().unwrap()).unwrap();
    // A request whose body does not come: it is under way until `server.body_timeout`.
    let unfinished =
        "POST /graphql HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\ncontent-length: 9\r\n\r\n{";
    std::io::Write::write_all(&mut held, unfinished.as_bytes()).unwrap();
    // It is there once another one has been answered.
    let query = json!({ "query": "{ deals(first: 1) { nodes { name } } }" });
    read_json(send(json_body(client().post(&url), &query)).await).await;
    terminate(&child.0);
    until_logged(&mut log, "stopping: finishing what is under way");
    assert!(child.0.try_wait().unwrap().is_none(), "it waits for the request");
    let began = Instant::now();
    terminate(&child.0);
    let status = child.0.wait().unwrap();
    assert_eq!((status.code(), status.signal()), (Some(130), None));
    assert!(began.elapsed() < Duration::from_secs(5), "{:?}", began.elapsed());
    drop(held);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_process_without_files_left_to_open_goes_on_when_there_are_some() {
    let (child, ready, mut log) = demo("ulimit -n 120;", "--log warn");
    let url = ready["graphql"].as_str().unwrap().to_owned();
    let address = url.strip_prefix("http://").unwrap().split('/').next().unwrap().to_owned();
    let held: Vec<TcpStream> = (0..150).map(|_| TcpStream::connect(&address).unwrap()).collect();
    until_logged(&mut log, "a connection could not be accepted");
    drop(held);
    let query = json!({ "query": "{ deals(first: 3) { nodes { name project { name } } } invoices(first: 3) { nodes { number } } }" });
    let answer = read_json(send(json_body(client().post(&url), &query)).await).await;
    assert!(answer.get("errors").is_none(), "{answer:#}");
    drop(child);
    log.read_to_string(&mut String::new()).unwrap();
}

//! The process, as the machine treats it: signals, threads, and no more files to open.

use std::collections::BTreeMap;
use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::os::unix::process::ExitStatusExt;
use std::process::{Child, Command, Stdio};
use std::thread;
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

/// Host and port of a URL.
fn address(url: &str) -> &str {
    url.strip_prefix("http://").unwrap().split('/').next().unwrap()
}

/// How often each worker has gone to wait for something, by its name.
fn waits(child: &Child) -> BTreeMap<String, u64> {
    let threads = fs::read_dir(format!("/proc/{}/task", child.id())).unwrap().map(|thread| thread.unwrap().path());
    let named = threads.filter_map(|thread| {
        let name = fs::read_to_string(thread.join("comm")).unwrap();
        let status = fs::read_to_string(thread.join("status")).unwrap();
        let waits = status.lines().find_map(|line| line.strip_prefix("voluntary_ctxt_switches:")).unwrap();
        name.starts_with("worker-").then(|| (name.trim().to_owned(), waits.trim().parse().unwrap()))
    });
    named.collect()
}

/// Begins a request whose body has so many bytes: when this returns its head was read, and its body is waited for.
fn begin(url: &str, length: usize) -> TcpStream {
    let mut stream = TcpStream::connect(address(url)).unwrap();
    let head =
        "POST /graphql HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\nexpect: 100-continue\r\n";
    write!(stream, "{head}content-length: {length}\r\n\r\n").unwrap();
    let mut go = [0; 25];
    stream.read_exact(&mut go).unwrap();
    assert_eq!(go, *b"HTTP/1.1 100 Continue\r\n\r\n");
    stream
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
    // A request whose body does not come: it is under way until `server.body_timeout`.
    let held = begin(&url, 9);
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
    let held: Vec<TcpStream> = (0..150).map(|_| TcpStream::connect(address(&url)).unwrap()).collect();
    until_logged(&mut log, "a connection could not be accepted");
    drop(held);
    let query = json!({ "query": "{ deals(first: 3) { nodes { name project { name } } } invoices(first: 3) { nodes { number } } }" });
    let answer = read_json(send(json_body(client().post(&url), &query)).await).await;
    assert!(answer.get("errors").is_none(), "{answer:#}");
    drop(child);
    log.read_to_string(&mut String::new()).unwrap();
}

/// One that has deals with all that [`CARD`] asks for.
const COMPANY: &str = "--seed 7 --today 2026-06-15";
const CARD: &str =
    "{ deals(first: 3, filter: { linked: true }) { nodes { name project { name health invoices { number } }
    financials { margin { amount } } } } }";

/// All calls that the embedded systems were asked for.
async fn calls(ready: &Value) -> Vec<Value> {
    let mut calls = Vec::new();
    for url in ready["systems"].as_object().unwrap().values() {
        let stats = read_json(send(client().get(format!("{}/_demo/stats", url.as_str().unwrap()))).await).await;
        calls.push(stats["calls"].clone());
    }
    calls
}

#[tokio::test(flavor = "multi_thread")]
async fn connections_on_many_threads_share_what_is_read() {
    let body = json!({ "query": CARD });
    let ask = async |url: &str| read_json(send(json_body(client().post(url), &body)).await).await;
    let (_one, ready, _log) = demo("TOKIO_WORKER_THREADS=1", COMPANY);
    let alone = ask(ready["graphql"].as_str().unwrap()).await;
    assert!(alone["data"]["deals"]["nodes"][0]["financials"]["margin"]["amount"].is_string(), "{alone:#}");
    let once = calls(&ready).await;

    let (_many, ready, _log) = demo("TOKIO_WORKER_THREADS=4", COMPANY);
    let url = ready["graphql"].as_str().unwrap();
    // Each by a connection of its own.
    let answers = futures_util::future::join_all((0..40).map(|_| ask(url))).await;
    assert!(answers.iter().all(|answer| *answer == alone));
    assert_eq!(calls(&ready).await, once);
}

#[tokio::test(flavor = "multi_thread")]
async fn requests_under_way_on_any_thread_are_answered_before_the_process_ends() {
    let (mut child, ready, mut log) = demo("TOKIO_WORKER_THREADS=4", &format!("--log info {COMPANY}"));
    let url = ready["graphql"].as_str().unwrap();
    let body = json!({ "query": CARD }).to_string();
    let before = waits(&child.0);
    assert_eq!(before.keys().collect::<Vec<_>>(), ["worker-1", "worker-2", "worker-3", "worker-4"]);
    let mut held: Vec<TcpStream> = (0..8).map(|_| begin(url, body.len())).collect();
    // Each worker has two of them: it did something, and waits for the bodies now.
    let began = Instant::now();
    while waits(&child.0).iter().any(|(worker, waits)| *waits == before[worker]) {
        assert!(began.elapsed() < Duration::from_secs(30), "a worker has nothing to do");
        thread::yield_now();
    }
    terminate(&child.0);
    until_logged(&mut log, "stopping: finishing what is under way");
    for stream in &mut held {
        stream.write_all(body.as_bytes()).unwrap();
    }
    for mut stream in held {
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        assert!(answer.starts_with("HTTP/1.1 200 OK\r\n") && answer.contains("\"margin\""), "{answer}");
    }
    assert!(child.0.wait().unwrap().success());
}

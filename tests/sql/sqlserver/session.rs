//! A session: PRELOGIN, TLS, LOGIN7, and requests one by one.

use std::io;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use tokio::net::TcpStream;

use super::line::{ANSWER, ATTENTION, BATCH, LOGIN, Line, PRELOGIN, RPC, TRANSACTION};
use super::request::{self, Login, Parameters, Request};
use super::table::{Kind, Table, Value, utf16};
use super::{Canned, DATABASE, PASSWORD, Server, USER, rows};

/// What PRELOGIN says of TLS.
const OFF: u8 = 0;
const ON: u8 = 1;
const NOT_SUPPORTED: u8 = 2;
const REQUIRED: u8 = 3;

/// DONE: more follows; an error; rows were counted; the client gave up.
const MORE: u16 = 0x01;
const ERROR: u16 = 0x02;
const COUNTED: u16 = 0x10;
const ATTENTION_SEEN: u16 = 0x20;

const NOTHING: &str = "Invalid object name 'nothing'.";

pub(super) async fn run(server: &Arc<Server>, tcp: TcpStream) -> io::Result<()> {
    tcp.set_nodelay(true)?;
    let mut line = Line::new(tcp);
    let (kind, body) = line.message().await?;
    if kind != PRELOGIN {
        return Err(io::ErrorKind::InvalidData.into());
    }
    let encryption = match (asked_encryption(&body), server.setup.tls) {
        (_, false) | (NOT_SUPPORTED, true) => NOT_SUPPORTED,
        // For the sign-in alone: a server may ask for more.
        (OFF, true) => REQUIRED,
        (_, true) => ON,
    };
    line.send(ANSWER, &prelogin(encryption)).await?;
    if encryption != NOT_SUPPORTED {
        line.encrypt(Arc::clone(&server.tls)).await?;
    }
    let (kind, body) = line.message().await?;
    let login = Login::parse(&body).filter(|_| kind == LOGIN).ok_or(io::ErrorKind::InvalidData)?;
    server.sign_ins.fetch_add(1, Ordering::Relaxed);
    let mut out = Vec::new();
    if let Err((number, severity, message)) = let_in(&login) {
        // The database that cannot be opened is told before the sign-in that failed because of it.
        error(&mut out, number, severity, message);
        if number != 18456 {
            error(&mut out, 18456, 14, "Login failed for user 'spine'.");
        }
        done(&mut out, 0xfd, ERROR, 0);
        return line.send(ANSWER, &out).await;
    }
    signed_in(&mut out, &login);
    if let Some(port) = server.setup.sends_readers_to.filter(|_| login.reads_only) {
        route(&mut out, port);
        done(&mut out, 0xfd, 0, 0);
        return line.send(ANSWER, &out).await;
    }
    done(&mut out, 0xfd, 0, 0);
    line.send(ANSWER, &out).await?;
    line.packet = login.packet;
    requests(server, &mut line).await
}

async fn requests(server: &Arc<Server>, line: &mut Line) -> io::Result<()> {
    let mut transaction = 0_u64;
    let mut transactions = 0_u64;
    loop {
        let (kind, body) = line.message().await?;
        let request = match kind {
            BATCH => Request::batch(&body),
            RPC => Request::call(&body),
            TRANSACTION => {
                let mut out = Vec::new();
                match request::transaction(&body) {
                    Some(5) => begin(&mut out, &mut transaction, &mut transactions),
                    Some(7) => end(&mut out, 9, &mut transaction),
                    Some(8) => end(&mut out, 10, &mut transaction),
                    _ => error(&mut out, 3988, 16, "This is no request to the transaction manager."),
                }
                done(&mut out, 0xfd, 0, 0);
                line.send(ANSWER, &out).await?;
                continue;
            }
            ATTENTION => {
                let mut out = Vec::new();
                done(&mut out, 0xfd, ATTENTION_SEEN, 0);
                line.send(ANSWER, &out).await?;
                continue;
            }
            _ => return Err(io::ErrorKind::InvalidData.into()),
        };
        let request = request.ok_or(io::ErrorKind::InvalidData)?;
        let mut out = Vec::new();
        if request.transaction != transaction {
            error(
                &mut out,
                3989,
                16,
                "New request is not allowed to start because it should come with valid transaction descriptor.",
            );
            done(&mut out, 0xfd, ERROR, 0);
        } else if let Some(parameters) = &request.parameters {
            // One that is silent goes on to the next message, which says that the client gave up.
            let Some(answered) = call(server, &request.text, parameters) else { continue };
            out = answered;
        } else {
            batch(server, &request.text, &mut out, (&mut transaction, &mut transactions));
        }
        line.send(ANSWER, &out).await?;
    }
}

/// Statements by which a client sets its session up, and what Spine asks of its user.
fn batch(server: &Server, text: &str, out: &mut Vec<u8>, (transaction, transactions): (&mut u64, &mut u64)) {
    server.batches.lock().unwrap().push(text.to_owned());
    if text.contains("sys.fn_my_permissions") {
        let may = server.setup.may.map(|(permission, securable)| vec![permission.into(), securable.into()]);
        let columns = [("permission", Kind::Nvarchar(128)), ("securable", Kind::Nvarchar(400))];
        return answer(out, &Table::new(&columns).with(may), 0xfd, 0);
    }
    let statements: Vec<&str> = text.split(';').map(str::trim).filter(|text| !text.is_empty()).collect();
    for (at, statement) in statements.iter().enumerate() {
        let more = if at + 1 < statements.len() { MORE } else { 0 };
        let upper = statement.to_uppercase();
        match upper.as_str() {
            "BEGIN TRANSACTION" => begin(out, transaction, transactions),
            "IF @@TRANCOUNT > 0 ROLLBACK TRANSACTION" if *transaction == 0 => {}
            "IF @@TRANCOUNT > 0 ROLLBACK TRANSACTION" => end(out, 10, transaction),
            _ if upper.starts_with("SET ") => {}
            _ => {
                error(out, 102, 15, &format!("Incorrect syntax near '{statement}'."));
                return done(out, 0xfd, ERROR, 0);
            }
        }
        done(out, 0xfd, more, 0);
    }
}

/// A query with its parameters. None: no answer, ever.
fn call(server: &Server, text: &str, parameters: &Parameters) -> Option<Vec<u8>> {
    let mut out = Vec::new();
    let known = |text: &str, values: &[Value]| {
        let (table, way) = server.queries.get(text)?;
        Some(rows::answer(&server.company.read().unwrap(), (table, way), values))
    };
    if text.contains("sys.dm_exec_describe_first_result_set") {
        let [Value::Text(text), Value::Text(_)] = parameters.values.as_slice() else { panic!("{parameters:?}") };
        let described = known(text, &[]).or_else(|| match server.setup.canned.get(text)? {
            Canned::Rows(table) | Canned::Twice(table) | Canned::Error(table, ..) => Some(table.clone()),
            Canned::Silence => Some(Table::default()),
        });
        answer(&mut out, &description(described), 0xff, MORE);
        done_call(&mut out, 0);
        return Some(out);
    }
    server.given.lock().unwrap().push(parameters.values.clone());
    assert_eq!(parameters.declared.matches('@').count(), parameters.values.len(), "{parameters:?}");
    match (known(text, &parameters.values), server.setup.canned.get(text)) {
        (Some(table), _) => answer(&mut out, &table, 0xff, MORE),
        (None, Some(Canned::Rows(table))) => answer(&mut out, table, 0xff, MORE),
        (None, Some(Canned::Twice(table))) => {
            answer(&mut out, table, 0xff, MORE);
            answer(&mut out, table, 0xff, MORE);
        }
        (None, Some(Canned::Error(table, number, severity))) => {
            table.encode(&mut out);
            error(&mut out, *number, *severity, "What a server says of it, which may hold a value: 'demo-value'.");
            done_call(&mut out, ERROR);
            return Some(out);
        }
        (None, Some(Canned::Silence)) => return None,
        (None, None) => {
            error(&mut out, 208, 16, NOTHING);
            done_call(&mut out, ERROR);
            return Some(out);
        }
    }
    done_call(&mut out, 0);
    Some(out)
}

/// What the server says of a query's columns before it is asked; of one that it does not know, what is wrong.
fn description(table: Option<Table>) -> Table {
    let columns = [
        ("name", Kind::Nvarchar(128)),
        ("system_type_name", Kind::Nvarchar(256)),
        ("collation_name", Kind::Nvarchar(128)),
        ("error_number", Kind::Int),
        ("error_severity", Kind::Int),
        ("error_message", Kind::Nvarchar(4000)),
    ];
    let Some(table) = table else {
        let nulls = [Value::Null, Value::Null, Value::Null];
        let wrong = [Value::Whole(208), Value::Whole(16), NOTHING.into()];
        return Table::new(&columns).with([[nulls, wrong].concat()]);
    };
    Table::new(&columns).with(table.columns.into_iter().map(|column| {
        let [name, kind, collation] = [Some(column.name.clone()), Some(column.type_name()), column.collation()];
        [name, kind, collation, None, None, None].map(Value::from).to_vec()
    }))
}

fn let_in(login: &Login) -> Result<(), (u32, u8, &'static str)> {
    if login.user != USER || login.password != PASSWORD {
        return Err((18456, 14, "Login failed for user 'spine'."));
    }
    if login.database != DATABASE {
        return Err((4060, 11, "Cannot open database \"other\" requested by the login. The login failed."));
    }
    Ok(())
}

/// What a client of PRELOGIN says of TLS: each option is a number, where it stands and its length, up to 0xff.
fn asked_encryption(body: &[u8]) -> u8 {
    let options = body.chunks_exact(5).take_while(|option| option[0] != 0xff);
    let encryption = options.into_iter().find(|option| option[0] == 1);
    let at = encryption.map_or(0, |option| usize::from(u16::from_be_bytes([option[1], option[2]])));
    body.get(at).copied().filter(|_| at > 0).unwrap_or(NOT_SUPPORTED)
}

/// VERSION, ENCRYPTION, INSTOPT, THREADID and MARS.
fn prelogin(encryption: u8) -> Vec<u8> {
    let options: [(u8, &[u8]); 5] =
        [(0, &[16, 0, 0x10, 0x89, 0, 0]), (1, &[encryption]), (2, &[0]), (3, &[]), (4, &[0])];
    let (mut heads, mut values) = (Vec::new(), Vec::new());
    for (option, value) in options {
        let at = u16::try_from(options.len() * 5 + 1 + values.len()).unwrap();
        heads.push(option);
        heads.extend(at.to_be_bytes());
        heads.extend(u16::try_from(value.len()).unwrap().to_be_bytes());
        values.extend(value);
    }
    [heads, vec![0xff], values].concat()
}

/// ENVCHANGE, INFO and LOGINACK, as a server greets.
fn signed_in(out: &mut Vec<u8>, login: &Login) {
    env(out, 1, &short(&login.database), &short("master"));
    said(out, 0xab, 5701, 10, &format!("Changed database context to '{}'.", login.database));
    env(out, 7, &[5, 0x09, 0x04, 0xd0, 0x00, 0x34], &[0]);
    env(out, 2, &short("us_english"), &short(""));
    let mut ack = vec![1, 0x74, 0, 0, 4];
    ack.extend(short("Microsoft SQL Server"));
    ack.extend([16, 0, 0x10, 0x89]);
    token(out, 0xad, &ack);
    env(out, 4, &short(&login.packet.to_string()), &short("4096"));
    assert!(!login.application.is_empty(), "a client says who it is");
}

/// To another server: TCP, a port and a name.
fn route(out: &mut Vec<u8>, port: u16) {
    let mut to = vec![0];
    to.extend(port.to_le_bytes());
    to.extend(u16::try_from("localhost".len()).unwrap().to_le_bytes());
    to.extend(utf16("localhost"));
    let length = u16::try_from(to.len()).unwrap().to_le_bytes();
    env(out, 20, &[&length, to.as_slice()].concat(), &[0, 0]);
}

fn begin(out: &mut Vec<u8>, transaction: &mut u64, transactions: &mut u64) {
    *transactions += 1;
    *transaction = *transactions | 0x33 << 32;
    env(out, 8, &[&[8], transaction.to_le_bytes().as_slice()].concat(), &[0]);
}

fn end(out: &mut Vec<u8>, kind: u8, transaction: &mut u64) {
    env(out, kind, &[0], &[&[8], transaction.to_le_bytes().as_slice()].concat());
    *transaction = 0;
}

fn answer(out: &mut Vec<u8>, table: &Table, token: u8, more: u16) {
    table.encode(out);
    done(out, token, COUNTED | more, table.rows.len() as u64);
}

/// RETURNSTATUS and DONEPROC.
fn done_call(out: &mut Vec<u8>, status: u16) {
    out.push(0x79);
    out.extend(0_i32.to_le_bytes());
    done(out, 0xfe, status, 0);
}

/// DONE, DONEPROC or DONEINPROC: 0xc1 is a SELECT.
fn done(out: &mut Vec<u8>, token: u8, status: u16, rows: u64) {
    out.push(token);
    out.extend(status.to_le_bytes());
    out.extend(0xc1_u16.to_le_bytes());
    out.extend(rows.to_le_bytes());
}

fn env(out: &mut Vec<u8>, kind: u8, new: &[u8], old: &[u8]) {
    token(out, 0xe3, &[&[kind], new, old].concat());
}

fn error(out: &mut Vec<u8>, number: u32, severity: u8, message: &str) {
    said(out, 0xaa, number, severity, message);
}

/// ERROR or INFO.
fn said(out: &mut Vec<u8>, kind: u8, number: u32, severity: u8, message: &str) {
    let mut body = number.to_le_bytes().to_vec();
    body.extend([1, severity]);
    body.extend(u16::try_from(message.encode_utf16().count()).unwrap().to_le_bytes());
    body.extend(utf16(message));
    body.extend(short("embedded"));
    body.extend(short(""));
    body.extend(1_u32.to_le_bytes());
    token(out, kind, &body);
}

fn token(out: &mut Vec<u8>, kind: u8, body: &[u8]) {
    out.push(kind);
    out.extend(u16::try_from(body.len()).unwrap().to_le_bytes());
    out.extend(body);
}

/// A text with its length in front, in one byte.
fn short(text: &str) -> Vec<u8> {
    let units = utf16(text);
    [vec![u8::try_from(units.len() / 2).unwrap()], units].concat()
}

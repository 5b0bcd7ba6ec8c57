//! `MySQL` and `MariaDB`: each query runs prepared, in a session that reads only and in which the server itself watches the
//! time.

use std::net::SocketAddr;
use std::time::Duration;

use async_trait::async_trait;
use mysql_async::consts::ColumnType;
use mysql_async::prelude::Queryable;
use mysql_async::{Column, Conn, Error, IoError, Opts, OptsBuilder, Params, Row, ServerError, SslOpts, Value};
use secrecy::ExposeSecret;

use super::config::Tls;
use super::rows::{Answer, Writer};
use super::session::{
    Asked, Login, Server, Session, broken, keyset, misconfigured, not_of_this_list, not_reached, short,
};
use super::statement::Statement;
use crate::systems::ErrorKind;
use crate::systems::upstream::{Failed, Retry, address};

/// A server.
#[derive(Debug)]
pub(super) struct Mysql {
    pub(super) login: Login,
    pub(super) tls: Tls,
    /// CA certificates beside the public ones, in DER.
    pub(super) roots: Vec<Vec<u8>>,
}

/// More than the queries of a configuration.
const STATEMENTS: usize = 64;

impl Mysql {
    fn options(&self, addresses: &[SocketAddr]) -> Opts {
        let roots = self.roots.iter().map(|certificate| certificate.clone().into()).collect();
        let ssl = SslOpts::default().with_root_certs(roots);
        let ssl = match self.tls {
            Tls::VerifyFull => Some(ssl),
            Tls::Required => Some(ssl.with_danger_accept_invalid_certs(true).with_danger_skip_domain_validation(true)),
            Tls::Plain => None,
        };
        OptsBuilder::default()
            .ip_or_hostname(&self.login.host)
            .resolved_ips(Some(addresses.iter().map(SocketAddr::ip).collect::<Vec<_>>()))
            .tcp_port(self.login.port)
            .db_name(Some(&self.login.database))
            .user(Some(&self.login.user))
            .pass(Some(self.login.password.expose_secret()))
            .prefer_socket(false)
            .stmt_cache_size(STATEMENTS)
            .connect_attribute("program_name", "spine")
            .ssl_opts(ssl)
            .into()
    }
}

#[async_trait]
impl Server for Mysql {
    fn address(&self) -> String {
        self.login.address()
    }

    async fn open(&self) -> Result<Box<dyn Session>, Failed> {
        let addresses = address::lookup(&self.login.host, self.login.port).await;
        let addresses = addresses.map_err(|error| not_reached(&error))?;
        let mut conn = Conn::new(self.options(&addresses)).await.map_err(|error| not_let_in(&error))?;
        conn.query_drop("SET SESSION TRANSACTION READ ONLY").await.map_err(|error| failed(&error))?;
        conn.query_drop("SET SESSION time_zone = '+00:00'").await.map_err(|error| failed(&error))?;
        let version: Option<String> = conn.query_first("SELECT VERSION()").await.map_err(|error| failed(&error))?;
        let mariadb = version.is_some_and(|version| version.contains("MariaDB"));
        let variable = if mariadb { "SELECT @@tx_read_only" } else { "SELECT @@transaction_read_only" };
        let reads_only: Option<u8> = conn.query_first(variable).await.map_err(|error| failed(&error))?;
        if reads_only != Some(1) {
            return Err(Failed::new(ErrorKind::NotAllowed, Retry::No, "the session cannot be made to read only"));
        }
        Ok(Box::new(Reading { conn, mariadb }))
    }
}

/// A session.
struct Reading {
    conn: Conn,
    mariadb: bool,
}

#[async_trait]
impl Session for Reading {
    async fn ask(
        &mut self,
        statement: &Statement,
        asked: Asked<'_>,
        time: Duration,
        cap: usize,
    ) -> Result<Answer, Failed> {
        let millis = time.as_millis().max(1);
        let limit = if self.mariadb {
            format!("SET SESSION max_statement_time = {}.{:03}", millis / 1000, millis % 1000)
        } else {
            format!("SET SESSION max_execution_time = {millis}")
        };
        self.conn.query_drop(limit).await.map_err(|error| failed(&error))?;
        let prepared = self.conn.prep(statement.text.as_str()).await.map_err(|error| failed(&error))?;
        let columns = prepared.columns();
        for column in columns.iter() {
            readable(column)?;
        }
        let parameters = parameters(&columns, asked)?;
        let names = columns.iter().map(|column| column.name_str().into_owned()).collect();
        let mut writer = Writer::new(names, cap);
        let mut rows = self.conn.exec_iter(&prepared, parameters).await.map_err(|error| failed(&error))?;
        while let Some(row) = rows.next().await.map_err(|error| failed(&error))? {
            write(&row, &mut writer)?;
        }
        rows.drop_result().await.map_err(|error| failed(&error))?;
        writer.answer()
    }
}

/// Whether a column has a type whose values can be read exactly.
fn readable(column: &Column) -> Result<(), Failed> {
    use ColumnType as T;
    let why = match column.column_type() {
        T::MYSQL_TYPE_FLOAT | T::MYSQL_TYPE_DOUBLE => "is a float, which is not exact: cast it to decimal",
        T::MYSQL_TYPE_BIT => "is a bit field: compare it, e.g. `paid = 1`",
        T::MYSQL_TYPE_TIME | T::MYSQL_TYPE_TIME2 => "is a time of day: cast it to char",
        T::MYSQL_TYPE_GEOMETRY => "is a geometry: cast it to char",
        _ => return Ok(()),
    };
    Err(misconfigured(format!("column `{}` {why}", column.name_str())))
}

/// Whether a column holds whole numbers.
fn is_whole(column: &Column) -> bool {
    use ColumnType as T;
    matches!(
        column.column_type(),
        T::MYSQL_TYPE_TINY | T::MYSQL_TYPE_SHORT | T::MYSQL_TYPE_INT24 | T::MYSQL_TYPE_LONG | T::MYSQL_TYPE_LONGLONG
    )
}

/// The values of a query's parameters.
fn parameters(columns: &[Column], asked: Asked<'_>) -> Result<Params, Failed> {
    let values = match asked {
        Asked::Keys(keys) => {
            let list = serde_json::to_string(keys).map_err(|_| misconfigured("keys that are no text"))?;
            vec![Value::Bytes(list.into_bytes())]
        }
        Asked::After(id, rows) => {
            let names: Vec<_> = columns.iter().map(Column::name_str).collect();
            let by = keyset(names.iter().map(AsRef::as_ref));
            let whole = columns.iter().zip(&names).any(|(column, name)| name == by && is_whole(column));
            let after = match id {
                None if whole => Value::Int(i64::MIN),
                None => Value::Bytes(Vec::new()),
                Some(id) if whole => {
                    let number = id.parse().map(Value::Int).or_else(|_| id.parse().map(Value::UInt));
                    number.map_err(|_| not_of_this_list())?
                }
                Some(id) => Value::Bytes(id.as_bytes().to_vec()),
            };
            vec![after, Value::UInt(rows)]
        }
        Asked::Offset(rows, over) => vec![Value::UInt(rows), Value::UInt(over)],
    };
    Ok(Params::Positional(values))
}

fn write(row: &Row, writer: &mut Writer) -> Result<(), Failed> {
    writer.row()?;
    for (at, column) in row.columns_ref().iter().enumerate() {
        match row.as_ref(at) {
            None | Some(Value::NULL) => writer.null(),
            Some(value) => write_value(column, value, writer)?,
        }
    }
    writer.end_row();
    Ok(())
}

fn write_value(column: &Column, value: &Value, writer: &mut Writer) -> Result<(), Failed> {
    match value {
        Value::Int(number) => writer.literal(&number.to_string()),
        Value::UInt(number) => writer.literal(&number.to_string()),
        Value::Bytes(bytes) => {
            let text = str::from_utf8(bytes).map_err(|_| writer.unreadable("holds bytes that are no text"))?;
            if column.column_type() == ColumnType::MYSQL_TYPE_JSON {
                writer.json(text)?;
            } else {
                writer.text(text)?;
            }
        }
        Value::Date(year, month, day, hour, minute, second, micros) => {
            let date = format!("{year:04}-{month:02}-{day:02}");
            let zone = match column.column_type() {
                ColumnType::MYSQL_TYPE_DATE | ColumnType::MYSQL_TYPE_NEWDATE => return writer.text(&date),
                // The session's zone is UTC. A datetime has none.
                ColumnType::MYSQL_TYPE_TIMESTAMP | ColumnType::MYSQL_TYPE_TIMESTAMP2 => "Z",
                _ => "",
            };
            let fraction = if *micros == 0 { String::new() } else { format!(".{micros:06}") };
            writer.text(&format!("{date}T{hour:02}:{minute:02}:{second:02}{fraction}{zone}"))?;
        }
        Value::NULL | Value::Float(_) | Value::Double(_) | Value::Time(..) => {
            return Err(writer.unreadable("is not what its type says"));
        }
    }
    Ok(())
}

/// Why there is no session.
fn not_let_in(error: &Error) -> Failed {
    match error {
        Error::Io(IoError::Tls(error)) => {
            Failed::new(ErrorKind::Connect, Retry::No, format!("TLS: {}", short(&format!("{error}"))))
        }
        Error::Io(IoError::Io(error)) => match error.get_ref() {
            Some(tls) if tls.is::<rustls::Error>() => {
                Failed::new(ErrorKind::Connect, Retry::No, format!("TLS: {}", short(&tls.to_string())))
            }
            _ => not_reached(error),
        },
        Error::Server(_) => failed(error),
        Error::Driver(mysql_async::DriverError::NoClientSslFlagFromServer) => {
            Failed::new(ErrorKind::Connect, Retry::No, "TLS: the server does not offer it")
        }
        _ => Failed::new(ErrorKind::Connect, Retry::No, "protocol: not what the server's protocol promises"),
    }
}

/// What went wrong, in our words.
fn failed(error: &Error) -> Failed {
    match error {
        Error::Server(error) => judged(error),
        Error::Io(IoError::Io(error)) => broken(&error.kind().to_string()),
        // What the driver says may hold a value, so it is not repeated.
        _ => broken("not what the server's protocol promises"),
    }
}

/// What an error of the server means, by its number.
fn judged(error: &ServerError) -> Failed {
    let code = error.code;
    let (kind, retry) = match code {
        // A wrong password or user, or one that must change its password.
        1045 | 1698 | 1251 | 1820 | 1862 | 3118 | 4151 => (ErrorKind::Unauthorized, Retry::No),
        1044 | 1142 | 1143 | 1227 | 1370 => (ErrorKind::Forbidden, Retry::No),
        // A statement that writes, in a transaction that reads only or on a server that does.
        1792 | 1290 | 1836 => (ErrorKind::NotAllowed, Retry::No),
        1969 | 3024 => (ErrorKind::Timeout, Retry::No),
        1040 | 1203 | 1226 => (ErrorKind::RateLimited, Retry::Backoff),
        1205 | 1213 => (ErrorKind::Broken, Retry::Backoff),
        1053 | 1077 | 1079 | 1927 => return broken(&format!("error {code}")),
        1049 => (ErrorKind::BadRequest, Retry::No),
        // Syntax, names, types: the query is wrong.
        _ if error.state.starts_with("42") || error.state.starts_with("22") || matches!(code, 1210 | 1267 | 1271) => {
            (ErrorKind::BadRequest, Retry::No)
        }
        _ => (ErrorKind::Broken, Retry::No),
    };
    // What the server says of a query's own text names columns and tables; what it says of values may hold them.
    let detail = if error.state.starts_with("42") && kind == ErrorKind::BadRequest {
        format!("error {code}: {}", short(&error.message))
    } else {
        format!("error {code}")
    };
    Failed::new(kind, retry, detail)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn column(name: &str, kind: ColumnType) -> Column {
        Column::new(kind).with_name(name.as_bytes())
    }

    #[test]
    fn floats_are_refused_by_name() {
        for kind in [ColumnType::MYSQL_TYPE_FLOAT, ColumnType::MYSQL_TYPE_DOUBLE] {
            let failed = readable(&column("net", kind)).unwrap_err();
            assert_eq!(failed.kind, ErrorKind::BadRequest);
            assert!(failed.detail.unwrap().starts_with("column `net` is a float"));
        }
        assert!(readable(&column("net", ColumnType::MYSQL_TYPE_NEWDECIMAL)).is_ok());
    }

    #[test]
    fn keys_are_one_json_list_whatever_they_hold() {
        let keys = ["PRJ-1", "x'); DROP TABLE t; --", "a\"b\\"];
        let Params::Positional(values) = parameters(&[], Asked::Keys(&keys)).unwrap() else { panic!() };
        let [Value::Bytes(list)] = values.as_slice() else { panic!() };
        assert_eq!(serde_json::from_slice::<Vec<String>>(list).unwrap(), keys);
    }

    #[test]
    fn a_list_begins_before_the_least_id_of_its_type() {
        let first = |kind| {
            let Params::Positional(values) = parameters(&[column("id", kind)], Asked::After(None, 5)).unwrap() else {
                panic!()
            };
            values
        };
        assert_eq!(first(ColumnType::MYSQL_TYPE_LONG), [Value::Int(i64::MIN), Value::UInt(5)]);
        assert_eq!(first(ColumnType::MYSQL_TYPE_VAR_STRING), [Value::Bytes(vec![]), Value::UInt(5)]);
        let columns = [column("id", ColumnType::MYSQL_TYPE_LONG)];
        assert!(parameters(&columns, Asked::After(Some("x"), 5)).is_err());
    }

    #[test]
    fn values_are_written_as_their_columns_mean_them() {
        let mut writer = Writer::new(["net", "at", "on", "seen"].map(str::to_owned).into(), 1000);
        writer.row().unwrap();
        let date = Value::Date(2026, 1, 31, 8, 5, 0, 0);
        for (kind, value) in [
            (ColumnType::MYSQL_TYPE_NEWDECIMAL, Value::Bytes(b"1234567890123456.78".to_vec())),
            (ColumnType::MYSQL_TYPE_DATETIME, date.clone()),
            (ColumnType::MYSQL_TYPE_DATE, date),
            (ColumnType::MYSQL_TYPE_TIMESTAMP, Value::Date(2026, 1, 31, 8, 5, 0, 250_000)),
        ] {
            write_value(&column("", kind), &value, &mut writer).unwrap();
        }
        writer.end_row();
        let expected = r#"[{"net":"1234567890123456.78","at":"2026-01-31T08:05:00","on":"2026-01-31","seen":"2026-01-31T08:05:00.250000Z"}]"#;
        assert_eq!(String::from_utf8(writer.answer().unwrap().body).unwrap(), expected);
    }

    #[test]
    fn each_error_means_one_thing() {
        let judge = |code, state: &str| {
            let message = "Unknown column 'x'".to_owned();
            let failed = judged(&ServerError { code, state: state.to_owned(), message });
            (failed.kind, failed.stale, failed.detail.unwrap().to_string())
        };
        assert_eq!(judge(1045, "28000"), (ErrorKind::Unauthorized, false, "error 1045".to_owned()));
        assert_eq!(judge(1792, "25006").0, ErrorKind::NotAllowed);
        assert_eq!(judge(1969, "70100").0, ErrorKind::Timeout);
        assert_eq!(judge(1054, "42S22"), (ErrorKind::BadRequest, false, "error 1054: Unknown column 'x'".to_owned()));
        assert!(judge(1053, "08S01").1);
    }
}

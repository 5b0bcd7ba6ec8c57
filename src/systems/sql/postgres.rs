//! `PostgreSQL`: each query runs prepared, in a transaction that reads only and in which the server itself watches the time.

use std::collections::HashMap;
use std::error::Error;
use std::fmt::Write as _;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use futures_util::{TryStreamExt, pin_mut};
use rustls::ClientConfig;
use rustls::pki_types::ServerName;
use secrecy::ExposeSecret;
use tokio_postgres::config::SslMode;
use tokio_postgres::error::DbError;
use tokio_postgres::types::{FromSql, IsNull, Kind, ToSql, Type, to_sql_checked};
use tokio_postgres::{Client, Config, NoTls, Row};

use super::rows::{Answer, Writer};
use super::session::{
    Asked, Login, Server, Session, broken, count, misconfigured, not_of_this_list, not_reached, reached, short,
};
use super::statement::Statement;
use super::upgrade::Upgrade;
use crate::systems::ErrorKind;
use crate::systems::upstream::{Failed, Retry};

/// A server.
#[derive(Debug)]
pub(super) struct Postgres {
    pub(super) login: Login,
    /// None: not encrypted.
    pub(super) tls: Option<Arc<ClientConfig>>,
}

/// What makes a session one that reads only, whatever it is asked.
const READ_ONLY: &str = "SET default_transaction_read_only = on; SET TimeZone = 'UTC'";

#[async_trait]
impl Server for Postgres {
    fn address(&self) -> String {
        self.login.address()
    }

    async fn open(&self) -> Result<Box<dyn Session>, Failed> {
        let Login { host, port, database, user, password } = &self.login;
        let stream = reached(host, *port).await?;
        stream.set_nodelay(true).map_err(|error| not_reached(&error))?;
        let mut config = Config::new();
        config.user(user).password(password.expose_secret()).dbname(database).application_name("spine");
        let client = if let Some(settings) = &self.tls {
            config.ssl_mode(SslMode::Require);
            let host = ServerName::try_from(host.clone())
                .map_err(|_| misconfigured("`host` is no name that a certificate can have"))?;
            let upgrade = Upgrade { settings: Arc::clone(settings), host };
            let (client, connection) = config.connect_raw(stream, upgrade).await.map_err(|error| not_let_in(&error))?;
            tokio::spawn(connection);
            client
        } else {
            config.ssl_mode(SslMode::Disable);
            let (client, connection) = config.connect_raw(stream, NoTls).await.map_err(|error| not_let_in(&error))?;
            tokio::spawn(connection);
            client
        };
        client.batch_execute(READ_ONLY).await.map_err(|error| failed(&error))?;
        Ok(Box::new(Reading { client, prepared: HashMap::new() }))
    }
}

/// A session.
struct Reading {
    client: Client,
    prepared: HashMap<&'static str, Prepared>,
}

/// A query that the server knows.
#[derive(Clone)]
struct Prepared {
    statement: tokio_postgres::Statement,
    columns: Arc<[String]>,
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
        let begin = format!("BEGIN READ ONLY; SET LOCAL statement_timeout = {millis}");
        self.client.batch_execute(&begin).await.map_err(|error| failed(&error))?;
        let prepared = self.prepare(statement).await?;
        let parameters = parameters(prepared.statement.params(), asked)?;
        let mut writer = Writer::new(prepared.columns, cap);
        let rows = self.client.query_raw(&prepared.statement, parameters).await.map_err(|error| failed(&error))?;
        pin_mut!(rows);
        while let Some(row) = rows.try_next().await.map_err(|error| failed(&error))? {
            write(&row, &mut writer)?;
        }
        self.client.batch_execute("ROLLBACK").await.map_err(|error| failed(&error))?;
        writer.answer()
    }
}

impl Reading {
    async fn prepare(&mut self, statement: &Statement) -> Result<Prepared, Failed> {
        if let Some(known) = self.prepared.get(statement.operation) {
            return Ok(known.clone());
        }
        let known = self.client.prepare(&statement.text).await.map_err(|error| failed(&error))?;
        for column in known.columns() {
            readable(column.name(), column.type_())?;
        }
        let columns = known.columns().iter().map(|column| column.name().to_owned()).collect();
        let prepared = Prepared { statement: known, columns };
        self.prepared.insert(statement.operation, prepared.clone());
        Ok(prepared)
    }
}

/// Whether a column has a type whose values can be read exactly.
fn readable(name: &str, kind: &Type) -> Result<(), Failed> {
    let why = match *kind {
        Type::FLOAT4 | Type::FLOAT8 => "is a float, which is not exact: cast it to numeric",
        Type::MONEY => "is money, whose text depends on the server's locale: cast it to numeric",
        Type::BOOL
        | Type::INT2
        | Type::INT4
        | Type::INT8
        | Type::OID
        | Type::NUMERIC
        | Type::TEXT
        | Type::VARCHAR
        | Type::BPCHAR
        | Type::NAME
        | Type::UNKNOWN
        | Type::UUID
        | Type::DATE
        | Type::TIMESTAMP
        | Type::TIMESTAMPTZ
        | Type::JSON
        | Type::JSONB
        | Type::TEXT_ARRAY
        | Type::VARCHAR_ARRAY => return Ok(()),
        _ if matches!(kind.kind(), Kind::Enum(_)) || kind.name() == "citext" => return Ok(()),
        _ => return Err(misconfigured(format!("column `{name}` has the type {}: cast it to text", kind.name()))),
    };
    Err(misconfigured(format!("column `{name}` {why}")))
}

/// The values of a query's parameters, in the types that the server has found for them. A key that cannot be a value of
/// its type is no key of the database.
fn parameters(types: &[Type], asked: Asked<'_>) -> Result<Vec<Value>, Failed> {
    let wrong =
        || misconfigured("a parameter has a type that no key has: compare it with a text, a whole number or a uuid");
    match (asked, types) {
        (Asked::Keys(keys), [list]) => {
            let Kind::Array(element) = list.kind() else {
                return Err(misconfigured("the keys are a list: write `= ANY($1)`"));
            };
            let values = match *element {
                Type::INT2 | Type::INT4 | Type::INT8 => {
                    Value::Numbers(keys.iter().filter_map(|key| number(key)).collect())
                }
                Type::UUID => Value::Uuids(keys.iter().filter_map(|key| uuid(key)).collect()),
                _ if is_text(element) => Value::Texts(keys.iter().map(|key| (*key).to_owned()).collect()),
                _ => return Err(wrong()),
            };
            Ok(vec![values])
        }
        (Asked::After(id, rows), [after, _]) => {
            let after = match (after, id) {
                (&(Type::INT2 | Type::INT4 | Type::INT8), None) => Value::Least,
                (&(Type::INT2 | Type::INT4 | Type::INT8), Some(id)) => {
                    Value::Number(number(id).ok_or_else(not_of_this_list)?)
                }
                (&Type::UUID, None) => Value::Uuid([0; 16]),
                (&Type::UUID, Some(id)) => Value::Uuid(uuid(id).ok_or_else(not_of_this_list)?),
                (kind, id) if is_text(kind) => Value::Text(id.unwrap_or_default().to_owned()),
                _ => return Err(wrong()),
            };
            Ok(vec![after, Value::Number(count(rows))])
        }
        (Asked::Offset(rows, over), [_, _]) => Ok(vec![Value::Number(count(rows)), Value::Number(count(over))]),
        _ => Err(wrong()),
    }
}

fn is_text(kind: &Type) -> bool {
    <&str as ToSql>::accepts(kind)
}

/// A whole number, written as a database writes it: `007` is another key than `7`.
fn number(text: &str) -> Option<i64> {
    text.parse::<i64>().ok().filter(|number| number.to_string() == text)
}

fn uuid(text: &str) -> Option<[u8; 16]> {
    let digits: String = text.chars().filter(|sign| *sign != '-').collect();
    let number = u128::from_str_radix(&digits, 16).ok().filter(|_| digits.len() == 32 && text.len() == 36)?;
    Some(number.to_be_bytes())
}

/// A parameter.
#[derive(Debug)]
enum Value {
    Text(String),
    Texts(Vec<String>),
    Number(i64),
    Numbers(Vec<i64>),
    /// The least whole number of its type.
    Least,
    Uuid([u8; 16]),
    Uuids(Vec<[u8; 16]>),
}

impl ToSql for Value {
    fn to_sql(&self, kind: &Type, out: &mut bytes::BytesMut) -> Result<IsNull, Box<dyn Error + Sync + Send>> {
        /// A value beyond the range of a smaller type is put in at its end: no row has it, and all are on its right side.
        fn small<T: TryFrom<i64>>(number: i64, least: T, greatest: T) -> T {
            T::try_from(number).unwrap_or(if number < 0 { least } else { greatest })
        }
        match (self, kind) {
            (Self::Text(text), _) => text.as_str().to_sql(kind, out),
            (Self::Texts(texts), _) => texts.to_sql(kind, out),
            (Self::Number(number), &Type::INT2) => small(*number, i16::MIN, i16::MAX).to_sql(kind, out),
            (Self::Number(number), &Type::INT4) => small(*number, i32::MIN, i32::MAX).to_sql(kind, out),
            (Self::Number(number), _) => number.to_sql(kind, out),
            (Self::Numbers(numbers), &Type::INT2_ARRAY) => {
                let fit: Vec<i16> = numbers.iter().filter_map(|number| (*number).try_into().ok()).collect();
                fit.to_sql(kind, out)
            }
            (Self::Numbers(numbers), &Type::INT4_ARRAY) => {
                let fit: Vec<i32> = numbers.iter().filter_map(|number| (*number).try_into().ok()).collect();
                fit.to_sql(kind, out)
            }
            (Self::Numbers(numbers), _) => numbers.to_sql(kind, out),
            (Self::Least, &Type::INT2) => i16::MIN.to_sql(kind, out),
            (Self::Least, &Type::INT4) => i32::MIN.to_sql(kind, out),
            (Self::Least, _) => i64::MIN.to_sql(kind, out),
            (Self::Uuid(uuid), _) => Uuid(*uuid).to_sql(kind, out),
            (Self::Uuids(uuids), _) => uuids.iter().copied().map(Uuid).collect::<Vec<_>>().to_sql(kind, out),
        }
    }

    fn accepts(_: &Type) -> bool {
        true
    }

    to_sql_checked!();
}

#[derive(Debug)]
struct Uuid([u8; 16]);

impl ToSql for Uuid {
    fn to_sql(&self, _: &Type, out: &mut bytes::BytesMut) -> Result<IsNull, Box<dyn Error + Sync + Send>> {
        out.extend_from_slice(&self.0);
        Ok(IsNull::No)
    }

    fn accepts(kind: &Type) -> bool {
        *kind == Type::UUID
    }

    to_sql_checked!();
}

/// A value as it stands in an answer.
struct Raw<'a>(&'a [u8]);

impl<'a> FromSql<'a> for Raw<'a> {
    fn from_sql(_: &Type, raw: &'a [u8]) -> Result<Self, Box<dyn Error + Sync + Send>> {
        Ok(Self(raw))
    }

    fn accepts(_: &Type) -> bool {
        true
    }
}

fn write(row: &Row, writer: &mut Writer) -> Result<(), Failed> {
    writer.row()?;
    for (at, column) in row.columns().iter().enumerate() {
        let unreadable = |writer: &Writer| writer.unreadable("cannot be read");
        let Some(Raw(raw)) = row.try_get::<_, Option<Raw<'_>>>(at).map_err(|_| unreadable(writer))? else {
            writer.null();
            continue;
        };
        value(column.type_(), raw, writer)?;
    }
    writer.end_row();
    Ok(())
}

/// Writes one value of the binary protocol.
fn value(kind: &Type, raw: &[u8], writer: &mut Writer) -> Result<(), Failed> {
    let bad = |writer: &Writer| writer.unreadable("is not what its type says");
    match *kind {
        Type::BOOL => writer.literal(if raw == [0] { "false" } else { "true" }),
        Type::INT2 | Type::INT4 | Type::INT8 => {
            writer.literal(&integer(raw).ok_or_else(|| bad(writer))?.to_string());
        }
        Type::OID => {
            let number = raw.try_into().map(u32::from_be_bytes).map_err(|_| bad(writer))?;
            writer.literal(&number.to_string());
        }
        Type::NUMERIC => writer.text(&numeric(raw).ok_or_else(|| bad(writer))?)?,
        Type::UUID => {
            let number = raw.try_into().map(u128::from_be_bytes).map_err(|_| bad(writer))?;
            let digits = format!("{number:032x}");
            let part = |range| digits.get(range).unwrap_or_default();
            writer.text(&[part(0..8), part(8..12), part(12..16), part(16..20), part(20..32)].join("-"))?;
        }
        Type::DATE => writer.text(&date(integer(raw).ok_or_else(|| bad(writer))?))?,
        Type::TIMESTAMP => writer.text(&moment(integer(raw).ok_or_else(|| bad(writer))?, ""))?,
        Type::TIMESTAMPTZ => writer.text(&moment(integer(raw).ok_or_else(|| bad(writer))?, "Z"))?,
        Type::JSON => writer.json(str::from_utf8(raw).map_err(|_| bad(writer))?)?,
        Type::JSONB => {
            // One byte says which version of the format follows.
            let text = raw.split_first().and_then(|(_, text)| str::from_utf8(text).ok());
            writer.json(text.ok_or_else(|| bad(writer))?)?;
        }
        Type::TEXT_ARRAY | Type::VARCHAR_ARRAY => {
            let texts = Vec::<Option<&str>>::from_sql(kind, raw).map_err(|_| bad(writer))?;
            writer.list(texts.into_iter());
        }
        _ => writer.text(str::from_utf8(raw).map_err(|_| bad(writer))?)?,
    }
    Ok(())
}

fn integer(raw: &[u8]) -> Option<i64> {
    Some(match raw.len() {
        2 => i16::from_be_bytes(raw.try_into().ok()?).into(),
        4 => i32::from_be_bytes(raw.try_into().ok()?).into(),
        _ => i64::from_be_bytes(raw.try_into().ok()?),
    })
}

/// A `numeric` as the server would print it: digits to the base of 10,000, the weight of the first, a sign, and how many
/// decimal places are shown.
fn numeric(raw: &[u8]) -> Option<String> {
    let mut words = raw.chunks(2).map(|word| word.try_into().ok().map(u16::from_be_bytes));
    let mut word = || words.next().flatten();
    let count = word()?;
    let weight = i32::from(word()?.cast_signed());
    let (sign, places) = (word()?, usize::from(word()?));
    match sign {
        0x0000 | 0x4000 => {}
        0xc000 => return Some("NaN".to_owned()),
        0xd000 => return Some("Infinity".to_owned()),
        0xf000 => return Some("-Infinity".to_owned()),
        _ => return None,
    }
    let digits: Vec<u16> = (0..count).map(|_| word()).collect::<Option<_>>()?;
    // The digit that stands for 10,000 to this power.
    let digit = |power: i32| usize::try_from(weight - power).ok().and_then(|at| digits.get(at)).copied().unwrap_or(0);
    let mut whole = String::new();
    for power in (0..=weight.max(0)).rev() {
        write!(whole, "{:04}", digit(power)).ok()?;
    }
    let whole = whole.trim_start_matches('0');
    let mut text = String::from(if sign == 0x4000 { "-" } else { "" });
    text.push_str(if whole.is_empty() { "0" } else { whole });
    if places > 0 {
        let mut fraction = String::new();
        for power in 1..=i32::try_from(places.div_ceil(4)).ok()? {
            write!(fraction, "{:04}", digit(-power)).ok()?;
        }
        text.push('.');
        text.push_str(fraction.get(..places)?);
    }
    Some(text)
}

/// Days and microseconds are counted from here: 2000-01-01, in seconds since 1970.
const EPOCH: i64 = 946_684_800;

/// A date as ISO 8601; one that has no such form (`infinity`) as a word that no reader takes for a date.
fn date(days: i64) -> String {
    let seconds = days.checked_mul(86_400).and_then(|seconds| seconds.checked_add(EPOCH));
    let moment = seconds.and_then(|seconds| jiff::Timestamp::from_second(seconds).ok());
    moment.map_or_else(
        || "no date".to_owned(),
        |moment| moment.to_zoned_datetime(jiff::tz::TimeZone::UTC).date().to_string(),
    )
}

fn moment(micros: i64, zone: &str) -> String {
    let micros = micros.checked_add(EPOCH * 1_000_000);
    let moment = micros.and_then(|micros| jiff::Timestamp::from_microsecond(micros).ok());
    moment.map_or_else(
        || "no date".to_owned(),
        |moment| format!("{}{zone}", moment.to_zoned_datetime(jiff::tz::TimeZone::UTC).datetime()),
    )
}

/// Why there is no session.
fn not_let_in(error: &tokio_postgres::Error) -> Failed {
    if error.as_db_error().is_some() {
        return failed(error);
    }
    let cause = error.source().map_or_else(|| error.to_string(), ToString::to_string);
    let step = if error.to_string().contains("TLS") { "TLS" } else { "protocol" };
    Failed::new(ErrorKind::Connect, Retry::No, format!("{step}: {}", short(&cause)))
}

/// What went wrong, in our words.
fn failed(error: &tokio_postgres::Error) -> Failed {
    if let Some(error) = error.as_db_error() {
        return judged(error);
    }
    let cause = error.source().map_or_else(|| error.to_string(), ToString::to_string);
    broken(&short(&cause))
}

/// What an error of the server means, by the class of its SQLSTATE.
fn judged(error: &DbError) -> Failed {
    let code = error.code().code();
    let (kind, retry) = match code {
        // A wrong password, or no such user.
        _ if code.starts_with("28") => (ErrorKind::Unauthorized, Retry::No),
        "42501" => (ErrorKind::Forbidden, Retry::No),
        // A statement that writes, in a transaction that reads only.
        "25006" => (ErrorKind::NotAllowed, Retry::No),
        "57014" if error.message().contains("timeout") => (ErrorKind::Timeout, Retry::No),
        "53300" | "53400" => (ErrorKind::RateLimited, Retry::Backoff),
        // A standby that cancelled the query to catch up; a server that starts or stops; a lock; a plan that is outdated.
        "57014" | "57P03" | "40001" | "40P01" | "55P03" => (ErrorKind::Broken, Retry::Backoff),
        "57P01" | "57P02" | "57P05" | "25P03" => return broken(&format!("SQLSTATE {code}")),
        // A table was changed after the query was prepared.
        "0A000" if error.message().contains("cached plan") => return broken("an outdated plan"),
        _ if code.starts_with("08") => (ErrorKind::Connect, Retry::Backoff),
        _ if ["42", "3D", "3F", "22", "0A", "34"].iter().any(|class| code.starts_with(class)) => {
            (ErrorKind::BadRequest, Retry::No)
        }
        _ => (ErrorKind::Broken, Retry::No),
    };
    // What the server says of a query's own text names columns and tables; what it says of values may hold them.
    let detail = if code.starts_with("42") {
        format!("SQLSTATE {code}: {}", short(error.message()))
    } else {
        format!("SQLSTATE {code}")
    };
    Failed::new(kind, retry, detail)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A `numeric` as the server sends it.
    fn sent(weight: i16, sign: u16, places: u16, digits: &[u16]) -> Option<String> {
        let count = u16::try_from(digits.len()).unwrap();
        let words = [count, weight.cast_unsigned(), sign, places];
        let bytes: Vec<u8> = words.iter().chain(digits).flat_map(|word| word.to_be_bytes()).collect();
        numeric(&bytes)
    }

    #[test]
    fn numerics_are_read_to_the_last_digit() {
        for (weight, sign, places, digits, text) in [
            (0, 0, 0, &[][..], "0"),
            (0, 0, 2, &[], "0.00"),
            (0, 0, 2, &[12, 3400], "12.34"),
            (0, 0x4000, 2, &[12, 3400], "-12.34"),
            (-1, 0, 4, &[1], "0.0001"),
            (-2, 0, 6, &[100], "0.000001"),
            (1, 0, 0, &[1], "10000"),
            (1, 0, 1, &[12, 34, 5000], "120034.5"),
            (3, 0, 2, &[1234, 5678, 9012, 3456, 7800], "1234567890123456.78"),
            (0, 0xc000, 0, &[], "NaN"),
            (0, 0xd000, 0, &[], "Infinity"),
        ] {
            assert_eq!(sent(weight, sign, places, digits).as_deref(), Some(text));
        }
        assert_eq!(sent(0, 0x1234, 0, &[1]), None);
        assert_eq!(numeric(&[0, 2, 0, 0, 0, 0, 0, 0, 0, 1]), None, "a digit is missing");
    }

    #[test]
    fn dates_and_moments_are_iso() {
        assert_eq!([date(0), date(-1), date(9_497)], ["2000-01-01", "1999-12-31", "2026-01-01"]);
        assert_eq!(date(i64::from(i32::MAX)), "no date");
        assert_eq!(moment(0, "Z"), "2000-01-01T00:00:00Z");
        assert_eq!(moment(1_500_000, ""), "2000-01-01T00:00:01.5");
        assert_eq!(moment(i64::MAX, "Z"), "no date");
    }

    #[test]
    fn keys_are_values_of_the_parameters_type_or_no_keys_at_all() {
        let keys = Asked::Keys(&["7", "007", "x", "99999999999"]);
        let given = |kind| format!("{:?}", parameters(&[kind], keys).unwrap());
        assert_eq!(given(Type::INT8_ARRAY), "[Numbers([7, 99999999999])]");
        assert_eq!(given(Type::TEXT_ARRAY), r#"[Texts(["7", "007", "x", "99999999999"])]"#);
        assert_eq!(given(Type::UUID_ARRAY), "[Uuids([])]");
        assert!(parameters(&[Type::TEXT], keys).unwrap_err().detail.unwrap().contains("ANY($1)"));
        assert!(parameters(&[Type::FLOAT8_ARRAY], keys).is_err());
        let id = "a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11";
        assert_eq!(uuid(id).map(u128::from_be_bytes), Some(0xa0ee_bc99_9c0b_4ef8_bb6d_6bb9_bd38_0a11));
        assert_eq!(uuid("a0eebc999c0b4ef8bb6d6bb9bd380a11"), None);
    }

    #[test]
    fn floats_and_money_are_refused_by_name() {
        for kind in [Type::FLOAT4, Type::FLOAT8, Type::MONEY] {
            let failed = readable("net", &kind).unwrap_err();
            assert_eq!(failed.kind, ErrorKind::BadRequest);
            assert!(failed.detail.unwrap().starts_with("column `net`"));
        }
        assert!(readable("net", &Type::NUMERIC).is_ok());
    }
}

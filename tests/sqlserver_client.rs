//! The embedded SQL Server, driven by clients of other people (`tests/clients/sqlserver`): what it sends must mean the same to
//! those that know nothing of Spine.
//!
//! ```sh
//! tests/tools.sh && cargo test --test sqlserver_client
//! ```

#[cfg(test)]
#[path = "sql/sqlserver/mod.rs"]
#[expect(dead_code, unused_imports, reason = "a client needs less of it than the tests of the connector")]
mod sqlserver;

#[cfg(test)]
mod tests {
    use std::process::{Command, Stdio};
    use std::sync::{Arc, RwLock};

    use jiff::civil::date;
    use spine::demo::company::grow::Seed;
    use spine::demo::company::model::Company;
    use tokio::task::spawn_blocking;

    use super::sqlserver::table::{Kind, Table, Value};
    use super::sqlserver::{CA_FILE, Canned, Embedded, Setup};

    const ROOT: &str = env!("CARGO_MANIFEST_DIR");

    /// A row with a value of each type, and one with as many NULLs as there can be.
    fn every_type() -> Table {
        let morning = date(2026, 1, 31).at(8, 5, 0, 0);
        let parts = |nanos| date(2026, 1, 31).at(8, 5, 0, nanos);
        let long = "ü€😀/".repeat(9000);
        let types: Vec<(&str, Kind, Value)> = vec![
            ("bit", Kind::Bit, true.into()),
            ("tinyint", Kind::TinyInt, 255.into()),
            ("int", Kind::Int, i32::MIN.into()),
            ("bigint", Kind::BigInt, i64::MIN.into()),
            ("decimal_5", Kind::Decimal(5, 4), Value::Digits(-1)),
            ("decimal_18", Kind::Decimal(18, 2), Value::Digits(123_456_789_012_345_678)),
            ("decimal_28", Kind::Decimal(28, 4), Value::Digits(-1_234_567_890_123_456_789_012_345_678)),
            ("decimal_38", Kind::Decimal(38, 0), Value::Digits(10_i128.pow(38) - 1)),
            ("float", Kind::Float, 7.into()),
            ("money", Kind::Money, (-7).into()),
            ("smallmoney", Kind::SmallMoney, 7.into()),
            ("date", Kind::Date, date(2026, 1, 31).into()),
            ("datetime", Kind::DateTime, parts(3_000_000).into()),
            ("smalldatetime", Kind::SmallDateTime, morning.into()),
            ("datetime2_0", Kind::DateTime2(0), morning.into()),
            ("datetime2_3", Kind::DateTime2(3), parts(250_000_000).into()),
            ("datetime2_7", Kind::DateTime2(7), parts(123_456_000).into()),
            ("datetimeoffset", Kind::DateTimeOffset(7, 60), morning.into()),
            ("uniqueidentifier", Kind::Guid, Value::Guid(0xa0ee_bc99_9c0b_4ef8_bb6d_6bb9_bd38_0a11)),
            ("varchar", Kind::Varchar(20), "Größe".into()),
            ("nchar", Kind::Nchar(5), "EUR".into()),
            ("nvarchar", Kind::Nvarchar(20), "ü€😀".into()),
            ("nvarchar_max", Kind::NvarcharMax, long.into()),
            ("varbinary", Kind::Varbinary(20), "\u{1}\u{2}".into()),
            ("int_not_null!", Kind::Int, 7.into()),
            ("bit_not_null!", Kind::Bit, false.into()),
            ("money_not_null!", Kind::Money, 7.into()),
            ("float_not_null!", Kind::Float, 7.into()),
            ("datetime_not_null!", Kind::DateTime, morning.into()),
        ];
        let columns: Vec<(&str, Kind)> = types.iter().map(|(name, kind, _)| (*name, *kind)).collect();
        let full = types.iter().map(|(.., value)| value.clone()).collect();
        let nulls = types.iter().map(|(name, _, value)| if name.ends_with('!') { value.clone() } else { Value::Null });
        Table::new(&columns).with([full, nulls.collect()])
    }

    /// Runs a client against a server of its own: its program, then port, CA and what else it is given.
    async fn drive(program: &str, check: &str, more: &[String]) {
        let company = Company::grow(&Seed { seed: 42, deals: 150, today: date(2026, 11, 25) });
        let canned = [
            ("every_type", Canned::Rows(every_type())),
            ("late_error", Canned::Error(every_type(), 1205, 13)),
            ("silence", Canned::Silence),
        ];
        let canned = canned.map(|(name, answer)| (format!("SELECT * FROM {name} WHERE @P1 = @P1"), answer)).into();
        let embedded = Embedded::start(Arc::new(RwLock::new(company)), Setup { canned, ..Setup::default() }).await;
        let mut client = Command::new(program);
        client.arg(format!("{ROOT}/tests/clients/sqlserver/{check}"));
        client.args([embedded.port.to_string(), CA_FILE.to_owned()]).args(more).stdin(Stdio::null());
        assert!(spawn_blocking(move || client.status().unwrap()).await.unwrap().success());
    }

    #[tokio::test]
    async fn python_tds_reads_what_the_embedded_server_holds() {
        let queries = format!("{ROOT}/tests/sql/sqlserver.toml");
        drive(&format!("{ROOT}/target/venv/bin/python"), "check.py", &[queries]).await;
    }

    #[tokio::test]
    async fn tedious_reads_what_the_embedded_server_holds() {
        drive("node", "check.mjs", &[]).await;
    }
}

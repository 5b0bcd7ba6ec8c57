//! What clients send: LOGIN7, batches and calls of procedures (MS-TDS 2.2.6.4, 2.2.6.6, 2.2.6.7).

use super::table::Value;

/// A sign-in.
#[derive(Debug)]
pub(super) struct Login {
    pub(super) packet: usize,
    pub(super) user: String,
    pub(super) password: String,
    pub(super) application: String,
    pub(super) database: String,
    /// The client says that it reads only.
    pub(super) reads_only: bool,
}

impl Login {
    pub(super) fn parse(body: &[u8]) -> Option<Self> {
        let number = |at: usize| Some(usize::from(u16::from_le_bytes(body.get(at..at + 2)?.try_into().ok()?)));
        let bytes = |at: usize| body.get(number(at)?..number(at)? + number(at + 2)? * 2);
        let text = |at: usize| units(bytes(at)?);
        // Each byte was turned around and then mixed with 0xa5.
        let password: Vec<u8> = bytes(44)?.iter().map(|byte| (byte ^ 0xa5).rotate_left(4)).collect();
        Some(Self {
            packet: usize::try_from(u32::from_le_bytes(body.get(8..12)?.try_into().ok()?)).ok()?,
            user: text(40)?,
            password: units(&password)?,
            application: text(48)?,
            database: text(68)?,
            reads_only: body.get(26)? & 0x20 != 0,
        })
    }
}

/// A request.
#[derive(Debug)]
pub(super) struct Request {
    /// The transaction that it says it is in.
    pub(super) transaction: u64,
    pub(super) text: String,
    /// None: a batch.
    pub(super) parameters: Option<Parameters>,
}

/// Parameters of `sp_executesql`.
#[derive(Debug)]
pub(super) struct Parameters {
    /// E.g. `@P1 nvarchar(max)`.
    pub(super) declared: String,
    pub(super) values: Vec<Value>,
}

/// `sp_executesql` by its number.
const EXECUTE_SQL: u16 = 10;

impl Request {
    pub(super) fn batch(body: &[u8]) -> Option<Self> {
        let mut from = From(body);
        let transaction = from.headers()?;
        Some(Self { transaction, text: units(from.0)?, parameters: None })
    }

    /// A call of `sp_executesql`; none if it is one of something else.
    pub(super) fn call(body: &[u8]) -> Option<Self> {
        let mut from = From(body);
        let transaction = from.headers()?;
        match from.u16()? {
            0xffff if from.u16()? == EXECUTE_SQL => {}
            length if units(from.take(usize::from(length) * 2)?)? == "sp_executesql" => {}
            _ => return None,
        }
        from.u16()?; // options
        let mut values = Vec::new();
        while !from.0.is_empty() {
            let name = from.u8()?;
            from.take(usize::from(name) * 2)?;
            from.u8()?; // status
            values.push(from.parameter()?);
        }
        let mut values = values.into_iter();
        let Some(Value::Text(text)) = values.next() else { return None };
        let declared = match values.next() {
            Some(Value::Text(declared)) => declared,
            _ => String::new(),
        };
        Some(Self { transaction, text, parameters: Some(Parameters { declared, values: values.collect() }) })
    }
}

/// What a request to the transaction manager wants: 5 begins one, 7 commits it, 8 rolls it back.
pub(super) fn transaction(body: &[u8]) -> Option<u16> {
    let mut from = From(body);
    from.headers()?;
    from.u16()
}

fn units(bytes: &[u8]) -> Option<String> {
    let units: Vec<u16> = bytes.chunks_exact(2).map(|unit| u16::from_le_bytes([unit[0], unit[1]])).collect();
    String::from_utf16(&units).ok()
}

/// What is left to be read.
struct From<'b>(&'b [u8]);

impl<'b> From<'b> {
    fn take(&mut self, length: usize) -> Option<&'b [u8]> {
        let (taken, rest) = self.0.split_at_checked(length)?;
        self.0 = rest;
        Some(taken)
    }

    fn u8(&mut self) -> Option<u8> {
        self.take(1).map(|bytes| bytes[0])
    }

    fn u16(&mut self) -> Option<u16> {
        self.take(2)?.try_into().ok().map(u16::from_le_bytes)
    }

    fn u32(&mut self) -> Option<u32> {
        self.take(4)?.try_into().ok().map(u32::from_le_bytes)
    }

    fn u64(&mut self) -> Option<u64> {
        self.take(8)?.try_into().ok().map(u64::from_le_bytes)
    }

    /// `ALL_HEADERS`. One of them names the transaction.
    fn headers(&mut self) -> Option<u64> {
        let length = self.u32()?.checked_sub(4)?;
        let mut headers = From(self.take(usize::try_from(length).ok()?)?);
        let mut transaction = 0;
        while !headers.0.is_empty() {
            let length = headers.u32()?.checked_sub(4)?;
            let mut header = From(headers.take(usize::try_from(length).ok()?)?);
            if header.u16()? == 2 {
                transaction = header.u64()?;
            }
        }
        Some(transaction)
    }

    /// A value with its type, of the few types that parameters have.
    fn parameter(&mut self) -> Option<Value> {
        match self.u8()? {
            // INTN, BITN
            0x26 | 0x68 => {
                self.u8()?;
                let length = self.u8()?;
                let bytes = self.take(length.into())?;
                Some(match length {
                    0 => Value::Null,
                    1 => Value::Whole(bytes[0].into()),
                    2 => Value::Whole(i16::from_le_bytes(bytes.try_into().ok()?).into()),
                    4 => Value::Whole(i32::from_le_bytes(bytes.try_into().ok()?).into()),
                    _ => Value::Whole(i64::from_le_bytes(bytes.try_into().ok()?)),
                })
            }
            // NVARCHAR
            0xe7 => {
                let most = self.u16()?;
                self.take(5)?; // collation
                if most != 0xffff {
                    return match self.u16()? {
                        0xffff => Some(Value::Null),
                        length => units(self.take(length.into())?).map(Value::Text),
                    };
                }
                if self.u64()? == u64::MAX {
                    return Some(Value::Null);
                }
                let mut bytes = Vec::new();
                loop {
                    match self.u32()? {
                        0 => return units(&bytes).map(Value::Text),
                        length => bytes.extend(self.take(usize::try_from(length).ok()?)?),
                    }
                }
            }
            _ => None,
        }
    }
}

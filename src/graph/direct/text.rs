//! The text of an answer that is written in one go.

use std::sync::{Arc, OnceLock};

use async_graphql::{ContextSelectionSet, Response, Value};
use bytes::Bytes;

use super::select::only_root;
use super::{Json, Selected};

/// Where an object that writes itself leaves the whole answer, if nothing else is asked for: what is written would be copied
/// for the brackets around it otherwise. In the data of a request.
#[derive(Debug, Default)]
pub struct Text(OnceLock<Bytes>);

impl Text {
    /// The text of the answer; none if it says more than the one object.
    pub fn of(&self, answer: &Response) -> Option<Bytes> {
        let written =
            matches!(&answer.data, Value::Object(roots) if matches!(roots.values().next(), Some(Value::Binary(_))));
        self.0.get().filter(|_| written && answer.errors.is_empty() && answer.extensions.is_empty()).cloned()
    }
}

/// What stands before the only object of an answer.
pub(super) struct Begun<'a> {
    text: &'a Text,
    /// Its length.
    length: usize,
}

impl<'a> Begun<'a> {
    /// Writes what stands before the object, if it is the only one.
    pub(super) fn write(ctx: &ContextSelectionSet<'a>, json: &mut Json) -> Option<Self> {
        let text = ctx.data_opt::<Arc<Text>>()?;
        let root: &Selected = only_root(ctx)?;
        json.raw(br#"{"data":"#);
        let start = json.length();
        json.key(root.key());
        json.open(start);
        Some(Self { text, length: json.length() })
    }

    /// Writes what stands behind it, and keeps the whole. Returns the object.
    pub(super) fn finish(self, mut json: Json) -> Bytes {
        let end = json.length();
        json.raw(b"}}");
        let whole = Bytes::from(json.into_bytes());
        let object = whole.slice(self.length..end);
        self.text.0.get_or_init(|| whole);
        object
    }
}

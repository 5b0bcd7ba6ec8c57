//! Answers written at once: what is already in memory goes from the records into the answer's text, without a future, a
//! context and a value per field.
//!
//! async-graphql resolves each field by a future of its own and keeps each value in a tree. For a list of 200 deals with their
//! invoices that is most of what an answer costs. So the objects that come in numbers write themselves ([`Direct`]): the
//! selection is looked at once, then row after row is written. Whatever cannot be written at once (a value that is not in
//! memory, a field that failed, an argument) defers the whole object to the long way: async-graphql's own resolvers,
//! which stay the one definition of every field. The tests compare both ways, byte by byte.

mod json;
mod records;
mod roots;
mod select;
mod text;

use std::borrow::{Borrow, Cow};
use std::cell::OnceCell;
use std::collections::BTreeMap;
use std::pin::pin;
use std::sync::Arc;
use std::task::{Context as Poller, Poll, Waker};

use async_graphql::parser::types::{ExecutableDocument, Field};
use async_graphql::registry::Registry;
use async_graphql::{ContainerType, ContextSelectionSet, OutputType, Pos, Positioned, ServerResult, Value};
use futures_util::future::try_join_all;
use jiff::civil::Date;

pub use json::Json;
pub(super) use records::{booked, known, money, person, stated};
pub use roots::{roots_alone, wrote_itself};
pub use select::Selections;
pub(super) use select::{Selected, fields_of, select_below, select_from};
use text::Begun;
pub use text::Text;

use super::context::Spine;
use super::guard;
use crate::reads::ReadOptions;

/// It cannot be written at once.
#[derive(Debug)]
pub(super) struct Deferred;

/// Whether it could be written at once.
pub(super) type Written = Result<(), Deferred>;

/// What is the same for all that is written in one go.
pub(super) struct Scene<'a> {
    ctx: &'a ContextSelectionSet<'a>,
    /// The fields of the document, by their places: looked for once, for all that are left to their resolvers.
    by_position: OnceCell<BTreeMap<Pos, &'a Positioned<Field>>>,
    pub(super) spine: &'a Spine,
    pub(super) options: &'a ReadOptions,
    pub(super) today: Date,
}

impl<'a> Scene<'a> {
    fn new(ctx: &'a ContextSelectionSet<'a>) -> Option<Self> {
        let spine: &Spine = ctx.data_opt::<Arc<Spine>>()?;
        let options = ctx.data_opt::<ReadOptions>()?;
        // Off for comparison, by the tests alone.
        if ctx.data_opt::<LongWay>().is_some() {
            return None;
        }
        Some(Self { ctx, by_position: OnceCell::new(), spine, options, today: spine.clock.today() })
    }

    /// The field as it stands in the document; none if it stands there more than once.
    fn field(&self, selected: &Selected) -> Option<&'a Positioned<Field>> {
        let fields = self.by_position.get_or_init(|| {
            let asked = &self.ctx.query_env;
            let all = self.ctx.data_opt::<Arc<ExecutableDocument>>();
            let all = all.and_then(|all| Some((all, guard::operation(all, asked.operation_name.as_deref())?.1)));
            match all {
                Some((all, operation)) => select::by_position(&all.fragments, &operation.node.selection_set.node),
                None => select::by_position(&asked.fragments, &self.ctx.item.node),
            }
        });
        fields.get(&selected.position()?).copied()
    }

    fn errors(&self) -> usize {
        self.ctx.query_env.errors.lock().map_or(0, |errors| errors.len())
    }

    fn forget_errors_after(&self, count: usize) {
        if let Ok(mut errors) = self.ctx.query_env.errors.lock() {
            errors.truncate(count);
        }
    }
}

/// In the data of a request: nothing is to be written at once.
#[derive(Debug, Clone, Copy)]
pub struct LongWay;

/// An object that can write itself.
pub(super) trait Direct: ContainerType {
    /// Writes the object with the selected fields, or defers.
    fn write(&self, fields: &[Selected], scene: &Scene<'_>, json: &mut Json) -> Written;
}

/// Names the fields that an object knows to write, and how each is told from the others for every row: by its place among
/// them, not by its name.
macro_rules! fields {
    ($name:ident { $($field:ident = $text:literal),+ $(,)? }) => {
        #[derive(Debug, Clone, Copy)]
        enum $name {
            $($field,)+
        }

        impl $name {
            const NAMES: &'static [&'static str] = &[$($text),+];
            const ALL: &'static [Self] = &[$(Self::$field),+];

            /// The field that is selected; none if it is one that is left to its resolver.
            fn of(selected: &$crate::graph::direct::Selected) -> Option<Self> {
                Self::ALL.get(selected.place(Self::NAMES)).copied()
            }
        }
    };
}

pub(super) use fields;

/// Writes an object, `field` by field.
pub(super) fn object<T: ContainerType>(
    fields: &[Selected],
    json: &mut Json,
    mut field: impl FnMut(&Selected, &mut Json) -> Written,
) -> Written {
    let start = json.length();
    for selected in fields {
        json.key(selected.key());
        if selected.masked {
            json.null();
        } else if selected.name() == "__typename" {
            json.string(&T::type_name());
        } else {
            field(selected, json)?;
        }
    }
    json.open(start);
    json.byte(b'}');
    Ok(())
}

/// After how many rows it is known how long a row is.
const SAMPLE: usize = 8;

/// How long the text of a single object mostly is, with all that hangs on it.
const CARD: usize = 4096;

/// The most room that is made ahead, in bytes.
const MOST_AHEAD: usize = 1 << 20;

/// Writes a list of objects.
pub(super) fn list<T: Direct>(
    items: impl IntoIterator<Item = impl Borrow<T>>,
    fields: &[Selected],
    scene: &Scene<'_>,
    json: &mut Json,
) -> Written {
    json.byte(b'[');
    let (mut items, start, mut at) = (items.into_iter(), json.length(), 0);
    while let Some(item) = items.next() {
        if at > 0 {
            json.byte(b',');
        }
        item.borrow().write(fields, scene, json)?;
        at += 1;
        if at == SAMPLE {
            // Rows are much alike. The text gets its room at once, and a quarter for those that are longer, instead of being
            // copied each time that it has grown.
            let row = (json.length() - start) * 5 / (4 * SAMPLE) + 1;
            json.reserve(row.saturating_mul(items.size_hint().0).min(MOST_AHEAD));
        }
    }
    json.byte(b']');
    Ok(())
}

/// Writes an object, or null.
pub(super) fn optional<T: Direct>(
    item: Option<&T>,
    fields: &[Selected],
    scene: &Scene<'_>,
    json: &mut Json,
) -> Written {
    let Some(item) = item else {
        json.null();
        return Ok(());
    };
    item.write(fields, scene, json)
}

/// Writes a field by its resolver, if that needs not wait.
pub(super) fn resolved<T: ContainerType>(
    object: &T,
    selected: &Selected,
    scene: &Scene<'_>,
    json: &mut Json,
) -> Written {
    let Some(field) = scene.field(selected) else { return Err(Deferred) };
    let before = scene.errors();
    let ctx = scene.ctx.with_field(field);
    let polled = pin!(object.resolve_field(&ctx)).poll(&mut Poller::from_waker(Waker::noop()));
    // Errors are told with their paths, which the long way knows.
    if scene.errors() > before {
        scene.forget_errors_after(before);
        return Err(Deferred);
    }
    let Poll::Ready(Ok(Some(value))) = polled else { return Err(Deferred) };
    select::write_in_order(&value, &selected.below, json);
    Ok(())
}

/// An object that is written at once if it can be.
#[derive(Debug, Clone)]
pub(super) struct One<T>(pub(super) T);

/// A list of objects that are written at once if they can be.
#[derive(Debug, Clone)]
pub(super) struct Many<T>(pub(super) Vec<T>);

impl<T: Direct> OutputType for One<T> {
    fn type_name() -> Cow<'static, str> {
        <T as OutputType>::type_name()
    }

    fn create_type_info(registry: &mut Registry) -> String {
        T::create_type_info(registry)
    }

    async fn resolve(&self, ctx: &ContextSelectionSet<'_>, field: &Positioned<Field>) -> ServerResult<Value> {
        match at_once(ctx, CARD, |fields, scene, json| self.0.write(fields, scene, json)) {
            Some(value) => Ok(value),
            None => self.0.resolve(ctx, field).await,
        }
    }
}

impl<T: Direct> OutputType for Many<T> {
    fn type_name() -> Cow<'static, str> {
        <Vec<T> as OutputType>::type_name()
    }

    fn qualified_type_name() -> String {
        <Vec<T> as OutputType>::qualified_type_name()
    }

    fn create_type_info(registry: &mut Registry) -> String {
        <Vec<T> as OutputType>::create_type_info(registry)
    }

    async fn resolve(&self, ctx: &ContextSelectionSet<'_>, field: &Positioned<Field>) -> ServerResult<Value> {
        let all = at_once(ctx, 128 * self.0.len(), |fields, scene, json| list::<T>(&self.0, fields, scene, json));
        match all {
            Some(value) => Ok(value),
            None => each(&self.0, ctx, field).await,
        }
    }
}

/// Resolves items one by one: those that can be written at once are.
pub(super) async fn each<'a, T: Direct + 'a>(
    items: impl IntoIterator<Item = &'a T>,
    ctx: &ContextSelectionSet<'_>,
    field: &Positioned<Field>,
) -> ServerResult<Value> {
    let items = items.into_iter().enumerate().map(|(at, item)| async move {
        let ctx = ctx.with_index(at);
        match at_once(&ctx, 256, |fields, scene, json| item.write(fields, scene, json)) {
            Some(value) => Ok(value),
            None => item.resolve(&ctx, field).await.map_err(|error| ctx.set_error_path(error)),
        }
    });
    try_join_all(items).await.map(Value::List)
}

/// Writes something at once, with the fields that are selected; none if it cannot be.
pub(super) fn at_once<'a>(
    ctx: &'a ContextSelectionSet<'a>,
    capacity: usize,
    write: impl FnOnce(&[Selected], &Scene<'a>, &mut Json) -> Written,
) -> Option<Value> {
    let scene = Scene::new(ctx)?;
    let fields = select::select(ctx)?;
    let mut json = Json::with_capacity(capacity.min(1 << 16));
    let begun = Begun::write(ctx, &mut json);
    write(&fields, &scene, &mut json).ok()?;
    Some(Value::Binary(match begun {
        Some(begun) => begun.finish(json),
        None => json.into_bytes().into(),
    }))
}

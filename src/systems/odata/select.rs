//! What is asked of a set beside its keys: `$select` and `$expand` of what the fields read, and how a property is named in
//! a filter.

use std::collections::{BTreeMap, BTreeSet};

use super::config::Set;
use crate::systems::declared::path::Path;
use crate::systems::declared::uses::Used;

/// Properties that are wanted of an entity, and of those it leads to.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Selection {
    select: BTreeSet<String>,
    expand: BTreeMap<String, Self>,
}

impl Selection {
    /// What the places that are read need.
    pub(super) fn of(set: &Set, expanded: &[String], used: &[Used<'_>]) -> Self {
        let mut selection = Self::default();
        for name in expanded {
            selection.expand.entry(name.clone()).or_default();
        }
        for used in used {
            let names = names_of(set, used);
            selection.add(&names);
        }
        selection
    }

    fn add(&mut self, names: &[&str]) {
        // Annotations come by themselves, and a number is a place in a list that comes as a whole.
        let Some((first, rest)) = names.split_first().filter(|(first, _)| !first.contains('@')) else { return };
        match self.expand.get_mut(*first) {
            Some(inner) => inner.add(rest),
            None => {
                self.select.insert((*first).to_owned());
            }
        }
    }

    /// As options of a query, parted by this text.
    pub(super) fn options(&self, between: &str) -> String {
        let mut options = Vec::new();
        if !self.select.is_empty() {
            let names: Vec<&str> = self.select.iter().map(String::as_str).collect();
            options.push(format!("$select={}", names.join(",")));
        }
        let expand = |(name, inner): (&String, &Self)| match inner.options(";") {
            options if options.is_empty() => name.clone(),
            options => format!("{name}({options})"),
        };
        if !self.expand.is_empty() {
            let all: Vec<String> = self.expand.iter().map(expand).collect();
            options.push(format!("$expand={}", all.join(",")));
        }
        options.join(between)
    }
}

/// The names that lead from the entity to a place.
fn names_of<'p>(set: &'p Set, used: &Used<'p>) -> Vec<&'p str> {
    let each = set.each.as_ref().filter(|_| !used.path.goes_up());
    let outer = each.into_iter().chain(used.within).flat_map(Path::segments);
    outer.chain(used.path.segments()).map(|name| &**name).collect()
}

/// A place in a filter: a property, or one of the elements of a list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Place {
    /// The list, if it is in one.
    pub(super) list: Option<String>,
    /// The property, of the entity or of an element.
    pub(super) property: String,
}

impl Place {
    /// The place at a path of a row; none if a filter cannot name it.
    pub(super) fn of(set: &Set, path: &Path, within: Option<&Path>) -> Option<Self> {
        let list = match within.or(set.each.as_ref().filter(|_| !path.goes_up())) {
            Some(list) => Some(property(list)?),
            None => None,
        };
        Some(Self { list, property: property(path)? })
    }
}

/// `Customer.Name` as `Customer/Name`; none if it is empty, or no name of a property.
fn property(path: &Path) -> Option<String> {
    let is_identifier = |name: &str| {
        let mut signs = name.chars();
        signs.next().is_some_and(|first| first.is_alphabetic() || first == '_')
            && signs.all(|sign| sign.is_alphanumeric() || sign == '_')
    };
    let names: Vec<&str> = path.segments().iter().map(|name| &**name).collect();
    (!names.is_empty() && names.iter().all(|name| is_identifier(name))).then(|| names.join("/"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn path(text: &str) -> Path {
        Path::parse(text).unwrap()
    }

    fn set(text: &str) -> Set {
        toml::from_str(text).unwrap()
    }

    fn used<'p>(path: &'p Path, within: Option<&'p Path>) -> Used<'p> {
        Used { key: String::new(), path, within }
    }

    #[test]
    fn what_is_read_is_what_is_asked_for() {
        let (lines, payments) = (path("Lines"), path("Payments"));
        let paths = ["ID", "Party.Name", "Party.Address.City", "Total", "Total", "Totals.0.Value"].map(path);
        let inner = ["Net", "Item.Name"].map(path);
        let mut all: Vec<Used<'_>> = paths.iter().map(|path| used(path, None)).collect();
        all.push(used(&lines, None));
        all.extend(inner.iter().map(|path| used(path, Some(&lines))));
        all.push(used(&inner[0], Some(&payments)));
        let etag = Path::parse("@odata\u{b7}etag").unwrap();
        all.push(used(&etag, None));
        let expanded = ["Lines", "Party"].map(str::to_owned);
        assert_eq!(
            Selection::of(&set("set = \"Invoices\""), &expanded, &all).options("&"),
            "$select=ID,Payments,Total,Totals&$expand=Lines($select=Item,Net),Party($select=Address,Name)"
        );
    }

    #[test]
    fn with_a_row_per_line_the_document_is_the_outer_row() {
        let set = set("set = \"Bills\"\neach = \"Lines\"");
        let paths = ["^.No", "^.Vendor.Name", "Project", "Net"].map(path);
        let all: Vec<Used<'_>> = paths.iter().map(|path| used(path, None)).collect();
        assert_eq!(
            Selection::of(&set, &["Lines".to_owned()], &all).options("&"),
            "$select=No,Vendor&$expand=Lines($select=Net,Project)"
        );
        let place = |path: &Path| Place::of(&set, path, None).map(|place| (place.list, place.property));
        assert_eq!(place(&paths[2]), Some((Some("Lines".to_owned()), "Project".to_owned())));
        assert_eq!(place(&paths[1]), Some((None, "Vendor/Name".to_owned())));
        assert_eq!(place(&path("Total (net)")), None);
    }
}

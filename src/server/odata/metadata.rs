//! `$metadata`: which sets there are and what their rows hold, as CSDL 4.0.

use std::fmt::{self, Write as _};

use crate::reports::entities::EntitySet;
use crate::reports::{Column, ColumnKind};

/// What every set is annotated with: it is only to be read, and nothing hangs on its rows.
const CAPABILITIES: [(&str, &str); 6] = [
    ("InsertRestrictions", "Insertable"),
    ("UpdateRestrictions", "Updatable"),
    ("DeleteRestrictions", "Deletable"),
    ("ExpandRestrictions", "Expandable"),
    ("SearchRestrictions", "Searchable"),
    ("ChangeTracking", "Supported"),
];

/// The namespace of the types.
pub(super) const NAMESPACE: &str = "Spine";

/// The document.
pub(super) fn document(sets: &[EntitySet]) -> String {
    let mut xml = String::with_capacity(64 * 1024);
    // Writing to a buffer in memory cannot fail.
    let written = write(&mut xml, sets);
    debug_assert!(written.is_ok(), "writing to memory failed");
    xml
}

fn write(xml: &mut String, sets: &[EntitySet]) -> fmt::Result {
    xml.write_str("<?xml version=\"1.0\" encoding=\"utf-8\"?>\n<edmx:Edmx Version=\"4.0\" xmlns:edmx=\"http://docs.oasis-open.org/odata/ns/edmx\">")?;
    for term in ["Core", "Capabilities"] {
        write!(
            xml,
            "<edmx:Reference Uri=\"https://oasis-tcs.github.io/odata-vocabularies/vocabularies/Org.OData.{term}.V1.xml\">\
             <edmx:Include Namespace=\"Org.OData.{term}.V1\" Alias=\"{term}\"/></edmx:Reference>"
        )?;
    }
    write!(
        xml,
        "<edmx:DataServices><Schema Namespace=\"{NAMESPACE}\" xmlns=\"http://docs.oasis-open.org/odata/ns/edm\">"
    )?;
    for set in sets {
        write!(xml, "<EntityType Name=\"{}\"><Key><PropertyRef Name=\"{}\"/></Key>", Text(&set.entity), set.key)?;
        for column in &set.columns {
            let facets = match column.kind {
                ColumnKind::Amount | ColumnKind::Percent | ColumnKind::Number => " Precision=\"19\" Scale=\"4\"",
                ColumnKind::Rate => " Precision=\"28\" Scale=\"12\"",
                ColumnKind::Moment => " Precision=\"6\"",
                _ => "",
            };
            let nullable = if column.name == set.key { " Nullable=\"false\"" } else { "" };
            write!(xml, "<Property Name=\"{}\" Type=\"{}\"{facets}{nullable}>", Text(column.name), type_of(column))?;
            annotate(xml, "Core.Description", column.label)?;
            annotate(xml, "Core.LongDescription", column.description)?;
            xml.write_str("</Property>")?;
        }
        xml.write_str("</EntityType>")?;
    }
    xml.write_str("<EntityContainer Name=\"Container\">")?;
    for set in sets {
        write!(xml, "<EntitySet Name=\"{0}\" EntityType=\"{NAMESPACE}.{1}\">", Text(&set.name), Text(&set.entity))?;
        annotate(xml, "Core.Description", set.description)?;
        for (term, property) in CAPABILITIES {
            write!(
                xml,
                "<Annotation Term=\"Capabilities.{term}\"><Record><PropertyValue Property=\"{property}\" Bool=\"false\"/></Record></Annotation>"
            )?;
        }
        xml.write_str("</EntitySet>")?;
    }
    xml.write_str("</EntityContainer></Schema></edmx:DataServices></edmx:Edmx>\n")
}

fn annotate(xml: &mut String, term: &str, text: &str) -> fmt::Result {
    write!(xml, "<Annotation Term=\"{term}\" String=\"{}\"/>", Text(text))
}

/// The type of a column's cells.
pub(super) fn type_of(column: &Column) -> &'static str {
    match column.kind {
        ColumnKind::Text => "Edm.String",
        ColumnKind::Count => "Edm.Int64",
        ColumnKind::Amount | ColumnKind::Percent | ColumnKind::Number | ColumnKind::Rate => "Edm.Decimal",
        ColumnKind::Date => "Edm.Date",
        ColumnKind::Moment => "Edm.DateTimeOffset",
        ColumnKind::Flag => "Edm.Boolean",
    }
}

/// A text in an attribute. Signs that XML cannot hold at all are left out.
struct Text<'a>(&'a str);

impl fmt::Display for Text<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for sign in self.0.chars() {
            match sign {
                '&' => f.write_str("&amp;")?,
                '<' => f.write_str("&lt;")?,
                '>' => f.write_str("&gt;")?,
                '"' => f.write_str("&quot;")?,
                '\n' | '\r' | '\t' => f.write_char(' ')?,
                sign if sign.is_control() || matches!(sign, '\u{fffe}' | '\u{ffff}') => {}
                sign => f.write_char(sign)?,
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_escaped() {
        assert_eq!(Text("a<b & \"c\"\n\u{1}d").to_string(), "a&lt;b &amp; &quot;c&quot; d");
    }
}

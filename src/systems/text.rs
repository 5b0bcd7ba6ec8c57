//! Texts of records.

/// A text without the white space around it; none if nothing is left.
pub(in crate::systems) fn text<T: for<'t> From<&'t str>>(text: Option<&str>) -> Option<T> {
    text.map(str::trim).filter(|text| !text.is_empty()).map(T::from)
}

//! What the behaviour tests share.

/// A generated file must be what the code generates; `SPINE_UPDATE=1` writes it anew.
pub(crate) fn in_step(file: &str, generated: &str) {
    if std::env::var_os("SPINE_UPDATE").is_some() {
        std::fs::write(file, generated).unwrap();
    }
    let written = std::fs::read_to_string(file).unwrap_or_default();
    assert!(
        written == generated,
        "{file} is not what the code generates: run the tests once with SPINE_UPDATE=1 and look at the difference"
    );
}

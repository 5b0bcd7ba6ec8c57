//! `[operations]`: GraphQL documents that are known beforehand, and who may ask with these alone.

use std::path::PathBuf;

use serde::Deserialize;

use super::PrincipalKind;

/// GraphQL documents that are known beforehand. `deal-card`, `deal-card-changed` and `margin-by-vertical` come with Spine. They are
/// asked by name, as `/graphql/p/NAME`, or as `POST /graphql` with `documentId` in the place of `query`: the name, or `sha256:` and the hash.
#[derive(Debug, Clone, Default, Deserialize, schemars::JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Operations {
    /// A folder with documents of your own: `NAME.graphql`, each with one operation. They are read at the start, and
    /// when one has changed, and each must be valid.
    pub folder: Option<PathBuf>,
    /// Who may ask with these documents and no others, by how they sign in. What HubSpot signed asks with no others in any case.
    pub enforce: Vec<PrincipalKind>,
}

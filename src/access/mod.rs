//! Who reads, and what they may see. What a role may read is worked out once, from the configuration and the catalogue of
//! the schema's fields; each request is then answered for one [`Viewer`].

mod policy;
mod principal;
mod view;

pub use policy::{Access, Catalogue, Entry, NoRole, PolicyError};
pub use principal::{Principal, PrincipalKind};
pub use view::{View, ViewKey, Viewer};

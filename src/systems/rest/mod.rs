//! "Something custom".

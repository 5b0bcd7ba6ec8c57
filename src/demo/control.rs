//! The control surface that stands beside each embedded system's own paths, below `/_demo`.

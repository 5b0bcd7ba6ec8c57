//! What the fuzz targets share.
//!
//! - [`door`]: the real application over embedded systems, asked by HTTP on loopback
//! - [`upstream`]: a proxy before a system that puts other bytes in the place of one of its answers
//! - [`systems`]: each kind of system behind such a proxy, and what is asked of its ports
//! - [`targets`]: what is looked at, and what must hold
//! - [`corpus`]: what a run begins with
//!
//! Nothing private of Spine is reached: what a stranger can send comes by a socket, what a system can answer comes by one.

pub mod corpus;
pub mod door;
pub mod systems;
pub mod targets;
pub mod upstream;

/// What is bytes of the input, and what is left of it. Of an input that is too short the missing ones are 0.
pub fn take<const N: usize>(data: &[u8]) -> ([u8; N], &[u8]) {
    let mut taken = [0; N];
    let length = N.min(data.len());
    taken[..length].copy_from_slice(&data[..length]);
    (taken, &data[length..])
}

/// One of several, by a byte of the input.
pub fn choose<T: Copy>(all: &[T], byte: u8) -> T {
    all[usize::from(byte) % all.len()]
}

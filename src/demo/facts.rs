//! The ground truth for oracles: what each embedded system holds, as plain JSON.

//! souk tests live in `tests/`.

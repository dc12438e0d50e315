//! Cursor lists: `limit` and `starting_after`, the newest first unless a list says otherwise.

use serde::Serialize;
use uuid::Uuid;

/// Which part of a list is wanted.
#[derive(Debug, Clone, Copy)]
pub struct Page {
    /// 1 to 100.
    pub limit: u64,
    /// The last row of the page before.
    pub after: Option<Uuid>,
}

impl Default for Page {
    fn default() -> Self {
        Self { limit: 20, after: None }
    }
}

/// A part of a list.
#[derive(Debug, Clone, Serialize)]
pub struct Listed<T> {
    /// The rows.
    pub data: Vec<T>,
    /// Whether there are more after them.
    pub has_more: bool,
}

impl<T> Listed<T> {
    /// Cuts a result that was asked for one row more than the page has.
    pub fn cut(mut rows: Vec<T>, page: Page) -> Self {
        let limit = usize::try_from(page.limit).unwrap_or(usize::MAX);
        let has_more = rows.len() > limit;
        rows.truncate(limit);
        Self { data: rows, has_more }
    }

    /// The same list with each row shown differently.
    pub fn map<U>(self, show: impl FnMut(T) -> U) -> Listed<U> {
        Listed { data: self.data.into_iter().map(show).collect(), has_more: self.has_more }
    }
}

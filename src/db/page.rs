//! Keyset pages: the last id seen instead of an offset, so that a page costs the same wherever it is and rows that come
//! or go in between neither repeat nor hide others.

use uuid::Uuid;

/// Where a page begins and how long it may be.
#[derive(Clone, Copy, Debug)]
pub struct Keyset {
    /// Rows after this id; from the beginning when absent.
    pub after: Option<Uuid>,
    /// Most rows of the page.
    pub limit: u32,
}

impl Keyset {
    /// Rows to ask for: one more than wanted tells whether there is a next page.
    pub fn rows(self) -> i64 {
        i64::from(self.limit) + 1
    }
}

/// Rows of a page and the id to continue after.
#[derive(Clone, Debug)]
pub struct Page<T> {
    /// The rows, in the order of the list.
    pub items: Vec<T>,
    /// Id of the last row when more follow.
    pub next: Option<Uuid>,
}

impl<T> Page<T> {
    /// Cuts the surplus row off and remembers where to go on.
    pub fn new(mut rows: Vec<T>, keyset: Keyset, id: impl Fn(&T) -> Uuid) -> Self {
        let more = rows.len() > keyset.limit as usize;
        rows.truncate(keyset.limit as usize);
        let next = if more { rows.last().map(id) } else { None };
        Self { items: rows, next }
    }

    /// The same page of another shape.
    pub fn map<U>(self, shape: impl FnMut(T) -> U) -> Page<U> {
        Page { items: self.items.into_iter().map(shape).collect(), next: self.next }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ids(count: u128) -> Vec<Uuid> {
        (0..count).map(Uuid::from_u128).collect()
    }

    #[test]
    fn a_page_that_is_exactly_full_has_no_next() {
        let page = Page::new(ids(2), Keyset { after: None, limit: 2 }, |id| *id);
        assert_eq!(page.items.len(), 2);
        assert_eq!(page.next, None);
    }

    #[test]
    fn one_row_more_than_the_limit_is_cut_and_becomes_a_next_page() {
        let page = Page::new(ids(3), Keyset { after: None, limit: 2 }, |id| *id);
        assert_eq!(page.items.len(), 2);
        assert_eq!(page.next, Some(Uuid::from_u128(1)));
    }
}

//! How many batches a walk takes, as far as that is known: the pages of lists and the batches of keys, each as large as its
//! owner allows. How many calls a batch is, is the connector's matter: an ERP that keeps bills and orders apart is asked twice.

use std::sync::atomic::Ordering;

use super::Progress;
use super::gather::Needs;
use super::portfolio::PAGE;
use crate::domain::Page;
use crate::reads::{Commercial, Reads};

/// The batches of one list.
pub(super) struct Planned<'a> {
    progress: &'a Progress,
    /// How many keys each of the reads takes at once that are asked about the records of each page.
    limits: Vec<usize>,
    /// Whether all of the list is in it, because its owner said how much there is.
    whole: bool,
    /// The batches of the page that is under way.
    page: usize,
}

impl<'a> Planned<'a> {
    /// That of the list of deals.
    pub(super) fn of_deals(progress: &'a Progress, commercial: &Commercial, needs: Needs, reads: &Reads) -> Self {
        let details = commercial.details.as_ref().filter(|_| needs.handover).map(|details| {
            [
                details.line_items.kind(),
                details.contacts.kind(),
                details.proposals.kind(),
                details.communications.kind(),
                details.pre_sales_tickets.kind(),
            ]
        });
        let kinds = [commercial.deals_by_project.kind()].into_iter().chain(needs.kinds(reads));
        let limits = kinds.chain(details.into_iter().flatten()).map(|kind| kind.limit).collect();
        Self { progress, limits, whole: false, page: 0 }
    }

    /// That of a list of whose records most are known already.
    pub(super) fn of_list(progress: &'a Progress) -> Self {
        Self { progress, limits: Vec::new(), whole: false, page: 0 }
    }

    /// Takes note of a page before its records are asked about. Where the owner does not say how much there is, each page is
    /// known when it is there.
    pub(super) fn page<T>(&mut self, page: &Page<T>) {
        self.page = batches(page.items.len(), &self.limits);
        if self.whole {
            return;
        }
        let total = page.total.and_then(|total| usize::try_from(total).ok());
        self.whole = total.is_some();
        let planned = total.map_or(self.page, |total| batches(total, &self.limits));
        self.progress.planned.fetch_add(planned, Ordering::Relaxed);
    }

    /// Takes note that all is read that hangs on the page.
    pub(super) fn page_is_done(&mut self) {
        self.progress.made.fetch_add(std::mem::take(&mut self.page), Ordering::Relaxed);
    }
}

/// Batches for so many records. A record without a key and a key of two records make it another number: it is about right,
/// and no bound.
fn batches(records: usize, limits: &[usize]) -> usize {
    let of_page = |keys: usize| 1 + limits.iter().map(|limit| keys.div_ceil((*limit).max(1))).sum::<usize>();
    let last = records % PAGE;
    records / PAGE * of_page(PAGE) + if last > 0 { of_page(last) } else { 0 }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn page(records: usize, total: Option<u64>) -> Page<()> {
        Page { items: vec![(); records], next: None, total }
    }

    #[test]
    fn each_page_asks_its_batches_anew() {
        assert_eq!(batches(0, &[100]), 0);
        assert_eq!(batches(1, &[100, 50]), 3);
        assert_eq!(batches(200, &[100, 50]), 1 + 2 + 4);
        assert_eq!(batches(450, &[100, 1000]), 2 * (1 + 2 + 1) + 1 + 1 + 1);
        assert_eq!(batches(400, &[]), 2);
    }

    #[test]
    fn a_list_is_known_at_once_where_its_owner_counts_it_and_page_by_page_elsewhere() {
        let known = |pages: &[Page<()>]| {
            let progress = Progress::default();
            let mut planned = Planned::of_list(&progress);
            for page in pages {
                planned.page(page);
            }
            progress.planned.into_inner()
        };
        assert_eq!(known(&[page(200, Some(500)), page(200, Some(501))]), 3);
        assert_eq!(known(&[page(200, None)]), 1);
        assert_eq!(known(&[page(200, None), page(200, None), page(1, None)]), 3);
    }

    #[test]
    fn what_was_planned_is_made_when_all_pages_are_done() {
        let progress = Progress::default();
        let mut planned = Planned { limits: vec![50, 100], ..Planned::of_list(&progress) };
        for rows in [200, 200, 30] {
            planned.page(&page(rows, Some(430)));
            planned.page_is_done();
        }
        assert_eq!((progress.planned.into_inner(), progress.made.into_inner()), (17, 17));
    }
}

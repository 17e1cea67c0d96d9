//! Whom the lanes of this process serve, and into which books they write. A server that says nothing holds a lane for
//! minutes, so one company never has all of them: the others go on meanwhile.

use std::{collections::BTreeMap, sync::Mutex};

use domain::CompanyId;
use service::{
    Db, Result,
    messages::{Claimed, claim::claim_next_but},
};

use super::books::{Books, Pen, WeakBooks};

/// Lanes of one company. With more of them more e-mails are written down at once, and a kill leaves more of them unknown:
/// see `bench/mails`.
const OF_ONE: usize = 16;

/// The lanes that are taken, by company.
#[derive(Debug, Default)]
pub(super) struct Seats {
    taken: Mutex<BTreeMap<CompanyId, usize>>,
    /// The books of companies that are served, and for a while of some that no longer are.
    books: Mutex<BTreeMap<CompanyId, WeakBooks>>,
    /// One claim after the other: two at once would both see the last seat.
    claiming: tokio::sync::Mutex<()>,
}

/// A lane that serves a company, until this is dropped.
#[derive(Debug)]
pub(super) struct Seat<'s> {
    seats: &'s Seats,
    company: CompanyId,
}

impl Seats {
    /// Claims the next messages of a company that has a seat left, takes it, and gives what to write with.
    pub(super) async fn claim(&self, db: &Db) -> Result<Option<(Seat<'_>, Pen, Vec<Claimed>)>> {
        let _claiming = self.claiming.lock().await;
        let Some((actor, batch)) = claim_next_but(db, &self.full()).await? else { return Ok(None) };
        let company = actor.company();
        Ok(Some((self.take(company), self.books(db, company).pen(actor), batch)))
    }

    fn books(&self, db: &Db, company: CompanyId) -> Books {
        let mut all = self.books.lock().expect("nobody panics with it");
        if let Some(books) = all.get(&company).and_then(WeakBooks::upgrade) {
            return books;
        }
        all.retain(|_, books| books.upgrade().is_some());
        let books = Books::open(db);
        all.insert(company, books.downgrade());
        books
    }

    fn full(&self) -> Vec<CompanyId> {
        let taken = self.taken.lock().expect("nobody panics with it");
        taken.iter().filter(|(_, lanes)| **lanes >= OF_ONE).map(|(company, _)| *company).collect()
    }

    fn take(&self, company: CompanyId) -> Seat<'_> {
        *self.taken.lock().expect("nobody panics with it").entry(company).or_default() += 1;
        Seat { seats: self, company }
    }
}

impl Drop for Seat<'_> {
    fn drop(&mut self) {
        let mut taken = self.seats.taken.lock().expect("nobody panics with it");
        if let Some(lanes) = taken.get_mut(&self.company) {
            *lanes -= 1;
            if *lanes == 0 {
                taken.remove(&self.company);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_company_that_has_all_its_seats_is_passed_over_until_one_is_free() {
        let (seats, company) = (Seats::default(), CompanyId(uuid::Uuid::from_u128(7)));
        let mut taken: Vec<_> = (0..OF_ONE).map(|_| seats.take(company)).collect();
        let _other = seats.take(CompanyId(uuid::Uuid::from_u128(8)));
        assert_eq!(seats.full(), [company]);
        taken.pop();
        assert_eq!(seats.full(), []);
        taken.clear();
        assert_eq!(seats.taken.lock().expect("whole").len(), 1, "nothing is kept of who is not served");
    }
}

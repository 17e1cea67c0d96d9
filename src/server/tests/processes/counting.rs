//! The count of [`crate::count`] sees what it is there for.

use testing::Ending;

use crate::count::Count;

fn ending(address: &str, place: &str, reason: Option<&str>, message: &str) -> Ending {
    Ending {
        address: Some(address.to_owned()),
        place: place.to_owned(),
        is_open: place == "active",
        reason: reason.map(ToOwned::to_owned),
        message: Some(message.to_owned()),
        message_id: None,
        lead_id: None,
        sending_at: None,
        detail: None,
    }
}

#[test]
fn every_broken_promise_is_seen() {
    let endings = [
        ending("fine", "finished", None, "sent"),
        ending("refused", "failed", Some("rejected"), "failed"),
        ending("left", "unsubscribed", None, "cancelled"),
        ending("asked", "failed", Some("outcome_unknown"), "unknown"),
    ];
    let mails = |whose: &[(&str, usize)]| whose.iter().map(|(to, n)| ((*to).to_owned(), *n)).collect();
    let good = Count::judge(4, &endings, &mails(&[("fine", 1), ("asked", 1)]));
    assert_eq!(good.broken, Vec::<String>::new());
    assert_eq!((good.mailed, good.sent, good.unknown_mailed, good.failed, good.cancelled), (2, 1, 1, 1, 1));

    for (leads, mailed, more, twice, lost, stuck) in [
        (4, vec![("fine", 2)], None, 1, 0, 0),
        (4, vec![], None, 0, 1, 0),
        (4, vec![("fine", 1), ("refused", 1)], None, 0, 1, 0),
        (4, vec![("fine", 1), ("left", 1)], None, 0, 1, 0),
        (4, vec![("fine", 1), ("a stranger", 1)], None, 0, 1, 0),
        (5, vec![("fine", 1)], None, 0, 1, 0),
        (5, vec![("fine", 1)], Some(ending("silent", "failed", None, "cancelled")), 0, 1, 0),
        (5, vec![("fine", 1)], Some(ending("waiting", "active", None, "claimed")), 0, 0, 1),
    ] {
        let endings: Vec<_> = endings.iter().cloned().chain(more).collect();
        let bad = Count::judge(leads, &endings, &mails(&mailed));
        assert_eq!((bad.twice, bad.lost, bad.stuck), (twice, lost, stuck), "{mailed:?} {bad:?}");
        assert!(!bad.broken.is_empty());
    }
}

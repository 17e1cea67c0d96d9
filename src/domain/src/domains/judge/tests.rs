//! A domain as it should be, and each way to fall short of that.

use super::*;

const DOMAIN: &str = "halden.example";

fn now() -> DateTime<Utc> {
    "2026-11-20T10:00:00Z".parse().expect("a time")
}

fn expected() -> Expected {
    Expected { selector: Some("sw1".into()), public_key: Some("MIIB".into()), hosts: vec!["smtp.gmail.com".into()] }
}

fn good() -> Answers {
    Answers {
        spf: Spf {
            records: vec!["v=spf1 include:_spf.google.com ~all".into()],
            lookups: 4,
            includes: vec!["_spf.google.com".into()],
            broken: None,
            everybody: Some('~'),
        },
        dkim: Some(Dkim {
            records: vec!["v=DKIM1; p=MIIB".into()],
            key: Some(PublishedKey { text: "MIIB".into(), bits: Some(2048), testing: false }),
        }),
        dmarc: Dmarc {
            name: "_dmarc.halden.example".into(),
            records: vec!["v=DMARC1; p=none".into()],
            policy: Some("none".into()),
        },
        mx: Mx { hosts: vec!["mx.halden.example".into()], has_address: true },
        links: Links {
            host: "sales.halden.example".into(),
            addresses: Some(vec!["192.0.2.1".into()]),
            is_encrypted: true,
        },
        ..Answers::default()
    }
}

fn found(answers: &Answers, kind: RecordKind) -> RecordCheck {
    judge(DOMAIN, &expected(), answers, now())
        .into_iter()
        .find(|check| check.kind == kind)
        .expect("every kind is judged")
}

fn with(change: impl FnOnce(&mut Answers)) -> Answers {
    let mut answers = good();
    change(&mut answers);
    answers
}

#[test]
fn a_domain_as_it_should_be_passes() {
    let checks = judge(DOMAIN, &expected(), &good(), now());
    assert!(checks.iter().all(|check| check.standing == Standing::Pass && check.publish.is_none()), "{checks:#?}");
    assert_eq!(super::super::failing(&checks), []);
}

#[test]
fn each_fault_of_spf_is_told_with_what_to_publish() {
    let spf = |change: fn(&mut Spf)| {
        let check = found(&with(|answers| change(&mut answers.spf)), RecordKind::Spf);
        (check.standing, check.message, check.publish.map(|record| record.value))
    };
    let google = Some("v=spf1 include:_spf.google.com ~all".to_owned());
    for (standing, words, publish, got) in [
        (Standing::Fail, "no SPF record", google.clone(), spf(|spf| *spf = Spf::default())),
        (
            Standing::Fail,
            "2 SPF records",
            Some("v=spf1 include:_spf.google.com mx -all".to_owned()),
            spf(|spf| spf.records.push("v=spf1 mx -all".into())),
        ),
        (Standing::Fail, "cannot use", None, spf(|spf| spf.broken = Some("x".into()))),
        (Standing::Fail, "more than the 10", None, spf(|spf| spf.lookups = 11)),
        (Standing::Fail, "must include _spf.google.com", google.clone(), spf(|spf| spf.includes.clear())),
        (Standing::Fail, "lets everybody", google.clone(), spf(|spf| spf.everybody = Some('+'))),
        (Standing::Warn, "about everybody else", google, spf(|spf| spf.everybody = None)),
        (Standing::Pass, "10 of 10", None, spf(|spf| spf.lookups = 10)),
        (
            Standing::Pass,
            "One record",
            None,
            spf(|spf| {
                spf.everybody = None;
                spf.records = vec!["v=spf1 redirect=_spf.google.com".into()];
            }),
        ),
    ] {
        assert!(got.0 == standing && got.1.contains(words) && got.2 == publish, "{words}: {got:?}");
    }
}

#[test]
fn a_server_whose_needs_are_not_known_is_named() {
    let own = Expected { hosts: vec!["smtp.halden.example".into()], ..expected() };
    let check = &judge(DOMAIN, &own, &good(), now())[0];
    assert_eq!(check.standing, Standing::Pass);
    assert!(check.message.contains("covers smtp.halden.example"), "{}", check.message);
    let none = with(|answers| answers.spf = Spf::default());
    let publish = judge(DOMAIN, &own, &none, now())[0].publish.clone().expect("a record");
    assert_eq!(publish.value, "v=spf1 a:smtp.halden.example ~all");
}

#[test]
fn each_fault_of_dkim_is_told_with_our_own_key() {
    let dkim = |change: fn(&mut Dkim)| {
        let answers = with(|answers| change(answers.dkim.as_mut().expect("there")));
        let check = found(&answers, RecordKind::Dkim);
        (check.standing, check.message, check.publish.is_some())
    };
    fn key(dkim: &mut Dkim) -> &mut PublishedKey {
        dkim.key.as_mut().expect("there")
    }
    for (standing, words, publish, got) in [
        (Standing::Fail, "no record at sw1._domainkey.halden.example", true, dkim(|dkim| *dkim = Dkim::default())),
        (Standing::Fail, "2 records", true, dkim(|dkim| dkim.records.push("v=DKIM1; p=x".into()))),
        (Standing::Fail, "not one of a key", true, dkim(|dkim| dkim.key = None)),
        (Standing::Fail, "withdrawn", true, dkim(|dkim| key(dkim).text.clear())),
        (Standing::Fail, "another key", true, dkim(|dkim| key(dkim).text = "x".into())),
        (Standing::Fail, "512 bits", true, dkim(|dkim| key(dkim).bits = Some(512))),
        (Standing::Warn, "1024 bits", false, dkim(|dkim| key(dkim).bits = Some(1024))),
        (Standing::Warn, "t=y", true, dkim(|dkim| key(dkim).testing = true)),
        (Standing::Pass, "A key at", false, dkim(|dkim| key(dkim).bits = None)),
    ] {
        assert!(got.0 == standing && got.1.contains(words) && got.2 == publish, "{words}: {got:?}");
    }
    let nobody = Expected { selector: None, public_key: None, ..expected() };
    let answers = with(|answers| answers.dkim = None);
    let check = &judge(DOMAIN, &nobody, &answers, now())[1];
    assert!(check.standing == Standing::Fail && check.message.contains("Make a key"), "{check:?}");
}

#[test]
fn dmarc_needs_a_record_and_one_of_the_others() {
    let fail = |answers: &Answers, words: &str| {
        let check = found(answers, RecordKind::Dmarc);
        assert!(check.standing == Standing::Fail && check.message.contains(words), "{words}: {check:?}");
        check.publish.map(|record| (record.name, record.value))
    };
    let publish = fail(&with(|answers| answers.dmarc = Dmarc::default()), "no DMARC record");
    assert_eq!(publish, Some(("_dmarc.halden.example".into(), "v=DMARC1; p=none".into())));
    fail(&with(|answers| answers.dmarc.records.push("v=DMARC1; p=reject".into())), "2 records");
    fail(&with(|answers| answers.dmarc.policy = None), "cannot be read");
    let neither = |answers: &mut Answers| {
        answers.spf = Spf::default();
        answers.dkim = Some(Dkim::default());
    };
    fail(&with(neither), "nothing is aligned");
    let one = with(|answers| answers.spf = Spf::default());
    assert_eq!(found(&one, RecordKind::Dmarc).standing, Standing::Pass, "DKIM is enough for DMARC");
}

#[test]
fn a_domain_that_takes_no_mail_fails_and_one_without_mx_warns() {
    let mx = |hosts: &[&str], has_address| {
        let hosts = hosts.iter().map(ToString::to_string).collect();
        found(&with(|answers| answers.mx = Mx { hosts, has_address }), RecordKind::Mx).standing
    };
    assert_eq!([mx(&["."], true), mx(&[], false)], [Standing::Fail; 2]);
    assert_eq!(mx(&[], true), Standing::Warn);
}

#[test]
fn links_that_nobody_else_can_open_are_told() {
    let links = |addresses| found(&with(|answers| answers.links.addresses = addresses), RecordKind::Links).standing;
    assert_eq!([links(None), links(Some(Vec::new()))], [Standing::Warn, Standing::Fail]);
    let open = found(&with(|answers| answers.links.is_encrypted = false), RecordKind::Links);
    assert!(open.standing == Standing::Warn && open.message.contains("without https"), "{open:?}");
}

#[test]
fn what_nobody_was_asked_about_is_not_judged() {
    let kinds = |answers: &Answers| -> Vec<_> {
        let checks = judge(DOMAIN, &expected(), answers, now());
        checks.into_iter().filter(|check| !check.kind.is_always_judged()).map(|c| (c.kind, c.standing)).collect()
    };
    assert!(kinds(&good()).is_empty());
    let asked = with(|answers| {
        let (host, address) = ("mail.halden.example".to_owned(), "192.0.2.7".parse().expect("an address"));
        answers.reverse = vec![Reverse { host, address, names: Some(Vec::new()), is_confirmed: false }];
        let codes = Some(vec!["127.0.1.2".parse().expect("an address")]);
        let (list, subject) = ("list.example".to_owned(), DOMAIN.to_owned());
        answers.listings = vec![Listing { list, subject, codes, reasons: Vec::new() }];
        answers.age = Some(Age { name: DOMAIN.to_owned(), registered_at: now() });
    });
    let told =
        [(RecordKind::Ptr, Standing::Fail), (RecordKind::Blocklist, Standing::Fail), (RecordKind::Age, Standing::Warn)];
    assert_eq!(kinds(&asked), told);
}

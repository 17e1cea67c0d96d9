//! Reads an SPF record with what it includes, and counts as receivers count (RFC 7208, 4.6.4).

use domain::domains::Spf;
use mail_auth::{
    common::parse::TxtRecordParser,
    spf::{Macro, Mechanism, Qualifier, Spf as Record},
};

use crate::dns::{Dns, Unanswered};

/// One more than receivers make: enough to know that it is too many.
const TOO_MANY: usize = 11;

/// What the DNS says about SPF of a domain.
pub(super) async fn look(dns: &Dns, domain: &str) -> Result<Spf, Unanswered> {
    let records = records(dns, domain).await?;
    let mut spf = Spf { records, ..Spf::default() };
    let [own] = spf.records.as_slice() else { return Ok(spf) };
    let mut waiting = vec![(domain.to_owned(), own.clone())];
    let mut is_own = true;
    while let Some((name, text)) = waiting.pop() {
        let Ok(record) = Record::parse(text.as_bytes()) else {
            spf.broken = Some(format!("that of {name} is not written as RFC 7208 asks"));
            return Ok(spf);
        };
        if is_own {
            spf.everybody = everybody(&record);
            is_own = false;
        }
        for other in others(&record) {
            spf.lookups += 1;
            if spf.lookups >= TOO_MANY {
                return Ok(spf);
            }
            // A name with macros is known only when a mail comes; it counts all the same.
            let Some(other) = other else { continue };
            let mut found = self::records(dns, &other).await?;
            match (found.pop(), found.len()) {
                (Some(text), 0) => waiting.push((other.clone(), text)),
                (None, _) => spf.broken = Some(format!("{name} includes {other}, which has no SPF record")),
                _ => spf.broken = Some(format!("{name} includes {other}, which has several SPF records")),
            }
            if spf.broken.is_some() {
                return Ok(spf);
            }
            if !spf.includes.contains(&other) {
                spf.includes.push(other);
            }
        }
    }
    Ok(spf)
}

/// The records of SPF at a name.
async fn records(dns: &Dns, name: &str) -> Result<Vec<String>, Unanswered> {
    let is_spf = |text: &String| {
        let lower = text.to_ascii_lowercase();
        lower == "v=spf1" || lower.starts_with("v=spf1 ")
    };
    Ok(dns.texts(name).await?.into_iter().filter(is_spf).collect())
}

/// What a receiver looks up for a record: the name where another record is read, nothing where only addresses are.
fn others(record: &Record) -> Vec<Option<String>> {
    let mut others: Vec<_> = record
        .directives
        .iter()
        .filter_map(|directive| match &directive.mechanism {
            Mechanism::Include { macro_string } => Some(literal(macro_string)),
            Mechanism::A { .. } | Mechanism::Mx { .. } | Mechanism::Ptr { .. } | Mechanism::Exists { .. } => Some(None),
            Mechanism::All | Mechanism::Ip4 { .. } | Mechanism::Ip6 { .. } => None,
        })
        .collect();
    // With `all` nothing comes after it (RFC 7208, 6.1).
    if everybody(record).is_none() {
        others.extend(record.redirect.as_ref().map(literal));
    }
    others
}

fn literal(name: &Macro) -> Option<String> {
    match name {
        Macro::Literal(bytes) => Some(String::from_utf8_lossy(bytes).trim_end_matches('.').to_ascii_lowercase()),
        _ => None,
    }
}

/// What the record says about everybody whom it does not name.
fn everybody(record: &Record) -> Option<char> {
    let all = record.directives.iter().find(|directive| matches!(directive.mechanism, Mechanism::All))?;
    Some(match all.qualifier {
        Qualifier::Pass => '+',
        Qualifier::Fail => '-',
        Qualifier::SoftFail => '~',
        Qualifier::Neutral => '?',
    })
}

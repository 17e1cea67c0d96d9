//! The checks a campaign must pass before it starts, as pure rules over plain facts.

use serde::{Deserialize, Serialize};

use crate::{
    Permission, Problem,
    domains::{self, RecordCheck, RecordKind},
    public_url::is_fit_for_mail,
    steps::{Email, Sequence, Test, WinBy, Writing},
    tracking::Tracking,
    window::SendingWindow,
    wire::wire_enum,
    words::{grouped, plural},
};

wire_enum! {
    /// What a check says.
    pub enum Verdict {
        /// Good.
        Pass = "pass",
        /// Worth a look; does not keep the campaign from starting.
        Warn = "warn",
        /// Keeps the campaign from starting.
        Block = "block",
    }
}

wire_enum! {
    /// Where a failed check is mended.
    pub enum FixAt {
        /// The settings of the campaign.
        Settings = "settings",
        /// Its steps.
        Sequence = "sequence",
        /// The mailboxes of the company.
        Mailboxes = "mailboxes",
        /// Its sending domains.
        Domains = "domains",
        /// The settings of the company.
        Company = "company",
        /// Models and the webhook of the company.
        Models = "models",
    }
}

/// One line of the launch checklist.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Check {
    /// Stable word for programs.
    pub code: String,
    /// What it says.
    pub verdict: Verdict,
    /// Sentence for people.
    pub message: String,
    /// Where to mend it.
    pub fix: Option<FixAt>,
}

/// What is known about the domain of a mailbox.
#[derive(Clone, Debug)]
pub struct DomainFacts {
    /// Its name.
    pub name: String,
    /// What was found about it; empty before its first check.
    pub records: Vec<RecordCheck>,
}

/// What is known about a campaign when it is checked.
#[derive(Clone, Debug)]
pub struct Facts<'a> {
    /// Leads that would be enrolled.
    pub audience: i64,
    /// Of these: on the suppression list.
    pub suppressed: i64,
    /// Of these: without an address.
    pub without_address: i64,
    /// What is done to each lead.
    pub sequence: &'a Sequence,
    /// A step calls the webhook of the company, and none is connected.
    pub without_webhook: bool,
    /// Leads without a value for a variable without a fallback are left out.
    pub skips_missing: bool,
    /// A language model is set up and asked.
    pub has_model: bool,
    /// Mailboxes chosen.
    pub mailboxes: usize,
    /// Of these: connected.
    pub connected: usize,
    /// How many of these nobody has tested yet.
    pub untested: usize,
    /// A test e-mail of it was sent in the last seven days.
    pub tried: bool,
    /// The domains of those that are the company's own, not of the sandbox.
    pub domains: &'a [DomainFacts],
    /// The most e-mails they may send together in 24 hours.
    pub daily_cap: i64,
    /// Where the links of e-mails lead to.
    pub public_url: &'a str,
    /// What is asked about e-mails that were sent.
    pub tracking: Tracking,
    /// The company’s own host name for that, when one passes.
    pub link_host: Option<&'a str>,
    /// Postal address of the company is set.
    pub has_postal_address: bool,
    /// When it may send.
    pub window: &'a SendingWindow,
}

/// Runs every check, in the order of the checklist.
#[must_use]
pub fn run(facts: &Facts<'_>) -> Vec<Check> {
    let mut checks = vec![audience(facts), suppressed(facts), addresses(facts), steps(facts), variables(facts)];
    checks.extend(writing(facts));
    checks.extend([mailboxes(facts), authentication(facts), postal_address(facts), unsubscribe(facts)]);
    checks.extend(tracking(facts));
    checks.extend([window(facts), volume(facts), test_mail(facts)]);
    checks
}

/// The blocking checks as problems, for a start that is refused.
#[must_use]
pub fn blockers(checks: &[Check]) -> Vec<Problem> {
    checks
        .iter()
        .filter(|c| c.verdict == Verdict::Block)
        .map(|c| Problem { code: c.code.clone().into(), message: c.message.clone(), field: None })
        .collect()
}

/// Leads that will get the first e-mail.
#[must_use]
pub const fn reachable(facts: &Facts<'_>) -> i64 {
    facts.audience - facts.suppressed - facts.without_address
}

fn audience(f: &Facts<'_>) -> Check {
    match f.audience {
        0 => block("audience", "No lead is chosen. Choose a filter, or add leads from the list.", FixAt::Settings),
        n if reachable(f) <= 0 => block("audience", format!("None of the {n} leads can be mailed."), FixAt::Settings),
        n => pass("audience", format!("{n} {} chosen.", if n == 1 { "lead is" } else { "leads are" })),
    }
}

fn suppressed(f: &Facts<'_>) -> Check {
    match f.suppressed {
        0 => pass("suppressed", "Nobody in the audience is on the suppression list."),
        n => warn("suppressed", format!("{n} on the suppression list will be skipped."), None),
    }
}

fn addresses(f: &Facts<'_>) -> Check {
    match f.without_address {
        0 => pass("addresses", "Every lead has an e-mail address."),
        n => warn("addresses", format!("{n} without an e-mail address will be skipped."), None),
    }
}

fn steps(f: &Facts<'_>) -> Check {
    if emails(f).next().is_none() {
        return block("steps", "There is no e-mail yet. Add at least one step.", FixAt::Sequence);
    }
    if f.without_webhook {
        let words = "A step calls the webhook of the company, and none is connected. An admin connects one.";
        return block("steps", words, FixAt::Models);
    }
    match f.sequence.problems().into_iter().next() {
        Some((n, problem)) => block("steps", format!("Step {n}: {}", problem.message), FixAt::Sequence),
        None => pass("steps", format!("{} ready.", plural(count(f.sequence.steps().len()), "step is", "steps are"))),
    }
}

fn emails<'a>(f: &Facts<'a>) -> impl Iterator<Item = &'a Email> {
    f.sequence.steps().iter().filter_map(crate::steps::Step::email)
}

fn variables(f: &Facts<'_>) -> Check {
    let bare: Vec<String> = emails(f)
        .flat_map(Email::variables_without_fallback)
        .collect::<std::collections::BTreeSet<_>>()
        .into_iter()
        .map(|v| format!("{{{v}}}"))
        .collect();
    if bare.is_empty() {
        return pass("variables", "Every variable has a fallback.");
    }
    if f.skips_missing {
        let words = format!("Leads without a value for {} are left out.", bare.join(", "));
        return warn("variables", words, Some(FixAt::Sequence));
    }
    block(
        "variables",
        format!("{} can be empty. Write a fallback, as in {{first_name|there}}.", bare.join(", ")),
        FixAt::Sequence,
    )
}

/// Who writes and who approves, when e-mails are written for each lead.
fn writing(f: &Facts<'_>) -> Option<Check> {
    let written = || emails(f).filter(|email| email.writing.needs_draft());
    let steps = plural(count(written().count()), "step is", "steps are");
    let approves = Permission::ApproveDrafts.least_role().label();
    let then = if written().any(|email| email.writing == Writing::Approve) {
        format!("Each e-mail waits until a {approves} or above approves it.")
    } else {
        format!("What passes every check leaves by itself; the rest waits for a {approves} or above.")
    };
    let bare = written().any(|email| email.body.trim().is_empty());
    match (written().next(), f.has_model, bare) {
        (None, ..) => None,
        (_, true, _) => Some(pass("writing", format!("{steps} written by your model for each lead. {then}"))),
        (_, false, false) => Some(pass(
            "writing",
            format!("{steps} written by the built-in writer from its template: no model is set up. {then}"),
        )),
        (_, false, true) => {
            let words = "No model is set up and a step has no template, so the built-in writer writes a general e-mail. \
                         Set up a model, or write a template.";
            Some(warn("writing", format!("{words} {then}"), Some(FixAt::Sequence)))
        }
    }
}

fn mailboxes(f: &Facts<'_>) -> Check {
    match (f.mailboxes, f.connected) {
        (0, _) => block("mailboxes", "No mailbox is chosen. Choose the address to send from.", FixAt::Settings),
        (_, 0) => block("mailboxes", "No mailbox is connected. Test its connection.", FixAt::Mailboxes),
        (all, some) if some < all => {
            warn("mailboxes", format!("{some} of {all} mailboxes are connected."), Some(FixAt::Mailboxes))
        }
        _ if f.untested > 0 => {
            let words = format!("{} not been tested yet.", plural(count(f.untested), "mailbox has", "mailboxes have"));
            warn("mailboxes", words, Some(FixAt::Mailboxes))
        }
        (all, _) => pass("mailboxes", format!("{} connected.", plural(count(all), "mailbox is", "mailboxes are"))),
    }
}

/// Receivers refuse what does not pass, so every domain has to.
fn authentication(f: &Facts<'_>) -> Check {
    if f.domains.is_empty() {
        return pass("authentication", "Sandbox mailboxes need no SPF, DKIM or DMARC: nothing leaves this machine.");
    }
    let faults: Vec<_> = f.domains.iter().filter_map(fault).collect();
    if faults.is_empty() {
        let names: Vec<_> = f.domains.iter().map(|domain| domain.name.as_str()).collect();
        return pass("authentication", format!("SPF, DKIM, DMARC and MX of {} pass.", names.join(", ")));
    }
    block("authentication", faults.join(" "), FixAt::Domains)
}

/// What a domain lacks.
fn fault(domain: &DomainFacts) -> Option<String> {
    let name = &domain.name;
    if domain.records.is_empty() {
        return Some(format!("The DNS records of {name} have not been checked yet."));
    }
    let failing: Vec<_> = domains::failing(&domain.records).into_iter().map(RecordKind::label).collect();
    let verb = if failing.len() == 1 { "does" } else { "do" };
    (!failing.is_empty()).then(|| format!("{} of {name} {verb} not pass.", failing.join(", ")))
}

fn postal_address(f: &Facts<'_>) -> Check {
    if f.has_postal_address {
        pass("postal_address", "The postal address of the company stands under every e-mail.")
    } else {
        block("postal_address", "The company has no postal address. The law asks for one.", FixAt::Company)
    }
}

fn unsubscribe(f: &Facts<'_>) -> Check {
    if is_fit_for_mail(f.public_url) {
        pass("unsubscribe", "Every e-mail carries an unsubscribe link and the one-click header.")
    } else {
        let text = format!(
            "Recipients could not unsubscribe at {}: one-click needs https. Whoever runs this installation sets its \
             public address.",
            f.public_url
        );
        Check { fix: None, ..block("unsubscribe", text, FixAt::Company) }
    }
}

/// What a step asks that nobody tells: the answer would always be “no”.
fn untracked(f: &Facts<'_>) -> Option<String> {
    f.sequence.steps().iter().find_map(|step| {
        let asks = match (step.action.test(), step.email()) {
            (Some(Test::Opened { .. }), _) if !f.tracking.opens => "opens",
            (Some(Test::Clicked { .. }), _) if !f.tracking.clicks => "clicks",
            (_, Some(email))
                if email.winner.by == WinBy::Clicks && !email.variants.is_empty() && !f.tracking.clicks =>
            {
                "clicks"
            }
            _ => return None,
        };
        Some(format!(
            "Step {} asks for {asks}, which are not tracked. Turn tracking on, or ask for something else.",
            step.position
        ))
    })
}

/// Over whose name links lead, when somebody wants to know who follows them. Another name than the sender’s own would
/// be held against the sender.
fn tracking(f: &Facts<'_>) -> Option<Check> {
    if let Some(words) = untracked(f) {
        return Some(block("tracking", words, FixAt::Settings));
    }
    let what = match (f.tracking.opens, f.tracking.clicks) {
        (false, false) => return None,
        (true, false) => "Opens are",
        (false, true) => "Clicks are",
        (true, true) => "Opens and clicks are",
    };
    Some(match f.link_host {
        Some(host) => pass("tracking", format!("{what} tracked over {host}.")),
        None if f.domains.is_empty() && f.mailboxes > 0 => {
            pass("tracking", format!("{what} tracked over this installation: nothing leaves the sandbox."))
        }
        None => {
            let words = "A host name of your own has to pass its check before opens or clicks are tracked. Add one, or \
                         turn tracking off.";
            block("tracking", words, FixAt::Domains)
        }
    })
}

fn window(f: &Facts<'_>) -> Check {
    match f.window.check() {
        Ok(()) => pass("window", f.window.to_string()),
        Err(problem) => block("window", problem.message, FixAt::Settings),
    }
}

fn count(n: usize) -> i64 {
    i64::try_from(n).unwrap_or(i64::MAX)
}

fn test_mail(f: &Facts<'_>) -> Check {
    if f.tried {
        return pass("test_mail", "A test e-mail was sent in the last seven days.");
    }
    warn("test_mail", "No test e-mail was sent in the last seven days. Send one from a step.", Some(FixAt::Sequence))
}

fn volume(f: &Facts<'_>) -> Check {
    let mails = reachable(f).max(0) * count(emails(f).count());
    if mails == 0 || f.daily_cap == 0 {
        return pass("volume", "No e-mails to count yet.");
    }
    let days = mails.div_euclid(f.daily_cap) + i64::from(mails % f.daily_cap != 0);
    let text = format!(
        "{} at {} a day take about {} of sending.",
        plural(mails, "e-mail", "e-mails"),
        grouped(f.daily_cap),
        plural(days, "day", "days")
    );
    if days > 60 { warn("volume", text, Some(FixAt::Mailboxes)) } else { pass("volume", text) }
}

fn pass(code: &str, message: impl Into<String>) -> Check {
    Check { code: code.to_owned(), verdict: Verdict::Pass, message: message.into(), fix: None }
}

fn warn(code: &str, message: impl Into<String>, fix: Option<FixAt>) -> Check {
    Check { code: code.to_owned(), verdict: Verdict::Warn, message: message.into(), fix }
}

fn block(code: &str, message: impl Into<String>, fix: FixAt) -> Check {
    Check { code: code.to_owned(), verdict: Verdict::Block, message: message.into(), fix: Some(fix) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        domains::Standing,
        steps::{Action, Sequence, Step},
    };

    fn codes(facts: &Facts<'_>, verdict: Verdict) -> Vec<String> {
        run(facts).into_iter().filter(|c| c.verdict == verdict).map(|c| c.code).collect()
    }

    fn good<'a>(sequence: &'a Sequence, window: &'a SendingWindow) -> Facts<'a> {
        Facts {
            audience: 10,
            suppressed: 0,
            without_address: 0,
            sequence,
            without_webhook: false,
            skips_missing: false,
            has_model: true,
            mailboxes: 1,
            connected: 1,
            untested: 0,
            tried: true,
            domains: &[],
            daily_cap: 50,
            public_url: "https://sales.example",
            tracking: Tracking::default(),
            link_host: None,
            has_postal_address: true,
            window,
        }
    }

    #[test]
    fn a_good_campaign_passes() {
        let steps = Sequence::of(vec![Step::example()]);
        let window = SendingWindow::default();
        assert_eq!(codes(&good(&steps, &window), Verdict::Block), Vec::<String>::new());
        assert_eq!(codes(&good(&steps, &window), Verdict::Warn), Vec::<String>::new());
    }

    #[test]
    fn a_mailbox_that_nobody_has_tested_is_told_and_keeps_nobody_back() {
        let window = SendingWindow::default();
        let step = Sequence::of(vec![Step::example()]);
        let facts = Facts { untested: 1, ..good(&step, &window) };
        assert_eq!(codes(&facts, Verdict::Warn), ["mailboxes"]);
        assert!(codes(&facts, Verdict::Block).is_empty());
    }

    #[test]
    fn an_empty_campaign_says_all_that_is_missing() {
        let window = SendingWindow::default();
        let empty = Sequence::default();
        let facts =
            Facts { audience: 0, mailboxes: 0, connected: 0, has_postal_address: false, ..good(&empty, &window) };
        assert_eq!(codes(&facts, Verdict::Block), ["audience", "steps", "mailboxes", "postal_address"]);
    }

    #[test]
    fn an_address_without_encryption_blocks() {
        let steps = Sequence::of(vec![Step::example()]);
        let window = SendingWindow::default();
        let facts = Facts { public_url: "http://192.168.1.10:3000", ..good(&steps, &window) };
        assert_eq!(codes(&facts, Verdict::Block), ["unsubscribe"]);
    }

    #[test]
    fn a_domain_whose_records_do_not_pass_blocks_and_is_named() {
        let (steps, window) = (Sequence::of(vec![Step::example()]), SendingWindow::default());
        let record =
            |kind, standing| RecordCheck { kind, standing, message: String::new(), found: Vec::new(), publish: None };
        let all = |standing| RecordKind::ALL.iter().map(|kind| record(*kind, standing)).collect::<Vec<_>>();
        let told = |records: Vec<RecordCheck>| {
            let domains = [DomainFacts { name: "halden.example".into(), records }];
            let checks = run(&Facts { domains: &domains, ..good(&steps, &window) });
            let check = checks.into_iter().find(|check| check.code == "authentication").expect("there");
            (check.verdict, check.message)
        };
        assert_eq!(told(all(Standing::Warn)).0, Verdict::Pass);
        let unchecked = "The DNS records of halden.example have not been checked yet.";
        assert_eq!(told(Vec::new()), (Verdict::Block, unchecked.into()));
        let mut two = all(Standing::Pass);
        two[0].standing = Standing::Fail;
        two[2].standing = Standing::Fail;
        assert_eq!(told(two), (Verdict::Block, "SPF, DMARC of halden.example do not pass.".into()));
    }

    #[test]
    fn tracking_waits_for_a_host_name_of_the_company() {
        let (steps, window) = (Sequence::of(vec![Step::example()]), SendingWindow::default());
        let tracking = Tracking { opens: false, clicks: true };
        let told = |facts: &Facts<'_>| {
            let check = run(facts).into_iter().find(|check| check.code == "tracking");
            check.map(|check| (check.verdict, check.message))
        };
        assert_eq!(told(&good(&steps, &window)), None, "nobody asks");
        let sandbox = Facts { tracking, ..good(&steps, &window) };
        assert_eq!(told(&sandbox).map(|(verdict, _)| verdict), Some(Verdict::Pass));
        let domains = [DomainFacts { name: "halden.example".into(), records: Vec::new() }];
        let without = Facts { domains: &domains, ..sandbox };
        assert_eq!(told(&without).map(|(verdict, _)| verdict), Some(Verdict::Block));
        let with = Facts { link_host: Some("links.halden.example"), ..without };
        let words = "Clicks are tracked over links.halden.example.";
        assert_eq!(told(&with), Some((Verdict::Pass, words.into())));
        let asks = Step { action: Action::Condition { test: Test::Opened { step: None } }, ..Step::example() };
        let steps = Sequence::of(vec![asks]);
        let words = "Step 1 asks for opens, which are not tracked. Turn tracking on, or ask for something else.";
        assert_eq!(told(&Facts { sequence: &steps, ..with }), Some((Verdict::Block, words.into())));
    }

    #[test]
    fn variables_without_a_fallback_block() {
        let steps = Sequence::of(vec![Step::example().with_email(|e| e.body = "Hi {first_name}".into())]);
        let window = SendingWindow::default();
        assert_eq!(codes(&good(&steps, &window), Verdict::Block), ["variables"]);
    }

    #[test]
    fn an_audience_that_cannot_be_mailed_blocks() {
        let steps = Sequence::of(vec![Step::example()]);
        let window = SendingWindow::default();
        let facts = Facts { suppressed: 6, without_address: 4, ..good(&steps, &window) };
        assert_eq!(codes(&facts, Verdict::Block), ["audience"]);
    }
}

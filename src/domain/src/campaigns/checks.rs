//! The checks a campaign must pass before it starts, as pure rules over plain facts.

use serde::{Deserialize, Serialize};

use crate::{
    Permission, Problem,
    domains::{self, RecordCheck, RecordKind},
    enrolments::EndReason,
    public_url::is_fit_for_mail,
    simulation::{NeverReached, Simulation},
    steps::{Email, Sequence, Step, Test, WinBy, Writing},
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
    /// What it says of each thing, where there are several; a sentence each.
    #[serde(default)]
    pub lines: Vec<String>,
    /// Where to mend it.
    pub fix: Option<FixAt>,
}

impl Check {
    /// All that it says, in one line.
    #[must_use]
    pub fn in_full(&self) -> String {
        std::iter::once(&self.message).chain(&self.lines).map(String::as_str).collect::<Vec<_>>().join(" ")
    }
}

/// The launch checklist.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Checklist {
    /// Every check, in its order.
    pub checks: Vec<Check>,
    /// Leads that will get the first e-mail.
    pub reached: i64,
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
    /// Of these: those that would get nothing, by reason.
    pub left_out: &'a [NeverReached],
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
    /// What was simulated of exactly this, when it was.
    pub simulated: Option<&'a Simulation>,
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
pub fn run(facts: &Facts<'_>) -> Checklist {
    let mut checks = vec![audience(facts), suppressed(facts), addresses(facts)];
    checks.extend(left_out(facts));
    checks.extend([steps(facts), variables(facts)]);
    checks.extend(writing(facts));
    checks.extend([mailboxes(facts), authentication(facts), postal_address(facts), unsubscribe(facts)]);
    checks.extend(tracking(facts));
    checks.extend([window(facts), volume(facts), test_mail(facts)]);
    Checklist { checks, reached: reachable(facts) }
}

/// The blocking checks as problems, for a start that is refused.
#[must_use]
pub fn blockers(checks: &[Check]) -> Vec<Problem> {
    checks
        .iter()
        .filter(|c| c.verdict == Verdict::Block)
        .map(|c| Problem { code: c.code.clone().into(), message: c.in_full(), field: None })
        .collect()
}

/// Leads that will get the first e-mail.
#[must_use]
pub fn reachable(facts: &Facts<'_>) -> i64 {
    facts.audience - facts.left_out.iter().map(|one| one.leads).sum::<i64>()
}

fn audience(f: &Facts<'_>) -> Check {
    match (f.audience, reachable(f)) {
        (0, _) => block("audience", "No lead is chosen. Choose a filter, or add leads from the list.", FixAt::Settings),
        (all, some) if some <= 0 => {
            let words = format!("None of the {} can be mailed.", plural(all, "lead", "leads"));
            let lines = f.left_out.iter().map(left_out_words).collect();
            Check { lines, ..block("audience", words, FixAt::Settings) }
        }
        (all, some) if some < all => pass(
            "audience",
            format!("{} chosen; e-mails go to {}.", plural(all, "lead is", "leads are"), grouped(some)),
        ),
        (all, _) => pass("audience", format!("{} chosen.", plural(all, "lead is", "leads are"))),
    }
}

/// How many are left out for this reason.
fn left_out_for(f: &Facts<'_>, reason: EndReason) -> i64 {
    f.left_out.iter().filter(|one| one.reason == reason).map(|one| one.leads).sum()
}

fn left_out_words(one: &NeverReached) -> String {
    format!("{} left out: {}.", plural(one.leads, "lead is", "leads are"), one.reason.label())
}

fn suppressed(f: &Facts<'_>) -> Check {
    match left_out_for(f, EndReason::OnSuppressionList) {
        0 => pass("suppressed", "Nobody in the audience is on the suppression list."),
        n => warn("suppressed", format!("{} on the suppression list will be skipped.", grouped(n)), None),
    }
}

fn addresses(f: &Facts<'_>) -> Check {
    match left_out_for(f, EndReason::NoAddress) {
        0 => pass("addresses", "Every lead has an e-mail address."),
        n => warn("addresses", format!("{} without an e-mail address will be skipped.", grouped(n)), None),
    }
}

/// Whom the rules leave out. Nothing where everybody else is reached.
fn left_out(f: &Facts<'_>) -> Option<Check> {
    let told_already = [EndReason::OnSuppressionList, EndReason::NoAddress];
    let others: Vec<_> = f.left_out.iter().filter(|one| !told_already.contains(&one.reason)).collect();
    let leads: i64 = others.iter().map(|one| one.leads).sum();
    let whole = format!("{} left out by the rules.", plural(leads, "lead is", "leads are"));
    let check = warn("left_out", whole, Some(FixAt::Settings));
    (leads > 0).then(|| one_by_one(check, others.into_iter().map(left_out_words).collect()))
}

/// A check of several things says what it says of each; of one, it says only that.
fn one_by_one(check: Check, mut lines: Vec<String>) -> Check {
    match lines.len() {
        1 => Check { message: lines.remove(0), ..check },
        _ => Check { lines, ..check },
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
    let faults: Vec<_> =
        f.sequence.problems().into_iter().map(|(n, problem)| format!("Step {n}: {}", problem.message)).collect();
    if faults.is_empty() {
        return pass("steps", format!("{} ready.", plural(count(f.sequence.steps().len()), "step is", "steps are")));
    }
    let whole =
        format!("{} before it can start.", plural(count(faults.len()), "thing is to mend", "things are to mend"));
    one_by_one(block("steps", whole, FixAt::Sequence), faults)
}

fn emails<'a>(f: &Facts<'a>) -> impl Iterator<Item = &'a Email> {
    f.sequence.steps().iter().filter_map(Step::email)
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
    let whole = format!("{} not pass.", plural(count(faults.len()), "domain does", "domains do"));
    one_by_one(block("authentication", whole, FixAt::Domains), faults)
}

/// What a domain lacks.
fn fault(domain: &DomainFacts) -> Option<String> {
    let name = &domain.name;
    if domain.records.is_empty() {
        return Some(format!("The DNS records of {name} have not been checked yet."));
    }
    let failing = domains::failing(&domain.records);
    let verb = match failing.as_slice() {
        [] => return None,
        [RecordKind::Blocklist] | [_, _, ..] => "do",
        [_] => "does",
    };
    let labels: Vec<_> = failing.into_iter().map(RecordKind::label).collect();
    Some(format!("{} of {name} {verb} not pass.", labels.join(", ")))
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

/// What steps ask that nobody tells: the answer would always be “no”.
fn untracked(f: &Facts<'_>) -> Vec<String> {
    let of_step = |step: &Step| {
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
    };
    f.sequence.steps().iter().filter_map(of_step).collect()
}

/// Over whose name links lead, when somebody wants to know who follows them. Another name than the sender’s own would
/// be held against the sender.
fn tracking(f: &Facts<'_>) -> Option<Check> {
    let faults = untracked(f);
    if !faults.is_empty() {
        let whole = format!("{} for what is not tracked.", plural(count(faults.len()), "step asks", "steps ask"));
        return Some(one_by_one(block("tracking", whole, FixAt::Settings), faults));
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

/// How many e-mails there are, and how long they take. Windows, delays and pauses between two decide that, so only what
/// was simulated says it; without that it is said when the caps alone make it long.
fn volume(f: &Facts<'_>) -> Check {
    if let Some(simulated) = f.simulated {
        let days = count(simulated.days.len());
        let leave = plural(simulated.mails, "e-mail leaves", "e-mails leave");
        return of_length(days, format!("{leave} on {}, as simulated.", plural(days, "day", "days")));
    }
    let mails = reachable(f).max(0) * count(emails(f).count());
    if mails == 0 || f.daily_cap == 0 {
        return pass("volume", "No e-mails to count yet.");
    }
    let days = mails.div_euclid(f.daily_cap) + i64::from(mails % f.daily_cap != 0);
    let most = format!("{} at most, and at most {} a day.", plural(mails, "e-mail", "e-mails"), grouped(f.daily_cap));
    let then = match days > MANY_DAYS {
        true => format!("If all leave, they take {} or more.", plural(days, "day", "days")),
        false => "Simulate the campaign to see how long they take.".to_owned(),
    };
    of_length(days, format!("{most} {then}"))
}

/// Days of sending after which a campaign is worth another mailbox.
const MANY_DAYS: i64 = 60;

fn of_length(days: i64, text: String) -> Check {
    if days > MANY_DAYS { warn("volume", text, Some(FixAt::Mailboxes)) } else { pass("volume", text) }
}

fn pass(code: &str, message: impl Into<String>) -> Check {
    check(code, Verdict::Pass, message.into(), None)
}

fn warn(code: &str, message: impl Into<String>, fix: Option<FixAt>) -> Check {
    check(code, Verdict::Warn, message.into(), fix)
}

fn block(code: &str, message: impl Into<String>, fix: FixAt) -> Check {
    check(code, Verdict::Block, message.into(), Some(fix))
}

fn check(code: &str, verdict: Verdict, message: String, fix: Option<FixAt>) -> Check {
    Check { code: code.to_owned(), verdict, message, lines: Vec::new(), fix }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{domains::Standing, simulation::SimulatedDay, steps::Action};

    fn codes(facts: &Facts<'_>, verdict: Verdict) -> Vec<String> {
        run(facts).checks.into_iter().filter(|c| c.verdict == verdict).map(|c| c.code).collect()
    }

    fn told(facts: &Facts<'_>, code: &str) -> Check {
        run(facts).checks.into_iter().find(|check| check.code == code).expect("there")
    }

    const fn out(reason: EndReason, leads: i64) -> NeverReached {
        NeverReached { reason, leads }
    }

    fn good<'a>(sequence: &'a Sequence, window: &'a SendingWindow) -> Facts<'a> {
        Facts {
            audience: 10,
            left_out: &[],
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
            simulated: None,
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
        let of_domain = |records: Vec<RecordCheck>| {
            let domains = [DomainFacts { name: "halden.example".into(), records }];
            let check = told(&Facts { domains: &domains, ..good(&steps, &window) }, "authentication");
            (check.verdict, check.message)
        };
        assert_eq!(of_domain(all(Standing::Warn)).0, Verdict::Pass);
        let unchecked = "The DNS records of halden.example have not been checked yet.";
        assert_eq!(of_domain(Vec::new()), (Verdict::Block, unchecked.into()));
        let mut two = all(Standing::Pass);
        two[0].standing = Standing::Fail;
        two[2].standing = Standing::Fail;
        assert_eq!(of_domain(two), (Verdict::Block, "SPF, DMARC of halden.example do not pass.".into()));
        let alone = |kind| {
            let mut records = all(Standing::Pass);
            records.retain(|record| record.kind != kind);
            records.push(record(kind, Standing::Fail));
            of_domain(records)
        };
        let listed = "Blocklists of halden.example do not pass.";
        assert_eq!(alone(RecordKind::Blocklist), (Verdict::Block, listed.into()));
        let nameless = "Reverse DNS of halden.example does not pass.";
        assert_eq!(alone(RecordKind::Ptr), (Verdict::Block, nameless.into()));
        assert_eq!(alone(RecordKind::Age).0, Verdict::Pass);
    }

    #[test]
    fn each_fault_of_a_check_stands_by_itself() {
        let window = SendingWindow::default();
        let domains =
            ["halden.example", "halden.test"].map(|name| DomainFacts { name: name.into(), records: Vec::new() });
        let asks = |position| Step {
            position,
            action: Action::Condition { test: Test::Opened { step: None } },
            ..Step::example()
        };
        let steps = Sequence::of(vec![asks(1), asks(2)]);
        let facts = Facts { domains: &domains, ..good(&steps, &window) };
        let check = told(&facts, "authentication");
        assert_eq!(check.message, "2 domains do not pass.");
        assert_eq!(
            check.lines,
            [
                "The DNS records of halden.example have not been checked yet.",
                "The DNS records of halden.test have not been checked yet."
            ]
        );
        assert_eq!(told(&facts, "tracking").lines.len(), 2);
        let problem = blockers(&[check]).remove(0).message;
        assert!(problem.starts_with("2 domains do not pass. The DNS records of halden.example"), "{problem}");
        assert!(
            problem.ends_with("halden.test have not been checked yet."),
            "whoever starts it hears of all: {problem}"
        );
    }

    #[test]
    fn tracking_waits_for_a_host_name_of_the_company() {
        let (steps, window) = (Sequence::of(vec![Step::example()]), SendingWindow::default());
        let tracking = Tracking { opens: false, clicks: true };
        let told = |facts: &Facts<'_>| {
            let check = run(facts).checks.into_iter().find(|check| check.code == "tracking");
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
        let left_out = [out(EndReason::OnSuppressionList, 6), out(EndReason::NoAddress, 4)];
        let facts = Facts { left_out: &left_out, ..good(&steps, &window) };
        assert_eq!(codes(&facts, Verdict::Block), ["audience"]);
        assert_eq!(run(&facts).reached, 0);
        let lines = ["6 leads are left out: on the suppression list.", "4 leads are left out: no e-mail address."];
        assert_eq!(told(&facts, "audience").lines, lines);
    }

    #[test]
    fn whoever_the_rules_leave_out_is_not_among_those_who_are_reached() {
        let steps = Sequence::of(vec![Step::example()]);
        let window = SendingWindow::default();
        let all = [out(EndReason::ActiveElsewhere, 6), out(EndReason::NoAddress, 1), out(EndReason::HeldOut, 1)];
        let facts = Facts { left_out: &all, ..good(&steps, &window) };
        assert_eq!(run(&facts).reached, 2);
        assert_eq!(codes(&facts, Verdict::Block), Vec::<String>::new());
        assert_eq!(told(&facts, "audience").message, "10 leads are chosen; e-mails go to 2.");
        assert_eq!(told(&facts, "addresses").message, "1 without an e-mail address will be skipped.");
        let check = told(&facts, "left_out");
        assert_eq!((check.verdict, check.message.as_str()), (Verdict::Warn, "7 leads are left out by the rules."));
        let lines =
            ["6 leads are left out: active in another campaign.", "1 lead is left out: held out for comparison."];
        assert_eq!(check.lines, lines);

        let one = Facts { left_out: &all[..1], ..facts };
        let check = told(&one, "left_out");
        assert_eq!(
            (check.message.as_str(), check.lines),
            ("6 leads are left out: active in another campaign.", vec![])
        );
        assert!(run(&good(&steps, &window)).checks.iter().all(|check| check.code != "left_out"), "nobody is");
    }

    #[test]
    fn how_long_it_takes_is_said_by_a_simulation_or_not_at_all() {
        let steps = Sequence::of(vec![Step::example()]);
        let window = SendingWindow::default();
        let facts = good(&steps, &window);
        let words = "10 e-mails at most, and at most 50 a day. Simulate the campaign to see how long they take.";
        assert_eq!(told(&facts, "volume").message, words);
        let day = |n| SimulatedDay { day: chrono::NaiveDate::from_ymd_opt(2026, 11, n).expect("a day"), mails: 2 };
        let simulation = Simulation { mails: 8, days: (2..6).map(day).collect(), ..Simulation::default() };
        let check = told(&Facts { simulated: Some(&simulation), ..facts.clone() }, "volume");
        assert_eq!(
            (check.verdict, check.message.as_str()),
            (Verdict::Pass, "8 e-mails leave on 4 days, as simulated.")
        );
        let long = told(&Facts { audience: 5_000, ..facts }, "volume");
        let words = "5,000 e-mails at most, and at most 50 a day. If all leave, they take 100 days or more.";
        assert_eq!((long.verdict, long.message.as_str()), (Verdict::Warn, words));
    }
}

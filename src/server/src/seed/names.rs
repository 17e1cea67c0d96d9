//! Invented people, firms and e-mails. The same number always gives the same lead.

use domain::{
    accounts::AccountInput,
    leads::{LeadInput, LeadStatus},
};

/// Subject of the first e-mail.
pub const FIRST_SUBJECT: &str = "Drift in your inspection line, {first_name|quick question}";
/// Text of the first e-mail.
pub const FIRST_BODY: &str = "Hi {first_name|there},\n\n\
    teams like yours at {company|your company} often see their optical sensors drift between two calibrations. \
    We build references that make the drift visible within one shift.\n\n\
    Who looks after measurement quality on your side?\n\n\
    Best regards\n{sender_name}";
/// Subject of its other wording.
pub const OTHER_SUBJECT: &str = "Who looks after measurement at {company|your company}?";
/// Text of its other wording.
pub const OTHER_BODY: &str = "Hi {first_name|there},\n\n\
    one question: how do you notice when an optical sensor at {company|your company} has drifted?\n\n\
    Best regards\n{sender_name}";
/// Subject of the second e-mail.
pub const SECOND_SUBJECT: &str = "How Lumen Assay cut recalibration by a third";
/// Text of the second e-mail.
pub const SECOND_BODY: &str = "Hi {first_name|there},\n\n\
    a short follow-up: Lumen Assay recalibrates every nine weeks instead of every six. \
    I can send you the two-page report, no call needed.\n\n\
    Would that help {company|your team}?\n\n\
    {sender_name}";
/// What the writer of the campaign with drafts is told.
pub const INSTRUCTIONS: &str = "Ask who looks after measurement in their plants. Mention what we know about their \
    role. One question, no praise.";
/// Subject that the built-in writer fills in.
pub const WRITTEN_SUBJECT: &str = "Measurement at {company|your company}";
/// Text that the built-in writer fills in.
pub const WRITTEN_BODY: &str = "Hi {first_name|there},\n\n\
    you work as {title|an expert} at {company|your company}. Who looks after the sensors in your plants?\n\n\
    We build references that make drift visible within one shift. May I send you two pages about them?\n\n\
    {sender_name}";

const FIRST: [&str; 20] = [
    "Ines", "Matteo", "Hanna", "Julien", "Amara", "Tobias", "Sofia", "Peter", "Clara", "Rasmus", "Elena", "Lukas",
    "Giulia", "Anders", "Marie", "Felix", "Oskar", "Yasmin", "Henrik", "Zuzanna",
];
const LAST: [&str; 23] = [
    "Albrecht",
    "Ricci",
    "Lindqvist",
    "Marchand",
    "Okafor",
    "Kern",
    "Novak",
    "van den Berg",
    "Weiss",
    "Holm",
    "Petrova",
    "Brandt",
    "Ferraro",
    "Nyström",
    "Dubois",
    "Hartmann",
    "Zieliński",
    "Haddad",
    "Sørensen",
    "Kowalczyk",
    "Müller-Lüdenscheidt",
    "Ó Briain",
    "Ayhan",
];
const FIRMS: [(&str, &str, &str); 16] = [
    ("Corvus Photonics", "corvus", "optics"),
    ("Tessera Robotics", "tessera", "robotics"),
    ("Nordfjell Energi", "nordfjell-energi", "energy"),
    ("Atelier Verre", "atelier-verre", "optics"),
    ("Lumen Assay", "lumen", "lab"),
    ("Falkenau Präzision GmbH", "falkenau", "optics"),
    ("Quarzit Labs", "quarzit", "lab"),
    ("Delftse Meetsystemen", "delftse", "robotics"),
    ("Ostwind Analytik", "ostwind", "lab"),
    ("Kattegat Marine", "kattegat", "energy"),
    ("Severn Optical", "severn", "optics"),
    ("Mainblick Sensorik", "mainblick", "robotics"),
    ("Piemonte Laser", "piemonte", "optics"),
    ("Vättern Metrologi", "vattern", "lab"),
    ("Optique du Rhône", "optique-rhone", "optics"),
    ("Meridian Cryogenics", "meridian", "energy"),
];
const TITLES: [&str; 12] = [
    "VP Operations",
    "Head of Automation",
    "Director of Procurement",
    "Chief Technology Officer",
    "Lab Director",
    "Geschäftsführer",
    "Quality Manager",
    "Plant Manager",
    "Head of R&D",
    "Engineering Lead",
    "Responsable achats",
    "Laboratory Technician",
];
const COUNTRIES: [(&str, &str); 8] = [
    ("DE", "Europe/Berlin"),
    ("IT", "Europe/Rome"),
    ("SE", "Europe/Stockholm"),
    ("FR", "Europe/Paris"),
    ("NL", "Europe/Amsterdam"),
    ("DK", "Europe/Copenhagen"),
    ("PL", "Europe/Warsaw"),
    ("CH", "Europe/Zurich"),
];

/// The accounts that the leads work for.
pub fn accounts() -> impl Iterator<Item = AccountInput> {
    const EMPLOYEES: [i32; 7] = [38, 1_240, 95, 12, 410, 2_800, 160];
    FIRMS.iter().enumerate().map(|(n, (name, domain, field))| AccountInput {
        name: (*name).to_owned(),
        domain: Some(format!("{domain}.example")),
        industry: Some(
            match *field {
                "optics" => "Optics and photonics",
                "robotics" => "Robotics",
                "energy" => "Energy",
                _ => "Laboratory equipment",
            }
            .to_owned(),
        ),
        employees: Some(EMPLOYEES[n % EMPLOYEES.len()]),
        country: Some(COUNTRIES[n % COUNTRIES.len()].0.to_owned()),
    })
}

/// What was noted about some of the leads.
pub const NOTES: [&str; 4] = [
    "Met at the trade fair in Berlin; asked for the price list of the reference set.",
    "Wants a call after the budget round in December.",
    "Quality audits are in March. Good moment to write again.",
    "Works with two sites; the second one decides on its own.",
];

/// A text of the library: title and words.
pub const POST: (&str, &str) = (
    "Three signs of drift in an inspection line",
    "Optical sensors drift long before they fail.\n\n\
     1. The reject rate moves with the shift.\n\
     2. Two lines disagree about the same part.",
);
/// The same text, written again.
pub const POST_AGAIN: (&str, &str) = (
    "Three signs of drift in an inspection line",
    "Optical sensors drift long before they fail.\n\n\
     1. The reject rate moves with the shift.\n\
     2. Two lines disagree about the same part.\n\
     3. A part that was measured yesterday measures differently today.",
);
/// Another text, about a campaign.
pub const REPORT: (&str, &str) = (
    "DACH optics Q4: what we learn from the first week",
    "## Answers\n\nThe first e-mail is answered on the day it arrives, or not at all.\n\n\
     ## Next\n\nTry the second e-mail after two days instead of three.",
);
/// What is to be done about some of the leads, and in how many days.
pub const TASKS: [(&str, Option<i64>); 3] = [
    ("Send the price list of the reference set", Some(0)),
    ("Call after the budget round", Some(12)),
    ("Ask who prepares the audits in March", None),
];
/// An e-mail that nobody has sent: subject and words.
pub const DRAFT: (&str, &str) = (
    "The price list you asked for",
    "Hello Ines,\n\n\
     it was good to meet you at the fair in Berlin. The price list of the reference set is ready; \
     shall I send it to you, or to somebody in purchasing?\n\n\
     Best regards\nNora Berg",
);

/// Agents that have worked on their example.
pub const AT_WORK: [&str; 7] = [
    "campaign-analyst",
    "copy-proofreader",
    "deliverability-checker",
    "event-promoter",
    "lead-researcher",
    "subject-line-tester",
    "test-orchestrator",
];
/// What somebody has asked an agent.
pub const MESSAGE: &str = "What do we know about lead7@atelier-verre.example before the call on Monday?";
/// Some of the leads answer what the sandbox has caught for them: people, and two who are away.
fn answering(n: usize) -> &'static str {
    match n {
        2 | 14 => "away+",
        _ if n % 5 == 1 && n < 60 => "reply+",
        _ => "",
    }
}

/// The lead with this number.
pub fn lead(n: usize) -> LeadInput {
    let (first, last) = (FIRST[n % FIRST.len()], LAST[(n * 7 + n / FIRST.len()) % LAST.len()]);
    let (firm, domain, field) = FIRMS[(n * 5) % FIRMS.len()];
    let (country, zone) = COUNTRIES[(n * 3) % COUNTRIES.len()];
    let some = |text: &str| Some(text.to_owned());
    LeadInput {
        email: Some(format!("{}lead{n}@{domain}.example", answering(n))),
        first_name: some(first),
        last_name: some(last),
        title: some(TITLES[(n * 11) % TITLES.len()]),
        account: some(firm),
        phone: n.is_multiple_of(3).then(|| format!("+49 30 5550{n:04}")),
        country: some(country),
        time_zone: some(zone),
        status: n.is_multiple_of(9).then_some(LeadStatus::Qualified),
        owner_id: None,
        tags: vec![field.to_owned()],
        lawful_basis: some("Legitimate interest, assessed 2026-10"),
    }
}

/// What the demo may say of itself: key, title and facts.
pub const SERVICE: (&str, &str, &str) = (
    "references",
    "Reference standards",
    r#"{"use": "make drift visible within one shift", "answer": "two pages about them"}"#,
);

/// Documents of the demo: key, title and facts.
pub const COMPETITORS: [(&str, &str, &str); 2] = [
    (
        "corvus-optik",
        "Corvus Optik",
        r#"{"countries": ["DE", "AT"], "lead_time_weeks": 9, "strong_in": "mirrors", "seen_at": ["Autumn fair"]}"#,
    ),
    (
        "lumen-nord",
        "Lumen Nord",
        r#"{"countries": ["SE", "NO", "DK"], "lead_time_weeks": 4, "strong_in": "filters", "price_list": {"year": 2026}}"#,
    ),
];

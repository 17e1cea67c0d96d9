//! The ways in which a simulation is played. All of them begin at the same moment with the same leads where they stand,
//! so that what differs between two of them is what was edited.

use std::{
    collections::{BTreeMap, HashMap},
    sync::Arc,
};

use chrono::{DateTime, Utc};
use domain::{
    EnrolmentId, LeadId, MailboxId, StepId,
    campaigns::Campaign,
    enrolments::EndReason,
    mailboxes::RecipientLimits,
    simulation::{self, Basis, Lead, Mailbox, NeverReached, Other, OtherWay, Otherwise, Plan, Simulation, Stands},
    steps::{Sequence, Test},
};

use crate::campaigns::{
    clock::Clock,
    replanning::{Planned, Timing, is_retimed, planned_anew},
    rotation::Rotation,
};

/// What a simulation needs, of one moment.
pub(super) struct Facts {
    pub basis: Basis,
    pub company_zone: String,
    pub company_country: Option<String>,
    pub limits: RecipientLimits,
    pub begins_at: DateTime<Utc>,
    pub sequences: Vec<Sequence>,
    /// Leads in the middle of their sequence.
    pub placed: Vec<Placed>,
    /// Those whom somebody holds.
    pub held: i64,
    /// Those who have no address any more.
    pub without_address: i64,
    pub answers: Answers,
    pub main: Play,
    pub otherwise: Vec<(OtherWay, Play)>,
}

/// A way to play it.
#[derive(Clone)]
pub(super) struct Play {
    /// The settings.
    pub campaign: Arc<Campaign>,
    pub new: Arc<NewLeads>,
    /// The place of the sequence that new leads get.
    pub sequence: usize,
    /// That of the sequence to which leads in the middle are moved; each stays in its own when absent.
    pub moved_to: Option<usize>,
    /// Mailboxes that new leads are given to, in turn.
    pub senders: Vec<MailboxId>,
    pub post: Arc<Post>,
}

/// The mailboxes of a way, each once, where each is, and what other campaigns have planned for them.
pub(super) struct Post {
    pub mailboxes: Vec<Mailbox>,
    pub places: HashMap<MailboxId, usize>,
    pub others: Vec<Other>,
}

/// Leads that are not placed yet, and why others of them get nothing.
#[derive(Default)]
pub(super) struct NewLeads {
    pub people: Vec<Person>,
    pub never: BTreeMap<EndReason, i64>,
}

/// What there is to know of a lead.
pub(super) struct Person {
    pub id: EnrolmentId,
    pub lead: Option<LeadId>,
    pub zone: Option<Arc<str>>,
    pub country: Option<Arc<str>>,
    pub group: Arc<str>,
}

/// A lead in the middle of its sequence.
pub(super) struct Placed {
    pub person: Person,
    pub mailbox: Option<MailboxId>,
    /// The place of its sequence.
    pub sequence: usize,
    pub stands: Stands,
    /// Its e-mail, if that is planned and was never tried.
    pub mail: Option<Planned>,
    /// Steps whose e-mails it has got, or was to get.
    pub got: Vec<StepId>,
}

/// What the steps ask, and of whom it is true. What is true now is taken to stay true.
#[derive(Default)]
pub(super) struct Answers {
    /// Each question once; the same step may ask something else in another version.
    pub asked: Vec<(StepId, Test)>,
    /// The questions to which a lead is an answer, by their places.
    pub yes: HashMap<EnrolmentId, Vec<usize>>,
}

impl Answers {
    /// The steps of a sequence that ask something which is true of a lead.
    fn of(&self, id: EnrolmentId, sequence: &Sequence) -> Vec<StepId> {
        let Some(yes) = self.yes.get(&id) else { return Vec::new() };
        let asked = yes.iter().filter_map(|place| self.asked.get(*place));
        let here = asked.filter(|(step, test)| sequence.get(*step).and_then(|step| step.action.test()) == Some(test));
        here.map(|(step, _)| *step).collect()
    }
}

/// Where a lead that stands before a step of one sequence goes on in another.
type Landings = HashMap<(usize, StepId), Option<StepId>>;

impl Facts {
    /// Plays every way. What the first one says, with the figures of the others, and what that was made of.
    pub(super) fn run(self) -> (Simulation, Basis) {
        let figures = |(way, play): &(OtherWay, Play)| Otherwise { way: *way, figures: self.play(play).figures() };
        let otherwise = self.otherwise.iter().map(figures).collect();
        (Simulation { otherwise, ..self.play(&self.main) }, self.basis)
    }

    fn play(&self, play: &Play) -> Simulation {
        let plan = Plan {
            sequences: &self.sequences,
            window: &play.campaign.window,
            holidays: play.campaign.rules.holidays,
            company_zone: &self.company_zone,
            company_country: self.company_country.as_deref(),
            limits: self.limits,
            mailboxes: &play.post.mailboxes,
            others: &play.post.others,
            begins_at: self.begins_at,
        };
        let mut never = play.new.never.clone();
        if self.without_address > 0 {
            *never.entry(EndReason::NoAddress).or_default() += self.without_address;
        }
        let never = never.into_iter().map(|(reason, leads)| NeverReached { reason, leads }).collect();
        Simulation { held: self.held, ..simulation::run(&plan, &self.leads(play), never) }
    }

    fn leads(&self, play: &Play) -> Vec<Lead> {
        let clock = Clock::of(&play.campaign, &self.company_zone, self.company_country.as_deref());
        let (mut rotation, mut landings) = (Rotation::new(play.senders.clone(), 0), Landings::new());
        let mut leads = Vec::with_capacity(play.new.people.len() + self.placed.len());
        for person in &play.new.people {
            let mailbox = rotation.next();
            leads.extend(self.lead(play, person, mailbox, play.sequence, Stands::Start, &[]));
        }
        for one in &self.placed {
            let sequence = play.moved_to.unwrap_or(one.sequence);
            let stands = match sequence == one.sequence {
                true => one.stands,
                false => self.moved(one, sequence, &clock, &mut landings),
            };
            leads.extend(self.lead(play, &one.person, one.mailbox, sequence, stands, &one.got));
        }
        leads
    }

    fn lead(
        &self,
        play: &Play,
        person: &Person,
        mailbox: Option<MailboxId>,
        sequence: usize,
        stands: Stands,
        behind: &[StepId],
    ) -> Option<Lead> {
        Some(Lead {
            sequence,
            mailbox: *play.post.places.get(&mailbox?)?,
            zone: person.zone.clone(),
            country: person.country.clone(),
            group: person.group.clone(),
            holds: self.answers.of(person.id, &self.sequences[sequence]),
            behind: behind.to_vec(),
            stands,
        })
    }

    /// Where a lead stands once it was moved to another sequence, as `replanning.rs` moves it.
    fn moved(&self, one: &Placed, to: usize, clock: &Clock<'_>, landings: &mut Landings) -> Stands {
        let (Stands::Mail(at, _) | Stands::Before(at, _) | Stands::In(at, _)) = one.stands else { return one.stands };
        let (old, new) = (&self.sequences[one.sequence], &self.sequences[to]);
        let landing = landings.entry((one.sequence, at)).or_insert_with(|| new.landing(old, at).map(|step| step.id));
        match *landing {
            Some(step) if step != at => Stands::Anew(step),
            None => Stands::End,
            Some(_) => match (one.mail, old.get(at), new.get(at)) {
                (Some(mail), Some(was), Some(is)) if is_retimed(was, is) => {
                    let (zone, country) = (one.person.zone.as_deref(), one.person.country.as_deref());
                    let (was, is) = (Timing::of(was, clock, zone, country), Timing::of(is, clock, zone, country));
                    Stands::Mail(at, planned_anew(mail, was, is, self.begins_at).due_at)
                }
                _ => one.stands,
            },
        }
    }
}

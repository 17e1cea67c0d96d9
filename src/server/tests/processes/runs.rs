//! Runs of agents whose worker is killed thirty times, at each kind of step: nothing is done twice, no run
//! stands still, and what nobody can know is called unknown.
//!
//! The worker is the real binary. Model and webhook are servers of the test, and tables are locked to stop
//! a worker in the middle of a transaction.

use std::time::Duration;

use domain::{
    LeadId, RunId,
    agents::Definition,
    leads::{LeadInput, LeadSource},
    models::{ModelInput, ModelKind},
    runs::{ApprovalState, Decision, Failure, NewRun, Run, RunState, RunStepState},
};
use service::{Tenant, deliveries::Delivery, runs::Taken};
use standardwebhooks::Webhook;
use testing::TestCompany;

use crate::{
    desk::{Callback, Desk, Held, NOTE, Point, TASK, TURNS},
    house::{House, Process},
};

const PATIENCE: Duration = Duration::from_secs(60);
const ROUNDS: usize = 3;

/// Where a worker is killed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Moment {
    /// It writes down what it is about to do.
    Intent,
    /// The model was asked.
    Asked,
    /// The model has begun to answer.
    HalfSaid,
    /// It writes down what the model said.
    Said,
    /// It writes a note.
    Note,
    /// It makes a task.
    Task,
    /// The webhook was called, and has not answered.
    Called,
    /// It writes down what the webhook answered.
    Answered,
    /// A person is asked.
    Waiting,
    /// Something in between.
    Between,
}

const MOMENTS: [Moment; 10] = [
    Moment::Intent,
    Moment::Asked,
    Moment::HalfSaid,
    Moment::Said,
    Moment::Note,
    Moment::Task,
    Moment::Called,
    Moment::Answered,
    Moment::Waiting,
    Moment::Between,
];

#[tokio::test(flavor = "multi_thread")]
async fn runs_survive_thirty_kills_of_their_worker() {
    let house = House::build().await;
    let desk = Desk::open().await;
    let office = Office::open(&house, &desk).await;
    let mut worker = house.work();
    let mut ended = Vec::new();
    for round in 0..ROUNDS {
        for moment in MOMENTS {
            let number = ended.len();
            let run;
            (run, worker) = tokio::time::timeout(PATIENCE, office.kill(worker, moment, number, round))
                .await
                .unwrap_or_else(|_| panic!("{moment:?} is reached"));
            let run = tokio::time::timeout(PATIENCE, office.attend(run, |run| run.state.has_ended()))
                .await
                .unwrap_or_else(|_| panic!("a run whose worker was killed at {moment:?} stands still"));
            ended.push((moment, run));
        }
    }
    assert!(worker.stop().await.success());
    office.judge(&ended).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_outlives_the_worker_that_asked_for_it() {
    let house = House::build().await;
    let desk = Desk::open().await;
    let office = Office { waits: true, ..Office::open(&house, &desk).await };
    let mut worker = house.work();
    for (number, moment) in [Moment::Called, Moment::Answered].into_iter().enumerate() {
        let run;
        (run, worker) = tokio::time::timeout(PATIENCE, office.kill(worker, moment, number, 0))
            .await
            .unwrap_or_else(|_| panic!("{moment:?} is reached"));
        let attended = office.attend(run, |run| run.state == RunState::WaitingTool);
        tokio::time::timeout(PATIENCE, attended).await.unwrap_or_else(|_| panic!("{moment:?}: nobody waits"));
        let Callback { address, secret } = desk.callback(number as u64);
        let id = address.rsplit_once("/hooks/answers/").expect("an address of ours").1.parse().expect("an id");
        let (body, now) = (br#"{"done": true}"#, house.db().clock().now().timestamp());
        let signatures = Webhook::new(&secret).and_then(|key| key.sign("a", now, body)).expect("signed");
        let delivery = Delivery { id: "a", timestamp: &now.to_string(), signatures: &signatures, body };
        assert_eq!(house.db().take_answer(id, delivery).await.expect("taken"), Taken::By(run));
        let ended = tokio::time::timeout(PATIENCE, office.attend(run, |run| run.state.has_ended()));
        let ended = ended.await.unwrap_or_else(|_| panic!("{moment:?}: the run stands still"));
        assert_eq!(ended.state, RunState::Succeeded, "{moment:?}: {ended:?}");
        assert_eq!(desk.calls().get(&(number as u64)), Some(&1), "{moment:?}: it is called once");
    }
    assert!(worker.stop().await.success());
}

/// A company with an agent, a model and a webhook.
struct Office<'h> {
    house: &'h House,
    desk: &'h Desk,
    company: TestCompany<'h>,
    lead: LeadId,
    /// Whether the webhook answers later.
    waits: bool,
}

impl<'h> Office<'h> {
    async fn open(house: &'h House, desk: &'h Desk) -> Self {
        let company = testing::company(house.db(), "Halden").await;
        let mut t = house.db().tenant(&company.owner).await.expect("the company opens");
        let agent = "---\nname: clerk\ndescription: Tests.\n\
                     tools: [read_lead, add_note, create_task, call_webhook]\n\
                     limits: {steps: 50, minutes: 30, tokens: 100000, cost: 1}\n---\nDo it.";
        t.agents().create(Definition::from_markdown(agent).expect("a file")).await.expect("created");
        let model = ModelInput {
            name: Some("Plan".into()),
            kind: Some(ModelKind::OpenAi),
            base_url: Some(desk.model()),
            model: Some("m".into()),
            key: Some("sk-test".into()),
            ..ModelInput::default()
        };
        t.models().create(model).await.expect("set up");
        t.webhook().connect(&desk.webhook()).await.expect("connected");
        let input = LeadInput { email: Some("ines@prospect.example".into()), ..LeadInput::default() };
        let lead = t.leads().create(input, LeadSource::Manual).await.expect("created").id;
        t.commit().await.expect("kept");
        Self { house, desk, company, lead, waits: false }
    }

    async fn tenant(&self) -> Tenant {
        self.house.db().tenant(&self.company.owner).await.expect("the company opens")
    }

    async fn start(&self, number: usize) -> RunId {
        let mut t = self.tenant().await;
        let rest = if self.waits { " and waits" } else { "" };
        let task = format!("Run {number} with lead {}{rest}", self.lead);
        let new = NewRun { agent: "clerk".into(), task, ..NewRun::default() };
        let run = t.runs().create(new).await.expect("started");
        t.commit().await.expect("kept");
        run.id
    }

    /// Starts a run, kills its worker at a moment, and begins with another one.
    async fn kill(&self, worker: Process, moment: Moment, number: usize, round: usize) -> (RunId, Process) {
        let turn = number % TURNS;
        let superuser = self.house.superuser();
        // The lock that the worker stands before, until it is dead.
        let mut lock = None;
        let run = if moment == Moment::Intent {
            lock = Some(testing::lock(&superuser, "run_steps").await);
            self.start(number).await
        } else {
            self.start(number).await
        };
        match moment {
            Moment::Intent => {}
            Moment::Asked => drop(self.reach(run, Point::Asked(turn)).await),
            Moment::HalfSaid => drop(self.reach(run, Point::HalfSaid(turn)).await),
            Moment::Waiting => self.until_asked(run).await,
            Moment::Called => drop(self.reach(run, Point::Called).await),
            Moment::Between => {
                self.reach(run, Point::Asked(turn)).await.go_on();
                tokio::time::sleep(Duration::from_millis(4 * round as u64)).await;
            }
            Moment::Said | Moment::Note | Moment::Task | Moment::Answered => {
                let (point, table) = match moment {
                    Moment::Note => (Point::Asked(NOTE), "lead_notes"),
                    Moment::Task => (Point::Asked(TASK), "tasks"),
                    Moment::Answered => (Point::Called, "run_steps"),
                    _ => (Point::Asked(turn), "run_steps"),
                };
                let held = self.reach(run, point).await;
                lock = Some(testing::lock(&superuser, table).await);
                held.go_on();
            }
        }
        if lock.is_some() {
            testing::until_somebody_waits(&superuser).await;
        }
        worker.kill();
        drop(lock);
        testing::let_leases_end(&superuser).await;
        (run, self.house.work())
    }

    /// Lets a run come to a point. The conversation is held for as long as what comes back is kept, and for
    /// ever when that is dropped without a word.
    async fn reach(&self, run: RunId, point: Point) -> Held {
        tokio::select! {
            held = self.desk.hold(point) => held,
            run = self.attend(run, |run| run.state.has_ended()) => panic!("{point:?} is not reached: {run:?}"),
        }
    }

    /// What people do meanwhile: they say yes, until the run is as wanted.
    async fn attend(&self, id: RunId, wanted: impl Fn(&Run) -> bool) -> Run {
        self.follow(id, async |run| {
            if run.state == RunState::WaitingApproval {
                let mut t = self.tenant().await;
                let asked = t.runs().approvals(id).await.expect("a list");
                for approval in asked.iter().filter(|approval| approval.state == ApprovalState::Pending) {
                    let yes = Decision::Approve { for_this_run: false, edited: None };
                    t.runs().decide(id, approval.id, yes).await.expect("decided");
                }
                t.commit().await.expect("kept");
            }
            wanted(run)
        })
        .await
    }

    async fn until_asked(&self, id: RunId) {
        self.follow(id, async |run| run.state == RunState::WaitingApproval).await;
    }

    /// Reads a run whenever something is heard of the company's runs, until it is as wanted.
    async fn follow(&self, id: RunId, wanted: impl AsyncFn(&Run) -> bool) -> Run {
        let mut hints = self.house.db().live().subscribe();
        loop {
            let run = self.tenant().await.runs().get(id).await.expect("it is there");
            if wanted(&run).await {
                return run;
            }
            // One that was missed is as good as one that came.
            let _ = hints.recv().await;
        }
    }

    async fn judge(&self, ended: &[(Moment, Run)]) {
        let mut t = self.tenant().await;
        let notes = t.leads().notes(self.lead).await.expect("notes");
        let tasks = t.tasks().of_lead(self.lead).await.expect("tasks");
        let calls = self.desk.calls();
        assert_eq!(ended.len(), 30);
        for (number, (moment, run)) in ended.iter().enumerate() {
            let title = format!("Run {number}");
            let notes = notes.iter().filter(|note| note.body == title).count();
            let tasks = tasks.iter().filter(|task| task.title == title).count();
            let calls = calls.get(&(number as u64)).copied().unwrap_or_default();
            assert_eq!((notes, tasks, calls), (1, 1, 1), "{moment:?}: each of them once");

            let steps = t.runs().steps(run.id).await.expect("steps");
            let unknown = steps.iter().filter(|step| step.state == RunStepState::Unknown).count();
            let outside = matches!(moment, Moment::Called | Moment::Answered);
            let could_be = outside || *moment == Moment::Between;
            match run.state {
                RunState::Succeeded => assert!(!outside && unknown == 0, "{moment:?}: nobody can know"),
                RunState::Failed => {
                    assert!(
                        could_be && run.failure == Some(Failure::OutcomeUnknown) && unknown == 1,
                        "{moment:?}: {run:?}"
                    );
                    assert!(run.failure_detail.as_ref().is_some_and(|words| words.contains("call_webhook")));
                }
                state => panic!("{moment:?}: {state}"),
            }
            let events = t.runs().events(run.id, 0).await.expect("events");
            assert!(events.iter().zip(1..).all(|(event, n)| event.seq == n), "{moment:?}: a gap");
        }
    }
}
